//! The clock of the history.

mod steps;
mod wakes;

use nix::sys::time::TimeSpec;
use nix::time::{ClockId, clock_gettime};

pub(crate) use steps::observe;
pub(crate) use wakes::Wakes;

/// Nanoseconds between two looks at a clock that nothing came between. A thread that waits for a processor meanwhile takes
/// longer, and what it has read in that time does not belong together.
const TOGETHER: u64 = 20_000;
/// After so many tries the best one counts: the machine is slow.
const TRIES: u32 = 8;

/// Nanoseconds of CLOCK_MONOTONIC: every container of a host reads the same.
pub(crate) fn monotonic() -> u64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC)
}

/// The moment of a packet that the kernel stamped (SO_TIMESTAMPNS).
pub(crate) fn of_packet(stamp: TimeSpec) -> u64 {
    monotonic_at(stamp.tv_sec() as u64 * 1_000_000_000 + stamp.tv_nsec() as u64)
}

/// The moment of CLOCK_MONOTONIC at which CLOCK_REALTIME, in which the kernel stamps packets, showed `realtime`.
fn monotonic_at(realtime: u64) -> u64 {
    let (now, shown) = together(|| nanoseconds(ClockId::CLOCK_REALTIME));
    now.saturating_sub(shown.saturating_sub(realtime))
}

/// What `read` says, and the moment at which it says so.
fn together<T>(read: impl FnMut() -> T) -> (u64, T) {
    closest(read, monotonic)
}

fn closest<T>(mut read: impl FnMut() -> T, mut clock: impl FnMut() -> u64) -> (u64, T) {
    let mut once = || {
        let before = clock();
        let value = read();
        let after = clock();
        (after.saturating_sub(before), (after, value))
    };
    let (mut took, mut best) = once();
    for _ in 1..TRIES {
        if took <= TOGETHER {
            break;
        }
        let (again, value) = once();
        if again < took {
            (took, best) = (again, value);
        }
    }
    best
}

fn nanoseconds(clock: ClockId) -> u64 {
    let now = clock_gettime(clock).expect("Linux has this clock");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_across_a_pause_is_read_again() {
        let mut times = [0, 5_000_000, 5_000_010, 5_000_020].into_iter();
        let mut values = ["stale", "fresh"].into_iter();
        assert_eq!(closest(|| values.next(), || times.next().unwrap()), (5_000_020, Some("fresh")));
    }

    #[test]
    fn of_many_slow_looks_the_quickest_counts() {
        let (mut now, mut looks) = (0, 0);
        let (at, look) = closest(
            || {
                looks += 1;
                looks
            },
            || {
                now += if now < 5_000_000 { 1_000_000 } else { 2_000_000 };
                now
            },
        );
        assert_eq!((at, look), (2_000_000, 1));
    }

    #[test]
    fn a_moment_of_the_other_clock_is_found_on_this_one() {
        let before = monotonic();
        let shown = nanoseconds(ClockId::CLOCK_REALTIME);
        let after = monotonic();
        let at = monotonic_at(shown);
        assert!((before.saturating_sub(TOGETHER)..=after + TOGETHER).contains(&at), "{before} {at} {after}");
    }
}
