//! Whether the zone served here keeps up with its primary's, by their serials (RFC 1982). Pure: time is what it is told, since
//! some start.

use std::collections::VecDeque;
use std::time::Duration;

use hickory_proto::rr::SerialNumber;

/// The primary's serials we have not got yet: more are thinned out.
const PENDING: usize = 64;

/// Compares a zone's serial with its primary's.
///
/// A zone that changes all the time is always a little behind. So it is not how long the serials have differed that counts, but
/// how long the primary has had the oldest serial that has not arrived here.
#[derive(Debug)]
pub struct Freshness {
    age: Duration,
    own: Option<u32>,
    primary: Option<u32>,
    /// The primary's serials newer than ours, oldest first, and when they were first seen.
    pending: VecDeque<(u32, Duration)>,
    silent_since: Option<Duration>,
}

/// What the comparison says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Not behind, or not for too long, or nothing is known to compare with.
    Fresh,
    /// Behind for too long.
    Stale {
        /// The primary had a newer serial from then on. Times at which the primary was silent are left out: it is later by as much.
        since: Duration,
        /// The serial here.
        own: u32,
        /// The primary's.
        primary: u32,
    },
}

impl Freshness {
    /// To be behind for up to `age` is no failure.
    #[must_use]
    pub fn new(age: Duration) -> Self {
        Self { age, own: None, primary: None, pending: VecDeque::new(), silent_since: None }
    }

    /// The serial served here.
    pub fn own(&mut self, serial: u32, at: Duration) {
        self.own = Some(serial);
        self.compare(at);
    }

    /// The primary's serial.
    pub fn primary(&mut self, serial: u32, at: Duration) {
        if let Some(since) = self.silent_since.take() {
            let silence = at.saturating_sub(since);
            self.pending.iter_mut().for_each(|(_, seen)| *seen = (*seen + silence).min(at));
        }
        match self.primary.replace(serial) {
            Some(before) if before == serial => {}
            Some(before) if is_older(before, serial) => {
                if self.pending.len() == PENDING {
                    self.pending.pop_back();
                }
                self.pending.push_back((serial, at));
            }
            // The first one, or the primary itself went back: what it had before counts no more.
            _ => self.pending.clear(),
        }
        self.compare(at);
    }

    /// The primary did not answer. It is no failure of ours; nobody can keep up with it meanwhile, so that time does not count.
    pub fn primary_silent(&mut self, at: Duration) {
        self.silent_since.get_or_insert(at);
    }

    /// Since when the primary has been silent, for people.
    #[must_use]
    pub fn silent_since(&self) -> Option<Duration> {
        self.silent_since
    }

    /// What is to be said at this time.
    #[must_use]
    pub fn verdict(&self, now: Duration) -> Verdict {
        let now = self.silent_since.map_or(now, |since| since.min(now));
        match (self.own, self.primary, self.pending.front()) {
            (Some(own), Some(primary), Some(&(_, since))) if now.saturating_sub(since) > self.age => {
                Verdict::Stale { since, own, primary }
            }
            _ => Verdict::Fresh,
        }
    }

    /// Forgets the serials that have arrived.
    fn compare(&mut self, at: Duration) {
        let (Some(own), Some(primary)) = (self.own, self.primary) else { return };
        while self.pending.pop_front_if(|(serial, _)| !is_older(own, *serial)).is_some() {}
        // Ours may have gone back.
        if self.pending.is_empty() && is_older(own, primary) {
            self.pending.push_back((primary, at));
        }
    }
}

/// RFC 1982, section 3.2; two serials that are as far from each other as can be are neither older nor newer.
fn is_older(this: u32, that: u32) -> bool {
    SerialNumber::new(this) < SerialNumber::new(that)
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGE: Duration = Duration::from_secs(60);

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn behind_for_too_long_is_stale() {
        let mut zone = Freshness::new(AGE);
        assert_eq!(zone.verdict(at(1000)), Verdict::Fresh, "nothing is known");
        zone.own(5, at(0));
        zone.primary(5, at(0));
        zone.primary(6, at(10));
        assert_eq!(zone.verdict(at(70)), Verdict::Fresh);
        assert_eq!(zone.verdict(at(71)), Verdict::Stale { since: at(10), own: 5, primary: 6 });
        zone.own(6, at(80));
        assert_eq!(zone.verdict(at(1000)), Verdict::Fresh);
    }

    #[test]
    fn who_follows_a_zone_that_changes_all_the_time_is_fresh() {
        let mut zone = Freshness::new(AGE);
        for second in 0..1000 {
            zone.primary(100 + u32::try_from(second).unwrap(), at(second));
            zone.own(u32::try_from(second).unwrap() + 60, at(second));
            assert_eq!(zone.verdict(at(second)), Verdict::Fresh, "{second}");
        }
        assert!(matches!(zone.verdict(at(1100)), Verdict::Stale { .. }));
    }

    #[test]
    fn who_does_not_is_stale_however_often_it_changes() {
        let mut zone = Freshness::new(AGE);
        zone.own(0, at(0));
        for second in 0..1000 {
            zone.primary(u32::try_from(second).unwrap(), at(second));
            assert!(zone.pending.len() <= PENDING);
        }
        assert_eq!(zone.verdict(at(1000)), Verdict::Stale { since: at(1), own: 0, primary: 999 });
        // It has something, and what it has not was there for longer.
        zone.own(10, at(1000));
        assert_eq!(zone.verdict(at(1000)), Verdict::Stale { since: at(11), own: 10, primary: 999 });
    }

    #[test]
    fn serials_go_round() {
        let mut zone = Freshness::new(AGE);
        zone.own(u32::MAX, at(0));
        zone.primary(2, at(0));
        assert!(matches!(zone.verdict(at(61)), Verdict::Stale { .. }));
        zone.own(3, at(61));
        assert_eq!(zone.verdict(at(1000)), Verdict::Fresh, "ahead is not behind");
    }

    #[test]
    fn a_primary_that_goes_back_forgets() {
        let mut zone = Freshness::new(AGE);
        zone.own(5, at(0));
        zone.primary(9, at(0));
        zone.primary(5, at(100));
        assert_eq!(zone.verdict(at(1000)), Verdict::Fresh);
        zone.own(4, at(1000));
        assert_eq!(zone.verdict(at(1061)), Verdict::Stale { since: at(1000), own: 4, primary: 5 }, "so did ours");
    }

    #[test]
    fn a_silent_primary_is_nobodys_failure_here() {
        let mut zone = Freshness::new(AGE);
        zone.own(5, at(0));
        zone.primary(6, at(0));
        zone.primary_silent(at(50));
        zone.primary_silent(at(60));
        assert_eq!(zone.silent_since(), Some(at(50)));
        assert_eq!(zone.verdict(at(1000)), Verdict::Fresh);
        zone.primary(6, at(1000));
        assert_eq!(zone.silent_since(), None);
        assert_eq!(zone.verdict(at(1010)), Verdict::Fresh);
        assert_eq!(zone.verdict(at(1011)), Verdict::Stale { since: at(950), own: 5, primary: 6 });
        zone.primary_silent(at(1020));
        assert!(matches!(zone.verdict(at(2000)), Verdict::Stale { .. }), "silence makes nothing fresh");
    }
}
