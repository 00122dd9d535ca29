//! The same announcements from two listeners, brought together.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

/// What one listener has heard of an address and the other one not yet, the oldest first.
#[derive(Default)]
pub(crate) struct Pairs(HashMap<IpAddr, [VecDeque<(u64, bool)>; 2]>);

impl Pairs {
    /// Takes what a listener has heard; returns what both have heard now, with the later stamp.
    pub(crate) fn hear(&mut self, by: usize, address: IpAddr, at: u64, present: bool) -> Option<(u64, bool)> {
        let both = self.0.entry(address).or_default();
        both[by].push_back((at, present));
        let [one, other] = both;
        let (&(first, present), &(second, _)) = (one.front()?, other.front()?);
        one.pop_front();
        other.pop_front();
        if one.is_empty() && other.is_empty() {
            self.0.remove(&address);
        }
        Some((first.max(second), present))
    }

    /// Whether one listener is behind with this address.
    pub(crate) fn waits(&self, address: IpAddr) -> bool {
        self.0.contains_key(&address)
    }

    /// Forgets all: a listener has lost some, and what is left has no partner.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_that_is_behind_changes_nothing_but_the_stamp() {
        let address = IpAddr::from([10, 0, 0, 1]);
        let mut pairs = Pairs::default();
        assert_eq!(pairs.hear(0, address, 10, true), None);
        assert_eq!(pairs.hear(0, address, 20, false), None);
        assert!(pairs.waits(address));
        assert_eq!(pairs.hear(1, address, 9, true), Some((10, true)));
        assert_eq!(pairs.hear(1, address, 21, false), Some((21, false)));
        assert!(!pairs.waits(address));
        assert_eq!(pairs.hear(1, address, 30, true), None);
        pairs.clear();
        assert_eq!(pairs.hear(0, address, 40, false), None);
    }
}
