//! When something happened, as exactly as it is known.

use super::{Event, Seen};

/// A routing daemon is asked at least once in this time (`probe/src/rib`). Records from before `Event::since` do not say when it was
/// asked last; nanoseconds.
const BEAT: u64 = 1_000_000_000;

/// How much later a route or an address of `lo` may have changed than its stamp says: the stamp is that of the announcement that woke the
/// probe, and what changes before it has run again has the same one (`ci/bench/accuracy`); nanoseconds.
const WOKEN: u64 = 1_000_000;

/// Something happened at one moment between these two, both included; nanoseconds of the history's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// At the earliest.
    pub since: u64,
    /// At the latest.
    pub at: u64,
}

/// What two intervals say of the order of two moments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// The first happened before the second, or at the same moment.
    Before,
    /// The second happened before the first.
    After,
    /// The intervals overlap: either may have been first.
    Unclear,
}

impl Interval {
    /// A moment that is known exactly.
    #[must_use]
    pub fn exact(at: u64) -> Self {
        Self { since: at, at }
    }

    /// When an event happened.
    #[must_use]
    pub fn of(event: &Event) -> Self {
        let since = match (event.since, &event.saw) {
            (Some(since), _) => since.min(event.at),
            (None, Seen::Rib { .. }) => event.at.saturating_sub(BEAT),
            (None, _) => event.at,
        };
        let late = if matches!(event.saw, Seen::Fib { .. } | Seen::Address { .. }) { WOKEN } else { 0 };
        Self { since, at: event.at.saturating_add(late) }
    }

    /// The same moment, known not to be before `from`.
    #[must_use]
    pub fn not_before(self, from: u64) -> Self {
        Self { since: self.since.max(from).min(self.at.max(from)), at: self.at.max(from) }
    }

    /// The later of two moments.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        Self { since: self.since.max(other.since), at: self.at.max(other.at) }
    }

    /// Which of two moments came first.
    #[must_use]
    pub fn order(self, other: Self) -> Order {
        if self.at <= other.since {
            Order::Before
        } else if other.at < self.since {
            Order::After
        } else {
            Order::Unclear
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn interval() -> impl Strategy<Value = Interval> {
        (0_u64..50, 0_u64..20).prop_map(|(since, length)| Interval { since, at: since + length })
    }

    #[test]
    fn disjoint_intervals_have_an_order_and_overlapping_ones_have_none() {
        let (early, late) = (Interval { since: 1, at: 3 }, Interval { since: 4, at: 9 });
        assert_eq!(early.order(late), Order::Before);
        assert_eq!(late.order(early), Order::After);
        assert_eq!(late.order(Interval::exact(5)), Order::Unclear);
        assert_eq!(Interval::exact(5).order(late), Order::Unclear);
        assert_eq!(Interval::exact(4).order(Interval::exact(4)), Order::Before, "at once is in order");
    }

    #[test]
    fn an_old_record_s_rib_was_polled() {
        let saw = Seen::Rib { daemon: "router".to_owned(), routes: None };
        let mut event = Event { at: 5_000_000_000, since: None, node: None, saw };
        assert_eq!(Interval::of(&event).since, 4_000_000_000);
        event.since = Some(4_999_000_000);
        assert_eq!(Interval::of(&event).since, 4_999_000_000);
        event.saw = Seen::Ready;
        event.since = None;
        assert_eq!(Interval::of(&event), Interval::exact(5_000_000_000));
    }

    proptest! {
        /// An order is claimed only when every choice of moments within the intervals has it.
        #[test]
        fn a_claimed_order_holds_for_all_moments(one in interval(), other in interval()) {
            let orders = (one.since..=one.at).flat_map(|a| (other.since..=other.at).map(move |b| a <= b));
            let (mut some, mut all) = (false, true);
            orders.for_each(|in_order| (some, all) = (some || in_order, all && in_order));
            let expected = if all { Order::Before } else if some { Order::Unclear } else { Order::After };
            prop_assert_eq!(one.order(other), expected);
        }

        #[test]
        fn the_later_of_two_moments_lies_in_its_interval(one in interval(), other in interval()) {
            let later = one.later(other);
            for a in one.since..=one.at {
                for b in other.since..=other.at {
                    prop_assert!((later.since..=later.at).contains(&a.max(b)));
                }
            }
        }
    }
}
