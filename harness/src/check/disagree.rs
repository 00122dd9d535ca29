//! For how long RIB, FIB and answers disagreed after a fault.

use std::collections::BTreeSet;

use super::Facts;
use super::always::stretches;
use super::queries::Asked;
use super::routes::{NOTICE, Routed, led, next_hops};
use super::world::Layer;

/// For how long, in nanoseconds; times that overlap, of several addresses or clients, count once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Disagreement {
    /// A router's kernel had a route to a node that answered nobody, and queries were lost.
    pub blackholed: u64,
    /// Clients were answered by a node that no router's kernel had a route to.
    pub misdirected: u64,
    /// A router's daemon and its kernel had different next hops for an address.
    pub tables: u64,
}

/// What was so between `from` and `until`.
#[must_use]
pub fn disagreement(facts: &Facts<'_>, from: u64, until: u64) -> Disagreement {
    let (plan, world) = (facts.plan, &facts.world);
    let fib = led(plan, world, Layer::Fib);
    let [rib, kernel] = [Layer::Rib, Layer::Fib].map(|layer| next_hops(plan, world, layer));
    let blackholed = stretches(facts, from, until).iter().map(|one| (one.from, one.until)).collect();
    Disagreement {
        blackholed: covered(blackholed),
        misdirected: covered(misdirected(facts, &fib, from, until)),
        tables: covered(apart(&rib, &kernel, from, until)),
    }
}

/// From each answer of a node without a route to the next query of the same client to the same address.
fn misdirected(facts: &Facts<'_>, fib: &[Routed<'_>], from: u64, until: u64) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    for ((_, address), queries) in facts.queries.each() {
        let nexts = queries.sent(from, until).skip(1).map(|next| next.sent).chain([until]);
        for (Asked { sent, known, by, .. }, next) in queries.sent(from, until).zip(nexts) {
            // A route that has just come or gone is told a moment later, and its packets are still on their way.
            let (since, to) = (sent.saturating_sub(NOTICE), known + NOTICE);
            let nodes: BTreeSet<&String> = fib
                .iter()
                .filter(|table| table.address == address)
                .flat_map(|table| table.stays(since, to))
                .flat_map(|stay| stay.nodes)
                .collect();
            if by.is_some_and(|by| !nodes.iter().any(|node| *node == by)) {
                found.push((sent, next));
            }
        }
    }
    found
}

/// When a router's two tables held different nodes for an address.
fn apart(rib: &[Routed<'_>], fib: &[Routed<'_>], from: u64, until: u64) -> Vec<(u64, u64)> {
    let mut found = Vec::new();
    // A router whose daemon was never asked has no RIB to compare.
    for rib in rib.iter().filter(|table| !table.changes.is_empty()) {
        let same = |table: &&Routed<'_>| table.router == rib.router && table.address == rib.address;
        let Some(fib) = fib.iter().find(same) else { continue };
        for stay in rib.stays(from, until) {
            let others = fib.stays(stay.from, stay.until).into_iter().filter(|other| other.nodes != stay.nodes);
            found.extend(others.map(|other| (other.from, other.until)));
        }
    }
    found
}

/// How much time these spans cover together.
fn covered(mut spans: Vec<(u64, u64)>) -> u64 {
    spans.sort_unstable();
    let (mut total, mut end) = (0, 0);
    for (from, until) in spans {
        total += until.saturating_sub(from.max(end));
        end = end.max(until);
    }
    total
}

#[cfg(test)]
mod tests {
    use protocol::Outcome;

    use super::*;
    use crate::check::story::{FAULT, MS, Story, answer};

    fn of(story: &Story) -> Disagreement {
        disagreement(&story.facts(), FAULT, FAULT + 1500 * MS)
    }

    #[test]
    fn a_quick_failover_hardly_disagrees() {
        // One query to each address, refused after 1 ms; the kernel follows its daemon after 1 ms.
        assert_eq!(of(&Story::of_failover()), Disagreement { blackholed: MS, misdirected: 0, tables: MS });
    }

    #[test]
    fn a_route_to_the_dead_is_a_black_hole_until_it_is_gone() {
        let mut story = Story::of_both(FAULT);
        story.ask(FAULT, FAULT + 400 * MS, |n| if n % 2 == 0 { Outcome::Timeout } else { answer("ns2") });
        story.rib(FAULT + 400 * MS, &["12"]);
        story.fib(FAULT + 400 * MS, &["12"]);
        story.ask(FAULT + 400 * MS, FAULT + 1500 * MS, |_| answer("ns2"));
        // Until the last of the queries that were lost: 380 ms, and 1 ms for its end.
        assert_eq!(of(&story), Disagreement { blackholed: 381 * MS, misdirected: 0, tables: 0 });
    }

    #[test]
    fn an_answer_from_nowhere_is_misdirected() {
        let mut story = Story::of_both(FAULT);
        story.rib(FAULT + MS, &["12"]);
        story.fib(FAULT + MS, &["12"]);
        story.ask(FAULT, FAULT + 500 * MS, |_| answer("ns1"));
        story.ask(FAULT + 500 * MS, FAULT + 1500 * MS, |_| answer("ns2"));
        let found = of(&story);
        // The first answers may have been under way when the route went.
        assert_eq!(found.misdirected, 390 * MS, "{found:?}");
    }

    #[test]
    fn nothing_is_nothing() {
        assert_eq!(of(&Story::of_both(FAULT + 1500 * MS)), Disagreement::default());
    }

    #[test]
    fn what_overlaps_counts_once() {
        assert_eq!(covered(vec![(10, 20), (0, 5), (15, 30), (16, 18)]), 25);
    }
}
