//! CLOCK: the one interface to time of everything that compares a moment of the harness with one of a node.
//!
//! Nodes stamp what they see with their kernel's CLOCK_MONOTONIC. The harness has the same clock only on the same host and in the same
//! time namespace (time_namespaces(7)): the distance is measured, and added to the harness's own clock.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

/// What a virtual clock shows first; nanoseconds. A test may go back from it.
const FIRST: u64 = 10_000_000_000_000;

/// The nodes' clock, as the harness knows it. Clones share the distance.
#[derive(Debug, Clone)]
pub struct Clock {
    source: Source,
    shift: Arc<AtomicI64>,
}

#[derive(Debug, Clone, Copy)]
enum Source {
    Kernel,
    Virtual { zero: Instant },
}

impl Clock {
    /// The kernel's CLOCK_MONOTONIC, taken for the nodes' until their distance is measured.
    #[must_use]
    pub fn kernel() -> Self {
        Self { source: Source::Kernel, shift: Arc::default() }
    }

    /// The runtime's clock, which tests stop and move (`tokio::time::pause`).
    #[must_use]
    pub fn virtual_time() -> Self {
        Self { source: Source::Virtual { zero: Instant::now() }, shift: Arc::default() }
    }

    /// A clock that runs as this one, and shows `ahead` nanoseconds more: that of another machine.
    #[must_use]
    pub fn elsewhere(&self, ahead: i64) -> Self {
        let shift = self.shift().saturating_add(ahead);
        Self { source: self.source, shift: Arc::new(AtomicI64::new(shift)) }
    }

    /// Whether tests move it: what measures the machine itself has no meaning on it.
    #[must_use]
    pub fn is_virtual(&self) -> bool {
        matches!(self.source, Source::Virtual { .. })
    }

    /// Returns the harness's own time; nanoseconds.
    #[must_use]
    pub fn own(&self) -> u64 {
        match self.source {
            Source::Kernel => {
                let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Into::into);
                nanos(now)
            }
            Source::Virtual { zero } => FIRST.saturating_add(nanos(zero.elapsed())),
        }
    }

    /// Returns the nodes' time; nanoseconds.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.convert(self.own())
    }

    /// Converts a moment of the harness's own clock to the nodes'.
    #[must_use]
    pub fn convert(&self, own: u64) -> u64 {
        own.saturating_add_signed(self.shift())
    }

    /// Returns what is added to the harness's own clock; nanoseconds.
    #[must_use]
    pub fn shift(&self) -> i64 {
        self.shift.load(Ordering::Acquire)
    }

    /// Sets that: from now on every clone shows it.
    pub fn set_shift(&self, shift: i64) {
        self.shift.store(shift, Ordering::Release);
    }
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// What is known of the distance from the harness's clock to the nodes'; nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Distance {
    /// It is no less.
    pub least: i64,
    /// It is no more.
    pub most: i64,
}

impl Distance {
    /// Nothing is known.
    pub const UNKNOWN: Self = Self { least: i64::MIN, most: i64::MAX };

    /// The harness asked at `asked`, a node stamped `at`, and its answer came at `came`.
    #[must_use]
    pub fn between(asked: u64, at: u64, came: u64) -> Self {
        let less = |own: u64| i64::try_from(i128::from(at) - i128::from(own)).unwrap_or(i64::MAX);
        Self { least: less(came), most: less(asked) }
    }

    /// Returns what both say; none when they contradict each other.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let both = Self { least: self.least.max(other.least), most: self.most.min(other.most) };
        (both.least <= both.most).then_some(both)
    }

    /// Returns the same, less sure by so much at both ends.
    #[must_use]
    pub fn widened(self, by: u64) -> Self {
        Self { least: self.least.saturating_sub_unsigned(by), most: self.most.saturating_add_unsigned(by) }
    }

    /// Returns by how much a distance lies outside; 0 when it is possible.
    #[must_use]
    pub fn misses(self, distance: i64) -> u64 {
        distance.clamp(self.least, self.most).abs_diff(distance)
    }

    /// Returns the best guess: none at all where that is possible, else the middle.
    #[must_use]
    pub fn guess(self) -> i64 {
        if self.misses(0) == 0 { 0 } else { self.least.midpoint(self.most) }
    }

    /// Returns how far the true distance may be from this one; nanoseconds.
    #[must_use]
    pub fn error(self, distance: i64) -> u64 {
        self.least.abs_diff(distance).max(self.most.abs_diff(distance))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_clock_has_no_distance() {
        let distance = Distance::between(100, 130, 150);
        assert_eq!((distance.guess(), distance.error(0)), (0, 30));
    }

    #[test]
    fn another_clock_is_guessed_within_its_error() {
        let (ahead, behind) = (Distance::between(100, 1_130, 150), Distance::between(2_100, 130, 2_150));
        assert_eq!((ahead.guess(), ahead.error(1_005)), (1_005, 25));
        assert_eq!(behind.guess(), -1_995);
        assert_eq!(ahead.and(Distance::between(0, 1_010, 10)), Some(Distance { least: 1_000, most: 1_010 }));
        assert_eq!(ahead.and(behind), None);
        assert_eq!((ahead.misses(0), ahead.misses(1_000), ahead.misses(2_000)), (980, 0, 970));
    }

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_moves_with_the_runtime_only() {
        let clock = Clock::virtual_time();
        let there = clock.elsewhere(-5);
        let began = clock.now();
        crate::wait::pause(Duration::from_secs(3600)).await;
        assert_eq!(clock.now() - began, 3_600_000_000_000);
        assert_eq!(there.now() + 5, clock.now());
        clock.set_shift(-5);
        assert_eq!((there.now(), clock.convert(7)), (clock.now(), 2));
    }
}
