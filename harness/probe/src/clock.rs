//! The clock of the history.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of CLOCK_MONOTONIC: every container of a host reads the same.
pub(crate) fn monotonic() -> u64 {
    nanoseconds(ClockId::CLOCK_MONOTONIC)
}

/// The moment of CLOCK_MONOTONIC at which CLOCK_REALTIME, in which the kernel stamps packets, showed `realtime`.
pub(crate) fn monotonic_at(realtime: u64) -> u64 {
    let age = nanoseconds(ClockId::CLOCK_REALTIME).saturating_sub(realtime);
    monotonic().saturating_sub(age)
}

fn nanoseconds(clock: ClockId) -> u64 {
    let now = clock_gettime(clock).expect("Linux has this clock");
    now.tv_sec() as u64 * 1_000_000_000 + now.tv_nsec() as u64
}
