//! `anycast-lab`, run to its end.

use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::SemaphorePermit;
use tokio::time::timeout;

/// Far beyond what anything here takes, the compilation of the programs included: a test that hangs fails.
pub(crate) const FOR_EVER: Duration = Duration::from_secs(300);

/// How a process ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// Its exit status; none when a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    /// A lab's place among those that may be up, until it has been seen what this one left.
    pub(crate) _turn: Option<SemaphorePermit<'static>>,
}

impl Ended {
    #[track_caller]
    pub(crate) fn must_exit(&self, code: u8) {
        assert_eq!(self.code, Some(i32::from(code)), "{self:#?}");
    }

    /// It said what is wrong, and what to do.
    #[track_caller]
    pub(crate) fn must_explain(&self, error: &str, hint: &str) {
        let line = |label: &str, text: &str| self.stderr.lines().any(|l| l.starts_with(label) && l.contains(text));
        assert!(line("error: ", error), "no error {error:?}: {self:#?}");
        assert!(line("hint: ", hint), "no hint {hint:?}: {self:#?}");
    }
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |octets: &[u8]| String::from_utf8_lossy(octets).into_owned();
        Self { code: output.status.code(), stdout: text(&output.stdout), stderr: text(&output.stderr), _turn: None }
    }
}

/// The workspace's scenario.
pub(crate) fn kill_named() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/kill-named.toml")
}

/// `anycast-lab ARGS`, not started yet.
pub(crate) fn lab<A: AsRef<std::ffi::OsStr>>(args: &[A]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_anycast-lab"));
    command.args(args);
    command
}

/// Runs it to its end.
pub(crate) async fn end(mut command: Command) -> Ended {
    let output = command.stdin(Stdio::null()).kill_on_drop(true).output();
    timeout(FOR_EVER, output).await.expect("it ends").expect("it can be started").into()
}
