//! A failover's phases: from the fault to the withdrawal on the wire, the router's kernel, and the last lost query.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::history::{BgpMessage, Event, Seen};
use crate::plan::{Plan, host};
use crate::spec::Family;

/// The phases of one fault, in one family; all times in nanoseconds since the fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phases {
    /// The last of the family's prefixes was withdrawn, as the faulty node sent it.
    pub withdrawn: Option<u64>,
    /// The last of the family's routes changed in a router's kernel.
    pub fib: Option<u64>,
    /// The last query that got no answer was sent.
    pub last_lost: Option<u64>,
    /// How many queries got no answer.
    pub lost: u64,
}

/// The phases between a fault that took effect at `from` and `until`, by family.
#[must_use]
pub fn phases(plan: &Plan, events: &[Event], node: &str, from: u64, until: u64) -> BTreeMap<Family, Phases> {
    let mut phases: BTreeMap<Family, Phases> = plan.families().map(|family| (family, Phases::default())).collect();
    let address_of = |prefix| plan.services.iter().map(|s| s.address).find(|address| host(*address) == prefix);
    for event in events {
        let since = event.at.saturating_sub(from);
        let during = (from..until).contains(&event.at);
        match &event.saw {
            Seen::Bgp { sent: true, message: BgpMessage::Update { withdrawn, .. }, .. }
                if during && event.node.as_deref() == Some(node) =>
            {
                for address in withdrawn.iter().filter_map(|prefix| address_of(*prefix)) {
                    set(&mut phases, address, |p| p.withdrawn = Some(since));
                }
            }
            Seen::Fib { prefix, .. } if during => {
                if let Some(address) = address_of(*prefix) {
                    set(&mut phases, address, |p| p.fib = Some(since));
                }
            }
            Seen::Query { to, sent, outcome, .. }
                if event.at >= from && *sent < until && super::answered_by(outcome).is_none() =>
            {
                set(&mut phases, *to, |p| {
                    p.lost += 1;
                    p.last_lost = p.last_lost.max(Some(sent.saturating_sub(from)));
                });
            }
            _ => {}
        }
    }
    phases
}

fn set(phases: &mut BTreeMap<Family, Phases>, address: IpAddr, change: impl FnOnce(&mut Phases)) {
    if let Some(phases) = phases.get_mut(&Family::of(address)) {
        change(phases);
    }
}

#[cfg(test)]
mod tests {
    use crate::check::story::{FAULT, MS, Story};

    use super::*;

    #[test]
    fn each_hop_has_its_time() {
        let mut story = Story::of_failover();
        story.withdraw(FAULT + 5 * MS);
        let phases = phases(&story.plan, &story.events, "ns1", FAULT, FAULT + 1000 * MS);
        let expected = Phases { withdrawn: Some(5 * MS), fib: Some(11 * MS), last_lost: Some(0), lost: 2 };
        assert_eq!(phases, BTreeMap::from([(Family::V4, expected.clone()), (Family::V6, expected)]));
    }

    #[test]
    fn what_did_not_happen_has_none() {
        let story = Story::of_both(FAULT + 500 * MS);
        let phases = phases(&story.plan, &story.events, "ns1", FAULT, FAULT + 500 * MS);
        assert!(phases.values().all(|phases| *phases == Phases::default()), "{phases:?}");
    }
}
