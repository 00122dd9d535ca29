//! `anycast-lab run`, under way: what it said so far, and signals to it.

use std::process::Stdio;
use std::sync::LazyLock;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;

use crate::command::{Ended, FOR_EVER, kill_named, lab};

/// As many labs at a time as there are processors: these tests are about moments, and promise times.
static LABS: LazyLock<Semaphore> =
    LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(1, usize::from)));

/// `anycast-lab run` on kill-named, under way.
pub(crate) struct Running {
    turn: SemaphorePermit<'static>,
    child: Child,
    out: Lines<BufReader<ChildStdout>>,
    stdout: String,
    records: TempDir,
}

impl Running {
    pub(crate) async fn start() -> Self {
        Self::start_as(lab(&["run"])).await
    }

    /// As `command`, which still lacks the scenario and where to record it.
    pub(crate) async fn start_as(mut command: Command) -> Self {
        let turn = LABS.acquire().await.expect("nobody closes it");
        let records = TempDir::new().expect("a temporary folder");
        command.arg(kill_named()).arg("--records").arg(records.path());
        // When a test fails, what it started is killed, and its reaper takes its lab.
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut child = command.spawn().expect("it can be started");
        let out = BufReader::new(child.stdout.take().expect("it is piped")).lines();
        Self { turn, child, out, stdout: String::new(), records }
    }

    /// Reads on until a line has `text` in it.
    pub(crate) async fn says(&mut self, text: &str) {
        let read = async {
            loop {
                let Some(line) = self.out.next_line().await.expect("it can be read") else {
                    let mut stderr = String::new();
                    let err = self.child.stderr.as_mut().expect("it is piped");
                    err.read_to_string(&mut stderr).await.expect("it can be read");
                    panic!("it never said {text:?}:\n{}{stderr}", self.stdout);
                };
                self.stdout += &line;
                self.stdout.push('\n');
                if line.contains(text) {
                    break;
                }
            }
        };
        timeout(FOR_EVER, read).await.expect("it says so");
    }

    /// The run's name: that of its folder.
    pub(crate) fn name(&self) -> String {
        let folders = std::fs::read_dir(self.records.path()).expect("it can be read");
        let names: Vec<_> = folders.map(|folder| folder.expect("it can be read").file_name()).collect();
        let [name] = names.as_slice() else { panic!("not one record: {names:?}") };
        name.to_string_lossy().into_owned()
    }

    pub(crate) fn signal(&self, signal: Signal) {
        let pid = self.child.id().expect("it has not been waited for");
        kill(Pid::from_raw(pid.cast_signed()), signal).expect("it runs");
    }

    pub(crate) async fn end(mut self) -> Ended {
        let mut stderr = String::new();
        let rest = async {
            let (mut out, mut err) = (self.out.into_inner(), self.child.stderr.take().expect("it is piped"));
            let read = tokio::try_join!(out.read_to_string(&mut self.stdout), err.read_to_string(&mut stderr));
            read.expect("it can be read");
            self.child.wait().await.expect("it is our child")
        };
        let status = timeout(FOR_EVER, rest).await.expect("it ends");
        Ended { code: status.code(), stdout: self.stdout, stderr, _turn: Some(self.turn) }
    }
}

/// Lets time pass.
pub(crate) async fn pass(ms: u64) {
    drop(timeout(Duration::from_millis(ms), std::future::pending::<()>()).await);
}
