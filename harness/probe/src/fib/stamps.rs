//! What was announced of routes, and when: a dump may come after the notifications of several changes, and before that of one
//! that it shows. A route that goes and comes back between two dumps is in the notifications alone.

use std::collections::HashMap;

use ipnet::IpNet;

use super::LISTENERS;
use super::monitor::{Announced, Heard};
use super::table::{Entry, Table};

/// Announcements since the table was settled last.
pub(crate) struct Stamps {
    /// The first announcement that no dump has been made after.
    undumped: Option<u64>,
    /// When the last dump began.
    dumped: u64,
    routes: HashMap<IpNet, Stamp>,
    /// What a dump showed before anything named it: when it may have changed.
    unannounced: HashMap<IpNet, When>,
}

/// When something changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When {
    /// At the earliest; none if `at` is exact.
    pub(crate) since: Option<u64>,
    /// At the latest.
    pub(crate) at: u64,
}

/// What each listener has heard of a route, in its order.
#[derive(Default)]
struct Stamp {
    stories: [Vec<(u64, Announced)>; LISTENERS.len()],
}

impl Stamp {
    /// Whether every listener has heard the same number of announcements, and at least one.
    fn is_complete(&self) -> bool {
        let [one, other] = &self.stories;
        !one.is_empty() && one.len() == other.len()
    }

    /// The later of the stamps of the last announcement.
    fn last(&self) -> Option<u64> {
        self.stories.iter().filter_map(|story| story.last()).map(|(at, _)| *at).max()
    }

    /// The later of the stamps of the nth announcement. A listener that lost some has others in their places.
    fn nth(&self, nth: usize) -> Option<u64> {
        let [one, other] = &self.stories;
        let stories = if one.len() == other.len() { &self.stories[..] } else { &self.stories[..1] };
        stories.iter().filter_map(|story| story.get(nth)).map(|(at, _)| *at).max()
    }
}

impl Stamps {
    /// Begins when the table was settled, as of a dump that began at `dumped`.
    pub(crate) fn new(dumped: u64) -> Self {
        Self { undumped: None, dumped, routes: HashMap::new(), unannounced: HashMap::new() }
    }

    pub(crate) fn hear(&mut self, by: usize, heard: Heard) {
        self.undumped = Some(self.undumped.map_or(heard.at, |first| first.min(heard.at)));
        for announced in heard.routes {
            let stamp = self.routes.entry(announced.prefix).or_default();
            stamp.stories[by].push((heard.at, announced));
        }
    }

    /// A dump has begun at `at`, and is read; the last one began when this returns.
    pub(crate) fn dump(&mut self, at: u64) {
        self.dumped = at;
        self.undumped = None;
    }

    /// The earliest time at which something may have changed that the next dump shows and no announcement names: the first
    /// announcement since the last dump, as a link or address that goes takes routes along right after it is announced; or that dump.
    pub(crate) fn unnamed_since(&self) -> u64 {
        self.undumped.map_or(self.dumped, |first| first.max(self.dumped))
    }

    /// Whether every listener has heard of everything.
    pub(crate) fn is_complete(&self) -> bool {
        self.routes.values().all(Stamp::is_complete)
    }

    /// When a route changed that a dump shows changed; none if a listener has yet to hear of it, unless that is `forced`. `unnamed` is
    /// when it changed if nothing announced it. A stamp is used once: the next change has its own.
    pub(crate) fn take(&mut self, prefix: IpNet, unnamed: When, forced: bool) -> Option<When> {
        let stamp = self.routes.get(&prefix);
        if stamp.is_none() {
            self.unannounced.entry(prefix).or_insert(unnamed);
        }
        if !forced && !stamp.is_some_and(Stamp::is_complete) {
            return None;
        }
        let seen = self.unannounced.remove(&prefix);
        let named = self.routes.remove(&prefix).and_then(|stamp| stamp.last());
        named.map(|at| When { since: None, at }).or(seen)
    }

