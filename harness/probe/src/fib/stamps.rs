//! What was announced of routes, and when: a dump may come after the notifications of several changes, and before that of one
//! that it shows. A route that goes and comes back between two dumps is in the notifications alone.

use std::collections::HashMap;

use ipnet::IpNet;

use super::LISTENERS;
use super::monitor::{Announced, Heard};
use super::table::{Entry, Table};

/// Announcements since the table was settled last.
pub(crate) struct Stamps {
    /// What has no notification of its own changed with the last one of all.
    last: u64,
    routes: HashMap<IpNet, Stamp>,
    /// What a dump showed before anything named it, and which announcement was the last one then.
    unannounced: HashMap<IpNet, u64>,
}

#[derive(Default)]
struct Stamp {
    at: u64,
    listeners: usize,
    /// What the first listener heard, in its order.
    story: Vec<(u64, Announced)>,
}

impl Stamps {
    pub(crate) fn new(last: u64) -> Self {
        Self { last, routes: HashMap::new(), unannounced: HashMap::new() }
    }

    /// When anything was announced last.
    pub(crate) fn last(&self) -> u64 {
        self.last
    }

    pub(crate) fn hear(&mut self, by: usize, heard: Heard) {
        self.last = self.last.max(heard.at);
        for announced in heard.routes {
            let stamp = self.routes.entry(announced.prefix).or_default();
            stamp.at = stamp.at.max(heard.at);
            stamp.listeners += 1;
            if by == 0 {
                stamp.story.push((heard.at, announced));
            }
        }
    }

    /// Whether every listener has heard of everything.
    pub(crate) fn is_complete(&self) -> bool {
        self.routes.values().all(|stamp| stamp.listeners >= LISTENERS.len())
    }

    /// When a route changed that a dump shows changed; none if a listener has yet to hear of it, unless that is `forced`. A stamp is
    /// used once: the next change has its own.
    pub(crate) fn take(&mut self, prefix: IpNet, forced: bool) -> Option<u64> {
        let heard = self.routes.get(&prefix).map_or(0, |stamp| stamp.listeners);
        if heard == 0 {
            self.unannounced.entry(prefix).or_insert(self.last);
        }
        if !forced && heard < LISTENERS.len() {
            return None;
        }
        let seen = self.unannounced.remove(&prefix);
        self.routes.remove(&prefix).map(|stamp| stamp.at).or(seen)
    }

    /// What came and went, or went and came back, and is as it was in the settled table: when, and what it was then.
    pub(crate) fn flaps(&self, settled: &Table) -> Vec<(u64, IpNet, Entry)> {
        let mut flaps = Vec::new();
        for (&prefix, stamp) in &self.routes {
            let [(first, one), .., (last, other)] = stamp.story.as_slice() else { continue };
            let away = match settled.get(&prefix) {
                // The route that is deleted is the one in use, not a next hop of it and not one of a higher metric.
                Some(used) => !one.added && other.added && one.entry.as_ref() == Some(used),
                None => one.added && !other.added && one.entry == other.entry,
            };
            if let (true, Some(entry)) = (away, &one.entry) {
                let (before, after) =
                    if one.added { (entry.clone(), Entry::default()) } else { (Entry::default(), entry.clone()) };
                flaps.extend([(*first, prefix, before), (*last, prefix, after)]);
            }
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

    #[test]
    fn each_route_has_the_later_stamp_of_its_own_notification_once() {
        let other: IpNet = "2001:db8::/64".parse().unwrap();
        let mut stamps = Stamps::new(1);
        stamps.hear(0, route(2, true, 12));
        assert_eq!(stamps.take(prefix(), false), None, "one listener is yet to come");
        assert!(!stamps.is_complete());
        stamps.hear(1, route(1, true, 12));
        stamps.hear(0, Heard { at: 3, ..Heard::default() });
        assert!(stamps.is_complete());
        assert_eq!(stamps.take(prefix(), false), Some(2));
        // Not announced yet, or never: a link that went down.
        assert_eq!(stamps.take(prefix(), false), None);
        assert_eq!(stamps.take(other, true), Some(3));
    }

    #[test]
    fn what_is_never_announced_changed_with_what_was_announced_before_it_was_seen() {
        let mut stamps = Stamps::new(1);
        stamps.hear(0, Heard { at: 2, ..Heard::default() });
        assert_eq!(stamps.take(prefix(), false), None);
        stamps.hear(0, Heard { at: 9, ..Heard::default() });
        assert_eq!(stamps.take(prefix(), true), Some(2));
    }

    #[test]
    fn what_is_announced_after_it_was_seen_has_its_own_stamp() {
        let mut stamps = Stamps::new(1);
        assert_eq!(stamps.take(prefix(), false), None);
        stamps.hear(0, route(9, true, 12));
        assert_eq!(stamps.take(prefix(), false), None);
        stamps.hear(1, route(8, true, 12));
        assert_eq!(stamps.take(prefix(), false), Some(9));
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
    fn another_route_to_the_prefix_or_one_announcement_is_no_flap() {
        assert_eq!(flaps(&[(1, false, 9), (2, true, 9)], Some(12)), []);
        assert_eq!(flaps(&[(1, false, 12)], Some(12)), []);
        assert_eq!(flaps(&[(1, true, 12), (2, true, 12)], Some(12)), []);
    }
}
