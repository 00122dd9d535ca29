//! When the host of this machine, a virtual one, let one of its processors stand still: no account of the guest's has that to
//! the microsecond, and what happened on one processor meanwhile the other one learns late.

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use harness::history::now;
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::time::{ClockId, ClockNanosleepFlags, clock_nanosleep};
use nix::unistd::Pid;

/// How often each processor is looked at.
const PERIOD: Duration = Duration::from_micros(500);
/// Half of what a stamp may be off.
const LEAST: Duration = Duration::from_micros(500);

/// A thread on each processor that wants to run again and again.
pub(crate) struct Witness {
    over: Arc<AtomicBool>,
    threads: Vec<JoinHandle<Vec<Stall>>>,
}

/// From when to when a processor stood still, on the history's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stall {
    from: u64,
    to: u64,
}

impl Stall {
    /// Whether it stood still at any time between these.
    pub(crate) fn touches(self, from: u64, to: u64) -> bool {
        self.from <= to && from <= self.to
    }

    pub(crate) fn length(self) -> Duration {
        Duration::from_nanos(self.to - self.from)
    }
}

impl Witness {
    pub(crate) fn of_all_processors() -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let ours = sched_getaffinity(Pid::from_raw(0)).expect("sched_getaffinity(2)");
        let processors = (0..CpuSet::count()).filter(|cpu| ours.is_set(*cpu).unwrap_or(false));
        let threads = processors.map(|cpu| {
            let over = Arc::clone(&over);
            std::thread::spawn(move || watch(cpu, &over))
        });
        Self { threads: threads.collect(), over }
    }

    /// What they have seen.
    pub(crate) fn stalls(self) -> Vec<Stall> {
        self.over.store(true, Ordering::Relaxed);
        self.threads.into_iter().flat_map(|thread| thread.join().expect("a witness does not panic")).collect()
    }
}

/// Sleeps and looks how late it is, without what other threads of this machine made it wait (`/proc/pid/schedstat`, proc(5)).
fn watch(cpu: usize, over: &AtomicBool) -> Vec<Stall> {
    let mut here = CpuSet::new();
    here.set(cpu).expect("a processor of ours");
    sched_setaffinity(Pid::from_raw(0), &here).expect("sched_setaffinity(2)");
    let account = File::open("/proc/thread-self/schedstat").expect("schedstat");
    let mut stalls = Vec::new();
    let mut waited = waited_for_others(&account);
    while !over.load(Ordering::Relaxed) {
        let due = now() + nanos(PERIOD);
        let at = Duration::from_nanos(due);
        clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &at.into())
            .expect("clock_nanosleep(2)");
        let (ran, before) = (now(), std::mem::replace(&mut waited, waited_for_others(&account)));
        let others = waited.saturating_sub(before);
        if ran.saturating_sub(due) > nanos(LEAST) + others {
            stalls.push(Stall { from: due, to: ran - others });
        }
    }
    stalls
}

fn waited_for_others(account: &File) -> u64 {
    let mut text = [0; 96];
    let length = account.read_at(&mut text, 0).expect("schedstat");
    let text = String::from_utf8_lossy(&text[..length]);
    text.split_whitespace().nth(1).and_then(|waited| waited.parse().ok()).expect("the second number is the waiting")
}

fn nanos(span: Duration) -> u64 {
    span.as_nanos() as u64
}
