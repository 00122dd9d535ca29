//! The machine itself: whether each of its processors runs what wants to run.
//!
//! A thread on each sleeps again and again, and looks how late it is woken. On a machine with too much to do, and on a virtual one
//! whose host has, that is when daemons, too, do late what they would have done in time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{Builder, JoinHandle};
use std::time::Duration;

use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};
use nix::unistd::Pid;

use crate::check::nanos;
use crate::history::{Journal, Seen, now};
use crate::wait::pause;

/// How often each processor is looked at: a hundred short turns a second.
const PERIOD: Duration = Duration::from_millis(10);
/// What is later is recorded; less is how machines are that have something to do.
const STALLED: Duration = Duration::from_millis(20);

/// Three numbers (proc(5), `/proc/pid/schedstat`): nanoseconds on a processor, nanoseconds of waiting for one, turns.
const ACCOUNT: &str = "/proc/thread-self/schedstat";

/// A processor that ran a thread late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// When it was to run; nanoseconds of the harness's own clock, as all of these.
    pub due: u64,
    /// When it ran.
    pub ran: u64,
    /// For how much of that it waited for other threads of this machine; 0 where the kernel keeps no account.
    pub waited: u64,
}

impl Stall {
    /// How late.
    #[must_use]
    pub fn late(&self) -> u64 {
        self.ran.saturating_sub(self.due)
    }

    /// What the machine's host took.
    #[must_use]
    pub fn taken(&self) -> u64 {
        self.late().saturating_sub(self.waited)
    }
}

/// Threads that look, until this is dropped.
pub struct Processors {
    over: Arc<AtomicBool>,
    /// When each has looked last; [`NEVER_AGAIN`] when its thread has ended.
    looks: Vec<Arc<AtomicU64>>,
    threads: Vec<JoinHandle<()>>,
}

const NEVER_AGAIN: u64 = u64::MAX;

impl Processors {
    /// Records when one was late.
    ///
    /// # Errors
    /// As [`Self::watch`].
    pub fn record(journal: &Journal) -> io::Result<Self> {
        let journal = journal.clone();
        Self::watch(PERIOD, move |stall| {
            if stall.late() >= nanos(STALLED) {
                let saw = Seen::Stalled { late: stall.late(), waited: stall.waited };
                journal.note_at(stall.ran, None, saw);
            }
        })
    }

    /// Looks at each processor of this process every `period`, and hands on how late each look was.
    ///
    /// # Errors
    /// The processors are not known, or a thread cannot be started.
    pub fn watch(period: Duration, looked: impl Fn(Stall) + Clone + Send + 'static) -> io::Result<Self> {
        let ours = sched_getaffinity(Pid::from_raw(0))?;
        let mut all = Self { over: Arc::default(), looks: Vec::new(), threads: Vec::new() };
        for processor in (0..CpuSet::count()).filter(|one| ours.is_set(*one).unwrap_or(false)) {
            let (over, last, looked) = (Arc::clone(&all.over), Arc::new(AtomicU64::new(0)), looked.clone());
            all.looks.push(Arc::clone(&last));
            let look = move || {
                look(processor, period, &over, |stall| {
                    looked(stall);
                    last.store(stall.ran, Ordering::Release);
                });
                last.store(NEVER_AGAIN, Ordering::Release);
            };
            all.threads.push(Builder::new().name(format!("processor {processor}")).spawn(look)?);
        }
        Ok(all)
    }
}

impl Processors {
    /// Returns when each has looked since then, on the harness's own clock: how late it was before that has been handed on.
    pub async fn looked_since(&self, at: u64) {
        while self.looks.iter().any(|last| last.load(Ordering::Acquire) < at) {
            pause(PERIOD).await;
        }
    }
}

impl Drop for Processors {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            // One that panicked has said so.
            drop(thread.join());
        }
    }
}

fn look(processor: usize, period: Duration, over: &AtomicBool, looked: impl Fn(Stall)) {
    let mut here = CpuSet::new();
    // A processor that was taken away meanwhile is none of ours any more.
    if here.set(processor).and_then(|()| sched_setaffinity(Pid::from_raw(0), &here)).is_err() {
        return;
    }
    let account = File::open(ACCOUNT).ok();
    let mut before = waited(account.as_ref());
    while !over.load(Ordering::Relaxed) {
        let due = now().saturating_add(nanos(period));
        let at = Duration::from_nanos(due);
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &at.into()).is_err() {}
        let (ran, since) = (now(), waited(account.as_ref()));
        looked(Stall { due, ran, waited: since.saturating_sub(before) });
        before = since;
    }
}

fn waited(account: Option<&File>) -> u64 {
    let mut text = [0; 96];
    let read = account.and_then(|account| account.read_at(&mut text, 0).ok()).unwrap_or(0);
    let text = String::from_utf8_lossy(text.get(..read).unwrap_or_default());
    text.split_whitespace().nth(1).and_then(|waited| waited.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};
    use std::sync::mpsc::channel;

    use nix::sys::signal::{Signal, kill};

    use super::*;

    const STOPPED: Duration = Duration::from_millis(300);

    #[test]
    fn each_look_is_at_its_time_or_later() {
        let (sender, looks) = channel();
        let processors = Processors::watch(Duration::from_millis(1), move |look| sender.send(look).unwrap()).unwrap();
        let seen: Vec<Stall> = looks.iter().take(20).collect();
        drop(processors);
        assert!(seen.iter().all(|look| look.due <= look.ran && look.taken() <= look.late()), "{seen:?}");
    }

    #[tokio::test]
    async fn who_waits_for_a_look_has_been_told_of_it() {
        let (sender, looks) = channel();
        let processors = Processors::watch(PERIOD, move |look| sender.send(look).unwrap()).unwrap();
        let at = now();
        processors.looked_since(at).await;
        let told = looks.try_iter().filter(|look| look.ran >= at).count();
        assert!(told >= processors.looks.len(), "{told} looks");
    }

    /// What no account of its own machine has: here all threads of a process stand still.
    #[test]
    fn what_stood_still_was_late() {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["--exact", "--ignored", "--nocapture", "observe::processors::tests::tells_its_longest_stall"]);
        let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        assert!(said.any(|line| line == "looking"));
        let pid = Pid::from_raw(child.id().try_into().unwrap());
        kill(pid, Signal::SIGSTOP).unwrap();
        // `park_timeout` would end early: a child that stops is a signal.
        let (_never, nothing) = channel::<()>();
        nothing.recv_timeout(STOPPED).unwrap_err();
        kill(pid, Signal::SIGCONT).unwrap();
        drop(child.stdin.take());
        let late = said.find_map(|line| line.strip_prefix("late ")?.parse::<u64>().ok());
        child.wait().unwrap();
        let least = nanos(STOPPED - 2 * PERIOD);
        assert!(late.is_some_and(|late| late >= least), "expected at least {least} ns, found {late:?}");
    }

    #[test]
    #[ignore = "a process for what_stood_still_was_late"]
    fn tells_its_longest_stall() {
        let (sender, looks) = channel();
        let processors = Processors::watch(PERIOD, move |look| sender.send(look).unwrap()).unwrap();
        let first = looks.recv().unwrap();
        println!("\nlooking");
        io::stdin().lock().read_to_end(&mut Vec::new()).unwrap();
        drop(processors);
        println!("late {}", looks.iter().chain([first]).map(|look| look.late()).max().unwrap());
    }
}
