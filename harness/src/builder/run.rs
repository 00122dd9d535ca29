//! Programs of the host's, run to their end: cargo, mmdebstrap, apt-get.

use std::collections::VecDeque;
use std::sync::mpsc;
use std::time::Duration;

use futures::StreamExt;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, waitid};
use nix::unistd::Pid;
use tokio::io::{AsyncBufReadExt, AsyncRead, BufReader};
use tokio::process::Command;

use super::{ImageError, Result};

/// Lines of a failed program's output that its error carries.
const LAST_LINES: usize = 20;

/// How long a cancelled program may take to clean up after itself.
const GRACE: Duration = Duration::from_secs(3);

/// Runs the command to its end; `said` gets what it writes, line by line. Dropped before that, it ends the command and all that it
/// has started.
pub(super) async fn run(what: &str, mut command: Command, said: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let line = format!("{:?}", command.as_std());
    let failed = |how: String, output: VecDeque<String>| ImageError::Host {
        what: what.to_owned(),
        command: line.clone(),
        how,
        output: output.into(),
    };
    command.process_group(0).stdin(std::process::Stdio::null());
    command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
    let mut child = command.spawn().map_err(|error| failed(error.to_string(), VecDeque::new()))?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));

    let mut last = VecDeque::new();
    let mut output = futures::stream::select(lines(child.stdout.take()), lines(child.stderr.take()));
    while let Some(line) = output.next().await {
        said(&line);
        if last.len() == LAST_LINES {
            last.pop_front();
        }
        last.push_back(line);
    }
    let status = child.wait().await.map_err(|error| failed(error.to_string(), VecDeque::new()))?;
    group.0 = None;
    if status.success() { Ok(()) } else { Err(failed(status.to_string(), last)) }
}

fn lines(pipe: Option<impl AsyncRead + Unpin + Send + 'static>) -> futures::stream::BoxStream<'static, String> {
    let Some(pipe) = pipe else {
        return futures::stream::empty().boxed();
    };
    let lines = futures::stream::unfold(BufReader::new(pipe), |mut pipe| async {
        let mut line = Vec::new();
        match pipe.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => None,
            Ok(_) => Some((String::from_utf8_lossy(&line).trim_end().to_owned(), pipe)),
        }
    });
    lines.boxed()
}

/// A running process group.
struct Group(Option<Pid>);

/// Asks it to end, and waits: mmdebstrap removes its half-made root file system then. Blocks for [`GRACE`] at most.
impl Drop for Group {
    fn drop(&mut self) {
        let Some(group) = self.0 else { return };
        // Errors: it has ended.
        let _ = killpg(group, Signal::SIGTERM);
        let (ended, end) = mpsc::channel::<()>();
        std::thread::spawn(move || {
            // Leaves it to tokio to reap it.
            let _ = waitid(Id::Pid(group), WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT);
            drop(ended);
        });
        let _ = end.recv_timeout(GRACE);
        let _ = killpg(group, Signal::SIGKILL);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_failure_shows_the_output() {
        let mut command = Command::new("sh");
        command.args(["-c", "echo one; echo two >&2; exit 3"]);
        let heard = Mutex::new(Vec::new());
        let error = run("testing", command, &|line| heard.lock().unwrap().push(line.to_owned())).await.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("testing: `\"sh\" \"-c\"") && text.contains("exit status: 3"), "{text}");
        assert!(text.contains("\none") && text.contains("\ntwo"), "{text}");
        assert_eq!(heard.into_inner().unwrap().len(), 2);
    }

    #[tokio::test]
    async fn dropping_ends_grandchildren_too() {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 1000 & echo $! > pid; echo up; wait"]).current_dir(folder.path());
        let (up, heard) = tokio::sync::oneshot::channel();
        let up = Mutex::new(Some(up));
        let said = |_: &str| {
            if let Some(up) = up.lock().unwrap().take() {
                up.send(()).unwrap();
            }
        };
        tokio::select! {
            _ = run("testing", command, &said) => panic!("it sleeps"),
            heard = timeout(Duration::from_secs(10), heard) => heard.unwrap().unwrap(),
        }
        let pid = std::fs::read_to_string(folder.path().join("pid")).unwrap();
        // It was killed, and takes a moment to die.
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim())).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let dies = async {
            let mut tick = tokio::time::interval(Duration::from_millis(5));
            while !gone() {
                tick.tick().await;
            }
        };
        timeout(Duration::from_secs(10), dies).await.expect("the sleeper is gone");
    }
}
