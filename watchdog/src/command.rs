//! A command as a check: what it starts is gone when its time is up, whatever it does.

use std::io::{self, ErrorKind};
use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use nix::sys::signal::Signal;
use tokio::net::unix::pipe::Receiver;
use tokio::process::{Child, Command};
use tokio::time::{Instant, timeout, timeout_at};

use crate::duration::in_words;
use crate::transport::in_short;

mod family;
mod tail;
#[cfg(test)]
mod tests;

use family::Family;
use tail::Tail;

/// A killed process is gone at once, unless the kernel holds it, on a dead disk for example. It is waited for no longer than this;
/// the runtime reaps it later.
const REAPING: Duration = Duration::from_millis(50);

/// Why a command failed.
#[derive(Debug, thiserror::Error)]
pub enum CommandFailure {
    /// There is no such program, or none that its first line names as its interpreter.
    #[error("{0}: not found")]
    NotFound(String),
    /// It cannot be started.
    #[error("{program}: cannot be started: {}", in_short(.error))]
    NotStarted {
        /// The program.
        program: String,
        /// What the operating system says.
        error: io::Error,
    },
    /// It ended with another status than 0.
    #[error("status {status}{}", after_words(.last_line))]
    Status {
        /// The status.
        status: i32,
        /// The last line of its output, if any.
        last_line: String,
    },
    /// A signal ended it.
    #[error("ended by {}{}", name(*.signal), after_words(.last_line))]
    Signal {
        /// Its number (signal(7)).
        signal: i32,
        /// The last line of its output, if any.
        last_line: String,
    },
    /// It did not end in time, and was killed.
    #[error("no end within {}{}", in_words(*.limit), after_words(.last_line))]
    Timeout {
        /// The limit.
        limit: Duration,
        /// The last line of its output, if any.
        last_line: String,
    },
    /// It ended, and nobody knows how: somebody else has reaped it.
    #[error("how it ended cannot be told: {}", in_short(.0))]
    Unknown(io::Error),
}

/// Runs a command, a program and its arguments, without a shell and without input.
///
/// At the limit, and when the future is dropped, it is killed with all its descendants. What it leaves in the background when it
/// ends by itself is killed too: a check that is made again and again must not leave something each time.
///
/// # Errors
/// When it cannot be started, ends with another status than 0 or by a signal, or not within the limit.
pub async fn run(argv: &[String], limit: Duration) -> Result<(), CommandFailure> {
    let deadline = Instant::now() + limit;
    let (mut child, output) = start(argv)?;
    // Dropped before the child: its descendants are found only while it is there.
    let mut family = Family::of(&child);
    let mut tail = Tail::default();
    let ended = timeout_at(deadline, until_end(&mut child, &output, &mut tail)).await;
    let killed_in_time = ended.is_err();
    if killed_in_time {
        family.kill();
        timeout(REAPING, child.wait()).await.ok();
    } else {
        family.has_ended();
    }
    tail.read_rest(&output);
    match ended {
        Ok(status) => judge(status.map_err(CommandFailure::Unknown)?, tail.last_line()),
        Err(_) => Err(CommandFailure::Timeout { limit, last_line: tail.last_line() }),
    }
}

/// Starts it, and gives what it says on stdout and stderr, in one pipe, in the order in which it is said.
fn start(argv: &[String]) -> Result<(Child, Receiver), CommandFailure> {
    let program = argv.first().cloned().unwrap_or_default();
    let begin = || {
        let (output, input) = io::pipe()?;
        let child = Command::new(&program)
            .args(argv.iter().skip(1))
            .stdin(Stdio::null())
            .stdout(input.try_clone()?)
            .stderr(input)
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        Ok((child, Receiver::from_owned_fd(output.into())?))
    };
    begin().map_err(|error: io::Error| match error.kind() {
        ErrorKind::NotFound => CommandFailure::NotFound(program.clone()),
        _ => CommandFailure::NotStarted { program: program.clone(), error },
    })
}

/// Waits for its end, not for that of its output, which a descendant may hold open.
async fn until_end(child: &mut Child, output: &Receiver, tail: &mut Tail) -> io::Result<ExitStatus> {
    let mut open = true;
    loop {
        tokio::select! {
            biased;
            status = child.wait() => return status,
            _ = output.readable(), if open => open = tail.read(output),
        }
    }
}

fn judge(status: ExitStatus, last_line: String) -> Result<(), CommandFailure> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(()),
        (Some(status), _) => Err(CommandFailure::Status { status, last_line }),
        (None, signal) => Err(CommandFailure::Signal { signal: signal.unwrap_or_default(), last_line }),
    }
}

fn name(signal: i32) -> String {
    Signal::try_from(signal).map_or_else(|_| format!("signal {signal}"), |known| known.as_str().to_owned())
}

fn after_words(last_line: &str) -> String {
    if last_line.is_empty() { String::new() } else { format!(": {last_line}") }
}
