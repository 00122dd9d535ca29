//! A program run to its end, with its output.

use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use protocol::Exit;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::unix::pipe;
use tokio::time::timeout;

use super::children::{Children, Whom};
use crate::clock;

/// What is kept of the output: enough for a person, not enough to fill the harness.
const LONGEST_OUTPUT: usize = 1 << 20;

/// How long a program's output is read after its end: an orphan of its may hold the pipe open for ever.
const AFTERWARDS: Duration = Duration::from_millis(200);

/// A program that has ended.
pub(crate) struct Finished {
    /// Before it was started.
    pub(crate) began: u64,
    /// When it ended.
    pub(crate) at: u64,
    pub(crate) exit: Exit,
    /// stdout and stderr, in the order in which they were read.
    pub(crate) text: String,
}

/// Runs a program; its whole process group is killed after `patience`.
pub(crate) async fn run(
    children: &Children,
    argv: &[String],
    input: Option<&str>,
    patience: Duration,
) -> anyhow::Result<Finished> {
    let what = argv.join(" ");
    let (program, arguments) = argv.split_first().context("no program was given: argv is empty")?;
    let mut command = Command::new(program);
    command.args(arguments).stdout(Stdio::piped()).stderr(Stdio::piped());
    command.stdin(if input.is_some() { Stdio::piped() } else { Stdio::null() });
    let began = clock::monotonic();
    let child = children.spawn(&mut command).with_context(|| format!("could not run `{what}`"))?;

    let output = Arc::default();
    let reading = tokio::spawn({
        let (stdout, stderr) = (child.stdout.map(OwnedFd::from), child.stderr.map(OwnedFd::from));
        let output = Arc::clone(&output);
        async move { tokio::join!(biased; collect(stdout, &output), collect(stderr, &output)) }
    });
    if let (Some(input), Some(stdin)) = (input, child.stdin) {
        let mut stdin = pipe::Sender::from_owned_fd(stdin.into())?;
        // A program that does not read its input says why on its own.
        timeout(patience, stdin.write_all(input.as_bytes())).await.ok();
    }

    let ended = timeout(patience, child.ended).await;
    if ended.is_err() {
        children.signal(child.pid, Whom::Group, Signal::SIGKILL).ok();
    }
    let stop = reading.abort_handle();
    if timeout(AFTERWARDS, reading).await.is_err() {
        stop.abort();
    }
    let text = String::from_utf8_lossy(&output.lock().unwrap_or_else(PoisonError::into_inner)).into_owned();
    let Ok(ended) = ended else {
        bail!("`{what}` did not end within {} ms and was killed; it wrote: {}", patience.as_millis(), text.trim_end());
    };
    let ended = ended.context("the reaper is gone")?;
    Ok(Finished { began, at: ended.at, exit: ended.exit, text })
}

async fn collect(from: Option<OwnedFd>, output: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let Some(from) = from else { return Ok(()) };
    let mut from = pipe::Receiver::from_owned_fd(from)?;
    let mut chunk = [0; 8192];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let mut output = output.lock().unwrap_or_else(PoisonError::into_inner);
        let room = LONGEST_OUTPUT.saturating_sub(output.len());
        output.extend_from_slice(&chunk[..length.min(room)]);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::children;
    use super::*;

    async fn try_run(argv: &[&str], input: Option<&str>, ms: u64) -> Result<Finished, String> {
        let argv: Vec<String> = argv.iter().map(ToString::to_string).collect();
        let finished = run(&children(), &argv, input, Duration::from_millis(ms)).await;
        finished.map_err(|error| format!("{error:#}"))
    }

    #[tokio::test]
    async fn status_and_output_of_both_streams_come_back() {
        let finished = try_run(&["/bin/sh", "-c", "cat; echo oops >&2; exit 3"], Some("in"), 5000).await.unwrap();
        assert_eq!((finished.exit, finished.text.as_str()), (Exit::Code(3), "inoops\n"));
    }

    #[tokio::test]
    async fn a_program_that_takes_too_long_is_killed_with_its_children() {
        let error = try_run(&["/bin/sh", "-c", "echo started; /bin/sleep 60 & wait"], None, 200).await.err().unwrap();
        assert!(error.ends_with("did not end within 200 ms and was killed; it wrote: started"), "{error}");
    }

    #[tokio::test]
    async fn a_program_that_is_not_there_fails_and_the_reaper_survives() {
        let error = try_run(&["/nowhere/nothing"], None, 5000).await.err().unwrap();
        assert_eq!(error, "could not run `/nowhere/nothing`: No such file or directory (os error 2)");
        assert_eq!(try_run(&["/bin/true"], None, 5000).await.unwrap().exit, Exit::Code(0));
    }
}
