//! `bound`: no router's kernel sends queries to a node for an address that its `lo` does not have: an address goes after its route.

use std::net::IpAddr;

use crate::check::millis;
use crate::check::routes::routed;
use crate::check::world::Layer;
use crate::history::{Event, Seen};
use crate::plan::Plan;
use crate::spec::list;

/// What the stamps of two nodes may differ by; nanoseconds.
const SLACK: u64 = 10_000_000;

pub(super) fn unbound(plan: &Plan, events: &[Event], from: u64, now: u64) -> Vec<String> {
    let tables = routed(plan, events, Layer::Fib);
    let mut found = Vec::new();
    for (node, address, gone, back) in absences(events) {
        for table in tables.iter().filter(|table| table.address == address) {
            let (begin, end) = (gone.max(from), back.min(now));
            let stays = table.stays(begin.min(end), end);
            let sent = stays.iter().find(|stay| stay.nodes.contains(node) && stay.until - stay.from > SLACK);
            if let Some(stay) = sent {
                let (router, nodes) = (table.router, list(&stay.nodes.iter().collect::<Vec<_>>()));
                found.push(format!(
                    "bound: {router} routed {address} via {nodes} from {} to {}, and {node} did not have it on lo",
                    millis(stay.from - from),
                    millis(stay.until - from)
                ));
            }
        }
    }
    found
}

/// When a node's `lo` lost an address, and got it back, if it did.
fn absences(events: &[Event]) -> Vec<(&str, IpAddr, u64, u64)> {
    let mut absences: Vec<(&str, IpAddr, u64, u64)> = Vec::new();
    for event in events {
        let (Some(node), Seen::Address { address, present }) = (event.node.as_deref(), &event.saw) else { continue };
        let open = absences.iter_mut().rev().find(|(n, a, _, back)| (*n, *a, *back) == (node, *address, u64::MAX));
        match (open, present) {
            (Some((.., back)), true) => *back = event.at,
            (None, false) => absences.push((node, *address, event.at, u64::MAX)),
            _ => {}
        }
    }
    absences
}

#[cfg(test)]
mod tests {
    use crate::check::always::violations;
    use crate::check::story::{FAULT, MS, Story};
    use crate::history::Seen;

    fn judge(story: &mut Story, now: u64) -> Vec<String> {
        story.plan.always.bound = true;
        violations(&story.plan, &story.events, MS, now)
    }

    fn address(story: &mut Story, at: u64, present: bool) {
        let address = "10.1.53.1".parse().expect("an address");
        story.push(at, "ns1", Seen::Address { address, present });
    }

    #[test]
    fn an_address_that_goes_after_its_route_is_right() {
        let mut story = Story::of_failover();
        address(&mut story, FAULT + 12 * MS, false);
        address(&mut story, FAULT + 900 * MS, true);
        assert_eq!(judge(&mut story, u64::MAX), Vec::<String>::new());
    }

    #[test]
    fn an_address_that_goes_before_its_route_is_named() {
        let mut story = Story::of_failover();
        address(&mut story, FAULT - 200 * MS, false);
        let told = "bound: router routed 10.1.53.1 via ns1 and ns2 from 799 ms to 1.0 s, and ns1 did not have it on lo";
        assert_eq!(judge(&mut story, u64::MAX), [told]);
    }

    #[test]
    fn it_is_too_early_while_the_route_may_still_go() {
        let mut story = Story::of_failover();
        address(&mut story, FAULT - 5 * MS, false);
        assert_eq!(judge(&mut story, FAULT), Vec::<String>::new());
    }
}