    /// What came and went, went and came back, or was replaced and put back, and is as it was in the settled table: when, and what it
    /// was then.
    pub(crate) fn flaps(&self, settled: &Table) -> Vec<(u64, IpNet, Entry)> {
        let mut flaps = Vec::new();
        for (&prefix, stamp) in &self.routes {
            let story = &stamp.stories[0];
            let [(_, one), .., (_, other)] = story.as_slice() else { continue };
            let (Some(first), Some(last)) = (stamp.nth(0), stamp.nth(story.len() - 1)) else { continue };
            let (Some(there), Some(back)) = (&one.entry, &other.entry) else { continue };
            let between = match settled.get(&prefix) {
                // The route that is deleted is the one in use, not a next hop of it and not one of a higher metric.
                Some(used) if !one.added && other.added && there == used => Entry::default(),
                // It is replaced, and what is put back is whole again.
                Some(used) if one.added && other.added && there != used && back == used => there.clone(),
                None if one.added && !other.added && there == back => there.clone(),
                _ => continue,
            };
            let after = settled.get(&prefix).cloned().unwrap_or_default();
            flaps.extend([(first, prefix, between), (last, prefix, after)]);
        }
        flaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn prefix() -> IpNet {
        "10.0.0.1/32".parse().unwrap()
    }

    fn entry(protocol: u8) -> Entry {
        Entry { protocol, next_hops: vec![] }
    }

    fn route(at: u64, added: bool, protocol: u8) -> Heard {
        let announced = Announced { prefix: prefix(), added, entry: Some(entry(protocol)) };
        Heard { at, routes: vec![announced], ..Heard::default() }
    }

    const UNNAMED: When = When { since: Some(1), at: 5 };

    fn exact(at: u64) -> Option<When> {
        Some(When { since: None, at })
    }

    #[test]
    fn each_route_has_the_later_stamp_of_its_own_notification_once() {
        let other: IpNet = "2001:db8::/64".parse().unwrap();
        let mut stamps = Stamps::new(1);
        stamps.hear(0, route(2, true, 12));
        assert_eq!(stamps.take(prefix(), UNNAMED, false), None, "one listener is yet to come");
        assert!(!stamps.is_complete());
        stamps.hear(1, route(1, true, 12));
        stamps.hear(0, Heard { at: 3, ..Heard::default() });
        assert!(stamps.is_complete());
        assert_eq!(stamps.take(prefix(), UNNAMED, false), exact(2));
        // Not announced yet, or never: a link that went down.
        assert_eq!(stamps.take(prefix(), UNNAMED, false), None);
        assert_eq!(stamps.take(other, UNNAMED, true), Some(UNNAMED));
    }

    #[test]
    fn two_announcements_to_one_listener_are_not_one_to_each() {
        let mut stamps = Stamps::new(1);
        stamps.hear(0, route(2, false, 12));
        stamps.hear(0, route(2, true, 12));
        assert!(!stamps.is_complete());
        assert_eq!(stamps.take(prefix(), UNNAMED, false), None);
        stamps.hear(1, route(3, false, 12));
        assert_eq!(stamps.take(prefix(), UNNAMED, false), None, "its second announcement is yet to come");
        stamps.hear(1, route(9, true, 12));
        assert_eq!(stamps.take(prefix(), UNNAMED, false), exact(9));
        // Nothing is left that would stamp the next change too early.
        stamps.hear(0, route(20, false, 12));
        assert_eq!(stamps.take(prefix(), UNNAMED, false), None);
        stamps.hear(1, route(21, false, 12));
        assert_eq!(stamps.take(prefix(), UNNAMED, false), exact(21));
    }

    #[test]
    fn what_is_never_announced_changed_before_it_was_seen_first() {
        let mut stamps = Stamps::new(1);
        assert_eq!(stamps.unnamed_since(), 1);
        stamps.hear(0, Heard { at: 3, ..Heard::default() });
        stamps.hear(0, Heard { at: 4, ..Heard::default() });
        assert_eq!(stamps.unnamed_since(), 3, "the first announcement since the last dump");
        stamps.dump(5);
        assert_eq!(stamps.unnamed_since(), 5);
        let seen = When { since: Some(3), at: 6 };
        assert_eq!(stamps.take(prefix(), seen, false), None);
        stamps.hear(0, Heard { at: 9, ..Heard::default() });
        assert_eq!(stamps.take(prefix(), When { since: Some(5), at: 10 }, true), Some(seen));
    }

    #[test]
    fn what_is_announced_after_it_was_seen_has_its_own_stamp() {
        let mut stamps = Stamps::new(1);
        assert_eq!(stamps.take(prefix(), UNNAMED, false), None);
        stamps.hear(0, route(9, true, 12));
        assert_eq!(stamps.take(prefix(), UNNAMED, false), None);
        stamps.hear(1, route(8, true, 12));
        assert_eq!(stamps.take(prefix(), UNNAMED, false), exact(9));
    }

    fn flaps(deeds: &[(u64, bool, u8)], settled: Option<u8>) -> Vec<(u64, u8)> {
        let mut stamps = Stamps::new(0);
        for &(at, added, protocol) in deeds {
            stamps.hear(0, route(at, added, protocol));
            stamps.hear(1, route(at, added, protocol));
        }
        let table = settled.map(|protocol| (prefix(), entry(protocol))).into_iter().collect();
        stamps.flaps(&table).into_iter().map(|(at, _, entry)| (at, entry.protocol)).collect()
    }

    #[test]
    fn what_is_as_it_was_has_been_away() {
        assert_eq!(flaps(&[(1, true, 12), (2, false, 12)], None), [(1, 12), (2, 0)]);
        assert_eq!(flaps(&[(1, false, 12), (2, true, 12)], Some(12)), [(1, 0), (2, 12)]);
    }

    #[test]
    fn what_was_replaced_and_put_back_was_another_meanwhile() {
        assert_eq!(flaps(&[(1, true, 9), (2, true, 12)], Some(12)), [(1, 9), (2, 12)]);
        // Put back in part only: a dump will show it.
        assert_eq!(flaps(&[(1, true, 9), (2, true, 8)], Some(12)), []);
    }

    #[test]
    fn a_flap_has_the_later_stamps_of_both_listeners() {
        let mut stamps = Stamps::new(0);
        for (by, times) in [(0, [1, 5]), (1, [2, 4])] {
            stamps.hear(by, route(times[0], false, 12));
            stamps.hear(by, route(times[1], true, 12));
        }
        let table = [(prefix(), entry(12))].into_iter().collect();
        let times: Vec<u64> = stamps.flaps(&table).into_iter().map(|(at, ..)| at).collect();
        assert_eq!(times, [2, 5]);
    }

    #[test]
    fn another_route_to_the_prefix_or_one_announcement_is_no_flap() {
        assert_eq!(flaps(&[(1, false, 9), (2, true, 9)], Some(12)), []);
        assert_eq!(flaps(&[(1, false, 12)], Some(12)), []);
        assert_eq!(flaps(&[(1, true, 12), (2, true, 12)], Some(12)), []);
    }
}
