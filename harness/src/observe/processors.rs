//! The machine itself: whether each of its processors runs what wants to run.
//!
//! A thread on each sleeps again and again, and looks how late it is woken. On a machine with too much to do, and on a virtual one
//! whose host has, that is when daemons, too, do late what they would have done in time.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::thread::Builder;
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

/// How many periods a look is waited for: a second. A processor that a real-time task holds may not come back at all.
const PATIENCE: u32 = 100;

/// A processor that ran a thread late.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stall {
    /// Its number.
    pub processor: u32,
    /// Of how many that are watched.
    pub of: u32,
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

    fn seen(&self) -> Seen {
        let (late, waited, processor, of) = (self.late(), self.waited, Some(self.processor), Some(self.of));
        Seen::Stalled { late, waited, processor, of }
    }
}

/// The processors are looked at until this is dropped.
pub struct Processors {
    threads: Arc<Threads>,
    /// Where stalls are recorded, and its number among those to tell.
    journal: Option<(u64, Journal)>,
}

/// A thread on each processor.
struct Threads {
    over: Arc<AtomicBool>,
    looks: Vec<Look>,
}

/// When a thread has looked last; [`NEVER_AGAIN`] when it has ended.
struct Look {
    processor: u32,
    last: Arc<AtomicU64>,
}

const NEVER_AGAIN: u64 = u64::MAX;

/// The threads that record, one set for all labs of this process; and who is told.
struct Shared {
    threads: Weak<Threads>,
    journals: Vec<(u64, Journal)>,
    next: u64,
}

static SHARED: Mutex<Shared> = Mutex::new(Shared { threads: Weak::new(), journals: Vec::new(), next: 0 });

fn shared() -> MutexGuard<'static, Shared> {
    SHARED.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Processors {
    /// Records when one was late. The threads are those of all that record in this process.
    ///
    /// # Errors
    /// As [`Self::watch`].
    pub fn record(journal: &Journal) -> io::Result<Self> {
        let mut shared = shared();
        let threads = shared.threads.upgrade().map_or_else(|| Threads::start(PERIOD, tell), Ok)?;
        shared.threads = Arc::downgrade(&threads);
        let number = shared.next;
        shared.next += 1;
        shared.journals.push((number, journal.clone()));
        Ok(Self { threads, journal: Some((number, journal.clone())) })
    }

    /// Looks at each processor of this process every `period`, and hands on how late each look was. The threads end soon after
    /// this is dropped.
    ///
    /// # Errors
    /// The processors are not known, or a thread cannot be started.
    pub fn watch(period: Duration, looked: impl Fn(Stall) + Clone + Send + 'static) -> io::Result<Self> {
        Ok(Self { threads: Threads::start(period, looked)?, journal: None })
    }

    /// Returns when each has looked since then: how late it was before that has been handed on. One that has not within a second is
    /// recorded as standing still since its last look.
    pub async fn looked_since(&self, at: u64) {
        for _ in 0..PATIENCE {
            if self.threads.late(at).next().is_none() {
                return;
            }
            pause(PERIOD).await;
        }
        let Some((_, journal)) = &self.journal else { return };
        let of = self.threads.number();
        for (processor, last) in self.threads.late(at) {
            let stall = Stall { processor, of, due: last.saturating_add(nanos(PERIOD)), ran: now(), waited: 0 };
            journal.note_at(stall.ran, None, stall.seen());
        }
    }
}

/// Tells all that record.
fn tell(stall: Stall) {
    if stall.late() >= nanos(STALLED) {
        // What is recorded may be written to a disk: not under the lock.
        let journals = shared().journals.clone();
        journals.iter().for_each(|(_, journal)| journal.note_at(stall.ran, None, stall.seen()));
    }
}

impl Threads {
    fn start(period: Duration, looked: impl Fn(Stall) + Clone + Send + 'static) -> io::Result<Arc<Self>> {
        let ours = sched_getaffinity(Pid::from_raw(0))?;
        let numbers: Vec<usize> = (0..CpuSet::count()).filter(|one| ours.is_set(*one).unwrap_or(false)).collect();
        let of = u32::try_from(numbers.len()).unwrap_or(u32::MAX);
        let mut all = Self { over: Arc::default(), looks: Vec::new() };
        for number in numbers {
            let processor = u32::try_from(number).unwrap_or(u32::MAX);
            // It has been looked at when its thread was started.
            let (over, last, looked) = (Arc::clone(&all.over), Arc::new(AtomicU64::new(now())), looked.clone());
            all.looks.push(Look { processor, last: Arc::clone(&last) });
            let look = move || {
                look(number, period, &over, |due, ran, waited| {
                    looked(Stall { processor, of, due, ran, waited });
                    last.store(ran, Ordering::Release);
                });
                last.store(NEVER_AGAIN, Ordering::Release);
            };
            // They are not joined: a processor that does not come back must not keep a run from its end.
            drop(Builder::new().name(format!("processor {number}")).spawn(look)?);
        }
        Ok(Arc::new(all))
    }

