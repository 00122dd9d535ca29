//! What daemons write: one thread waits for all their pipes, and does nothing else, so that it knows when a line came.
//!
//! A line was written after the pipe was last known to be empty, and before it was read. A thread that was asleep knows better: the
//! pipe that woke it was written to when it was woken.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::sync::Arc;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::bell::Bell;
use crate::clock::{self, Wakes};
use crate::mark::{Pass, Stage};
use crate::report::Reporter;
use crate::{observer, process::Splitter};

/// Takes a line, and the earliest and the latest time at which it may have been written.
type Take = Box<dyn Fn(u64, u64, String) + Send>;

/// A thread reads its clock this long after it was woken, at most, where it did not wait for a processor: nanoseconds.
const EARLY: u64 = 100_000;

/// The thread that reads.
#[derive(Clone)]
pub(crate) struct Pipes(Arc<Bell<Order>>);

enum Order {
    Read(Pipe),
    Mark(Pass),
}

struct Pipe {
    from: File,
    /// When it was made, until it is read for the first time.
    made: Option<u64>,
    splitter: Splitter,
    take: Take,
}

impl Pipes {
    /// Starts the thread.
    pub(crate) fn watched(reporter: &Reporter) -> anyhow::Result<Self> {
        let pipes = Self(Bell::new()?);
        let (bell, rung) = (Arc::clone(&pipes.0), Arc::clone(&pipes.0));
        let membership = reporter.marks().join_with(Stage::Kernel, "lines", move |pass| rung.ring(Order::Mark(pass)));
        observer::watch("lines", reporter, move || {
            let _membership = membership;
            run(&bell)
        })?;
        Ok(pipes)
    }

    /// Reads this pipe to its end, and calls `take` with each line. Nothing was written to it before `made`.
    pub(crate) fn read(
        &self,
        from: OwnedFd,
        made: u64,
        take: impl Fn(u64, u64, String) + Send + 'static,
    ) -> io::Result<()> {
        let flags = OFlag::from_bits_retain(fcntl(&from, FcntlArg::F_GETFL)?);
        fcntl(&from, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        let (from, splitter, take) = (File::from(from), Splitter::default(), Box::new(take));
        self.0.ring(Order::Read(Pipe { from, made: Some(made), splitter, take }));
        Ok(())
    }
}

fn run(bell: &Bell<Order>) -> anyhow::Result<std::convert::Infallible> {
    let mut wakes = Wakes::of_this_thread();
    let mut pipes: Vec<Pipe> = Vec::new();
    // A time at which every pipe was empty.
    let mut empty = clock::monotonic();
    loop {
        let before = clock::monotonic();
        let (_, mut ready) = wait(bell, &pipes, PollTimeout::ZERO, &mut wakes)?;
        // What was written to the pipes that are ready was written after this.
        let mut since = empty;
        empty = before;
        if !ready.contains(&true) {
            let woken;
            (woken, ready) = wait(bell, &pipes, PollTimeout::NONE, &mut wakes)?;
            empty = before.max(woken.saturating_sub(EARLY));
            since = empty;
        }
        let mut ready = ready.into_iter().skip(1);
        pipes.retain_mut(|pipe| !ready.next().unwrap_or(true) || pipe.drain(since));
        let mut marks = Vec::new();
        for order in bell.answer() {
            match order {
                Order::Read(pipe) => pipes.push(pipe),
                Order::Mark(pass) => marks.push(pass),
            }
        }
        if !marks.is_empty() {
            // What was written before the mark is in the pipes by now, whatever poll(2) said before.
            pipes.retain_mut(|pipe| pipe.drain(empty));
        }
    }
}

/// Waits until the bell (first) or a pipe is ready; says which are, and when this thread was woken.
fn wait(
    bell: &Bell<Order>,
    pipes: &[Pipe],
    patience: PollTimeout,
    wakes: &mut Wakes,
) -> anyhow::Result<(u64, Vec<bool>)> {
    let all = std::iter::once(bell.as_fd()).chain(pipes.iter().map(|pipe| pipe.from.as_fd()));
    let mut all: Vec<PollFd<'_>> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
    loop {
        match wakes.sleep(|| poll(&mut all, patience)) {
            (at, Ok(_)) => {
                let ready = all.iter().map(|fd| fd.revents().is_none_or(|events| !events.is_empty()));
                return Ok((at, ready.collect()));
            }
            (_, Err(Errno::EINTR)) => {}
            (_, Err(errno)) => return Err(errno).context("poll on the pipes of daemons"),
        }
    }
}

impl Pipe {
    /// Reads all that is there; false at the end.
    fn drain(&mut self, since: u64) -> bool {
        let since = self.made.take().unwrap_or(since);
        let mut chunk = [0; 8 * 1024];
        loop {
            let length = match self.from.read(&mut chunk) {
                Ok(length) => length,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return true,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            let (at, take) = (clock::monotonic(), &self.take);
            if length == 0 {
                std::mem::take(&mut self.splitter).finish(|text| take(since, at, text));
                return false;
            }
            self.splitter.push(&chunk[..length], |text| take(since, at, text));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    #[tokio::test]
    async fn a_line_was_written_within_its_times_and_is_there_when_a_mark_has_passed() {
        let reporter = Reporter::writing_to(io::sink()).unwrap();
        let pipes = Pipes::watched(&reporter).unwrap();
        let (reader, writer) = nix::unistd::pipe().unwrap();
        let (sender, lines) = channel();
        pipes.read(reader, clock::monotonic(), move |since, at, text| sender.send((since, at, text)).unwrap()).unwrap();
        for nth in 0..100 {
            let before = clock::monotonic();
            nix::unistd::write(&writer, format!("{nth}\n").as_bytes()).unwrap();
            let after = clock::monotonic();
            if nth % 2 == 0 {
                std::thread::park_timeout(std::time::Duration::from_millis(2));
            }
            assert_eq!(reporter.marks().pass(Stage::Kernel, crate::mark::PATIENCE).await, [""; 0]);
            let (since, at, text) = lines.try_recv().unwrap();
            assert_eq!(text, nth.to_string());
            // The account of waiting may be early, never late.
            assert!(since <= after && before <= at && since <= at, "{since} to {at}, written {before} to {after}");
        }
        drop(writer);
        assert!(lines.recv().is_err(), "a pipe that has ended is forgotten");
    }
}
