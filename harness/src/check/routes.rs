//! Where the routers' tables pointed, at any time.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::serving::Layer;
use crate::history::{Event, RibRoute, Seen};
use crate::plan::{Plan, host};

/// A packet may take a new route a moment before its notification is read and stamped; nanoseconds.
pub(super) const NOTICE: u64 = 100_000_000;

/// One address in one router's table, over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Routed<'p> {
    /// The router.
    pub(super) router: &'p str,
    /// The address.
    pub(super) address: IpAddr,
    /// When it changed, and which nodes it has pointed to since; before the first change, to none.
    pub(super) changes: Vec<(u64, BTreeSet<String>)>,
}

/// A time during which a table pointed to these nodes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stay<'r> {
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) nodes: &'r BTreeSet<String>,
}

impl Routed<'_> {
    /// What it held from one time to another, piece by piece.
    pub(super) fn stays(&self, from: u64, until: u64) -> Vec<Stay<'_>> {
        const NOBODY: &BTreeSet<String> = &BTreeSet::new();
        let begins = std::iter::once((0, NOBODY)).chain(self.changes.iter().map(|(at, nodes)| (*at, nodes)));
        let ends = self.changes.iter().map(|(at, _)| *at).chain([u64::MAX]);
        begins
            .zip(ends)
            .map(|((began, nodes), ended)| Stay { from: began.max(from), until: ended.min(until), nodes })
            .filter(|stay| stay.from < stay.until)
            .collect()
    }
}

/// Every service address at every router, in one of its tables.
pub(super) fn routed<'p>(plan: &'p Plan, events: &[Event], layer: Layer) -> Vec<Routed<'p>> {
    let mut all: Vec<Routed<'p>> = plan
        .routers()
        .flat_map(|router| plan.services.iter().map(|service| (router.name.as_str(), service.address)))
        .map(|(router, address)| Routed { router, address, changes: Vec::new() })
        .collect();
    let name = |hop: IpAddr| plan.owner_of(hop).map_or_else(|| hop.to_string(), str::to_owned);
    for event in events {
        let mine = |routed: &&mut Routed<'_>| event.node.as_deref() == Some(routed.router);
        match (&event.saw, layer) {
            (Seen::Fib { prefix, next_hops }, Layer::Fib) => {
                for routed in all.iter_mut().filter(mine).filter(|routed| host(routed.address) == *prefix) {
                    let nodes = next_hops.iter().map(|hop| hop.via.map_or_else(|| hop.dev.clone(), name));
                    routed.set(event.at, nodes.collect());
                }
            }
            // A daemon that does not answer has not said that its routes are gone.
            (Seen::Rib { routes: Some(routes), .. }, Layer::Rib) => {
                for routed in all.iter_mut().filter(mine) {
                    let here = |route: &&RibRoute| route.prefix == host(routed.address);
                    let hops = routes.iter().filter(here).flat_map(|route| route.next_hops.iter().copied().map(name));
                    routed.set(event.at, hops.collect());
                }
            }
            _ => {}
        }
    }
    all
}

impl Routed<'_> {
    fn set(&mut self, at: u64, nodes: BTreeSet<String>) {
        let unchanged = self.changes.last().map_or(nodes.is_empty(), |(_, last)| *last == nodes);
        if !unchanged {
            self.changes.push((at, nodes));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::story::{FAULT, MS, Story};

    use super::*;

    #[test]
    fn what_a_table_held_is_known_for_every_moment() {
        let story = Story::of_failover();
        let fib = routed(&story.plan, &story.events, Layer::Fib);
        assert_eq!(fib.len(), 4, "every address, at the one router");
        let stays = fib.first().map(|routed| routed.stays(FAULT, FAULT + 100 * MS)).unwrap_or_default();
        let words: Vec<(u64, String)> =
            stays.iter().map(|stay| (stay.from, stay.nodes.iter().cloned().collect::<Vec<_>>().join(" "))).collect();
        assert_eq!(words, [(FAULT, "ns1 ns2".to_owned()), (FAULT + 11 * MS, "ns2".to_owned())]);
    }

    #[test]
    fn a_routing_daemon_that_does_not_answer_changes_nothing() {
        let (mut story, before) = (Story::of_failover(), Story::of_failover());
        story.push(FAULT + 500 * MS, "router", Seen::Rib { daemon: "router".to_owned(), routes: None });
        let rib = |story: &Story| {
            routed(&story.plan, &story.events, Layer::Rib).into_iter().map(|r| r.changes).collect::<Vec<_>>()
        };
        assert_eq!(rib(&story), rib(&before));
    }
}