    /// The processors that were not looked at since then, and when they were.
    fn late(&self, at: u64) -> impl Iterator<Item = (u32, u64)> {
        let looks = self.looks.iter().map(|look| (look.processor, look.last.load(Ordering::Acquire)));
        looks.filter(move |(_, last)| *last < at)
    }

    fn number(&self) -> u32 {
        u32::try_from(self.looks.len()).unwrap_or(u32::MAX)
    }
}

impl Drop for Processors {
    fn drop(&mut self) {
        if let Some((number, _)) = &self.journal {
            shared().journals.retain(|(other, _)| other != number);
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// `looked` is told when the thread was to run, when it ran, and for how long it waited for others; nanoseconds.
fn look(processor: usize, period: Duration, over: &AtomicBool, looked: impl Fn(u64, u64, u64)) {
    let mut here = CpuSet::new();
    // A processor that was taken away meanwhile is none of ours any more.
    if here.set(processor).and_then(|()| sched_setaffinity(Pid::from_raw(0), &here)).is_err() {
        return;
    }
    let account = File::open(ACCOUNT).ok();
    let mut before = waited(account.as_ref());
    // From look to look: the thread may also stand still before it sleeps.
    let mut last = now();
    while !over.load(Ordering::Relaxed) {
        let due = last.saturating_add(nanos(period));
        let at = Duration::from_nanos(due);
        while clock_nanosleep(ClockId::CLOCK_MONOTONIC, ClockNanosleepFlags::TIMER_ABSTIME, &at.into()).is_err() {}
        let (ran, since) = (now(), waited(account.as_ref()));
        looked(due, ran, since.saturating_sub(before));
        (before, last) = (since, ran);
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
    use crate::clock::{Clock, Distance};
    use crate::history::{Event, Recorder};

    /// A journal of nodes whose clock is the harness's own.
    fn journal() -> Journal {
        let journal = Journal::new(Recorder::new(None).unwrap(), Clock::kernel());
        journal.settle(Distance::UNKNOWN);
        journal
    }

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
        assert!(told >= processors.threads.looks.len(), "{told} looks");
    }

    #[test]
    fn all_labs_of_a_process_share_the_threads() {
        let journals = [journal(), journal()];
        let [one, other] = journals.each_ref().map(|journal| Processors::record(journal).unwrap());
        assert!(Arc::ptr_eq(&one.threads, &other.threads));
        let (_, number) = (drop(one), other.journal.as_ref().map(|(number, _)| *number));
        assert!(shared().journals.iter().any(|(told, _)| Some(*told) == number));
        let stall = Stall { processor: 0, of: 2, due: now(), ran: now() + 2 * nanos(STALLED), waited: 0 };
        tell(stall);
        let told =
            |journal: &Journal| journal.recorder().history().events().iter().any(|event| event.saw == stall.seen());
        let told = journals.each_ref().map(told);
        assert_eq!(told, [false, true], "who has ended is not told");
    }

    /// A processor that a real-time task holds.
    #[tokio::test]
    async fn a_processor_that_does_not_come_back_is_recorded_and_not_waited_for() {
        let journal = journal();
        let looks = [5, NEVER_AGAIN].map(|last| Look { processor: 7, last: Arc::new(AtomicU64::new(last)) });
        let threads = Arc::new(Threads { over: Arc::default(), looks: looks.into() });
        let processors = Processors { threads, journal: Some((u64::MAX, journal.clone())) };
        processors.looked_since(now()).await;
        let seen = journal.recorder().history().events().to_vec();
        let [Event { at, saw: Seen::Stalled { late, processor, of, .. }, .. }] = seen.as_slice() else {
            panic!("one stall, found {seen:?}")
        };
        assert_eq!((at - late, *processor, *of), (5 + nanos(PERIOD), Some(7), Some(2)));
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
