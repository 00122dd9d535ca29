//! `bound`: no router's kernel sends queries to a node for an address that its `lo` does not have: an address goes after its route.

use crate::check::routes::led;
use crate::check::world::Layer;
use crate::check::{Facts, millis};
use crate::spec::list;

/// What the stamps of two nodes may differ by; nanoseconds.
const SLACK: u64 = 10_000_000;

pub(super) fn unbound(facts: &Facts<'_>, from: u64, now: u64) -> Vec<String> {
    let tables = led(facts.plan, &facts.world, Layer::Fib);
    let mut found = Vec::new();
    let each = facts.nodes().flat_map(|(node, told)| told.absences.iter().map(move |absence| (node, *absence)));
    let mut absences: Vec<_> = each.collect();
    absences.sort_by_key(|(_, (_, gone, _))| *gone);
    for (node, (address, gone, back)) in absences {
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

#[cfg(test)]
mod tests {
    use crate::check::story::{FAULT, MS, Story, violations};
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
