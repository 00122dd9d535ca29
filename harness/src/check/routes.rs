//! Where the routers' tables pointed, at any time.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::world::{Layer, Way, World};
use crate::plan::{NodePlan, Plan, ServiceAddress};

/// A packet may take a new route a moment before its notification is read and stamped; nanoseconds.
pub(super) const NOTICE: u64 = 100_000_000;

/// One address in one router's table, over time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Routed<'p> {
    /// The router.
    pub(super) router: &'p str,
    /// The address.
    pub(super) address: IpAddr,
    /// When it changed, and which nodes it has led to since; before the first change, to none.
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

/// Every service address at every router, in one of its tables: the nodes that the packets come to in the end. They have the address,
/// or are to serve it and have lost it.
pub(super) fn led<'p>(plan: &'p Plan, world: &World<'p>, layer: Layer) -> Vec<Routed<'p>> {
    over_time(plan, world, layer, |way, served_by| {
        let unbound = way.ends.nowhere.iter().filter(|node| served_by.iter().any(|by| by == *node));
        way.ends.serving.iter().chain(unbound).map(|node| (*node).to_owned()).collect()
    })
}

/// Every service address at every router, in one of its tables: its next hops.
pub(super) fn next_hops<'p>(plan: &'p Plan, world: &World<'p>, layer: Layer) -> Vec<Routed<'p>> {
    over_time(plan, world, layer, |way, _| way.hops.iter().map(ToString::to_string).collect())
}

fn over_time<'p>(
    plan: &'p Plan,
    world: &World<'p>,
    layer: Layer,
    nodes: impl Fn(&Way<'p>, &[String]) -> BTreeSet<String>,
) -> Vec<Routed<'p>> {
    let each = plan.routers().flat_map(|router| plan.services.iter().map(move |service| (router, service)));
    let routed = |(router, service): (&'p NodePlan, &'p ServiceAddress)| {
        let mut routed = Routed { router: &router.name, address: service.address, changes: Vec::new() };
        let series = world.series(&router.name, service.address);
        for (at, way) in series.iter().flat_map(|series| series.of(layer)) {
            routed.set(at, nodes(way, &service.served_by));
        }
        routed
    };
    each.map(routed).collect()
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
    use crate::history::Seen;

    use super::*;

    #[test]
    fn what_a_table_held_is_known_for_every_moment() {
        let story = Story::of_failover();
        let fib = led(&story.plan, &story.facts().world, Layer::Fib);
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
            led(&story.plan, &story.facts().world, Layer::Rib).into_iter().map(|r| r.changes).collect::<Vec<_>>()
        };
        assert_eq!(rib(&story), rib(&before));
    }
}
