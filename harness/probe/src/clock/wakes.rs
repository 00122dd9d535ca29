//! When a thread was woken, though it came to run later: on a busy machine a thread that something has woken waits for a
//! processor, for milliseconds. The kernel keeps account of that waiting, to the nanosecond, and this subtracts it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use nix::sched::{CpuSet, sched_getcpu, sched_setaffinity};
use nix::unistd::Pid;

use super::{monotonic, together};

/// Three numbers (proc(5), `/proc/pid/schedstat`): nanoseconds on a processor, nanoseconds of waiting for one, turns.
const ACCOUNT: &str = "/proc/thread-self/schedstat";

/// The account of one thread, which sleeps until something happens.
pub(crate) struct Wakes {
    /// None where the kernel keeps none (CONFIG_SCHED_INFO): then an event is stamped when the thread runs.
    account: Option<File>,
    since: u64,
    waited: u64,
}

impl Wakes {
    /// The account of the calling thread, and of no other.
    ///
    /// Since Linux 6.12 the scheduler may move a thread that has just gone to sleep to another processor (delayed dequeue), and
    /// then takes its whole sleep for waiting: one stamp in some hundred is too early.
    pub(crate) fn of_this_thread() -> Self {
        Self { account: File::open(ACCOUNT).ok(), since: 0, waited: 0 }
    }

    /// The same for a thread that from now on stays on the processor that it is on. Its account is right, and as it waits for
    /// this one processor it runs later: for what does not come in a row.
    pub(crate) fn of_this_thread_here() -> Self {
        let account = stay().and_then(|()| File::open(ACCOUNT)).ok();
        Self { account, since: 0, waited: 0 }
    }

    /// Sleeps; returns what `sleep` does, and the moment at which it was woken.
    ///
    /// `sleep` is one call of the kernel that returns at the event. What the thread waited for a processor since it went to
    /// sleep, it waited after the event; an event that came before it slept is stamped when it goes on.
    pub(crate) fn sleep<T>(&mut self, sleep: impl FnOnce() -> T) -> (u64, T) {
        self.waited = self.waited();
        self.since = monotonic();
        let woken = sleep();
        let (now, waited) = together(|| self.waited());
        (moment(self.since, now, waited.saturating_sub(self.waited)), woken)
    }

    fn waited(&self) -> u64 {
        self.account.as_ref().and_then(|account| read(account).ok()?).unwrap_or(0)
    }
}

fn stay() -> io::Result<()> {
    let mut here = CpuSet::new();
    here.set(sched_getcpu()?)?;
    Ok(sched_setaffinity(Pid::from_raw(0), &here)?)
}

/// Whatever the account says, the event did not come before the thread slept.
fn moment(since: u64, now: u64, waited: u64) -> u64 {
    now.saturating_sub(waited).max(since)
}

fn read(account: &File) -> io::Result<Option<u64>> {
    let mut text = [0; 96];
    let length = account.read_at(&mut text, 0)?;
    Ok(waited(text.get(..length).unwrap_or_default()))
}

fn waited(account: &[u8]) -> Option<u64> {
    std::str::from_utf8(account).ok()?.split_whitespace().nth(1)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::sync::mpsc::channel;
    use std::thread;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_second_number_is_the_waiting() {
        assert_eq!(waited(b"75051 234087 2\n"), Some(234_087));
        assert_eq!(waited(b"75051\n"), None);
        assert_eq!(waited(b"75051 x 2\n"), None);
    }

    #[test]
    fn waiting_is_taken_off_but_nothing_happened_before_the_sleep() {
        assert_eq!(moment(100, 500, 150), 350);
        assert_eq!(moment(100, 500, 450), 100);
        assert_eq!(moment(100, 500, 0), 500);
    }

    /// A thread sleeps for words, and two others for each processor never do.
    #[test]
    fn a_busy_machine_does_not_shift_what_woke_a_thread() {
        let (sender, receiver) = channel();
        let idle = AtomicBool::new(false);
        let busy = 2 * thread::available_parallelism().unwrap().get();
        let (sent, woken) = thread::scope(|scope| {
            for _ in 0..busy {
                scope.spawn(|| {
                    while !idle.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let sleeper = scope.spawn(move || {
                let mut wakes = Wakes::of_this_thread();
                let mut woken = Vec::new();
                while let (at, Ok(())) = wakes.sleep(|| receiver.recv()) {
                    woken.push((at, monotonic()));
                }
                woken
            });
            let mut sent = Vec::new();
            for _ in 0..100 {
                thread::park_timeout(Duration::from_millis(5));
                sent.push(monotonic());
                sender.send(()).unwrap();
            }
            drop(sender);
            let woken = sleeper.join().unwrap();
            idle.store(true, Ordering::Relaxed);
            (sent, woken)
        });
        let middle = |mut times: Vec<u64>| {
            times.sort_unstable();
            times[times.len() / 2]
        };
        let late = middle(sent.iter().zip(&woken).map(|(sent, (at, _))| at.abs_diff(*sent)).collect());
        let ran = middle(sent.iter().zip(&woken).map(|(sent, (_, ran))| ran.abs_diff(*sent)).collect());
        println!("stamped {late} ns after, ran {ran} ns after");
        assert!(late < 500_000, "half of the stamps are more than {late} ns off; the thread ran after {ran} ns");
    }
}
