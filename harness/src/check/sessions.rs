//! When BGP sessions came up, read off the wire.

use std::collections::BTreeMap;

use crate::history::{BgpMessage, Event, Seen};
use crate::plan::Plan;

/// When the session between two nodes was first established: both ends have sent a KEEPALIVE, and so accepted the other's OPEN
/// (RFC 4271, section 8.2.2, OpenConfirm). The nodes of a pair are in the order of their names.
#[must_use]
pub fn established(plan: &Plan, events: &[Event]) -> BTreeMap<(String, String), u64> {
    let mut first: BTreeMap<(String, String), u64> = BTreeMap::new();
    for event in events {
        let Seen::Bgp { src, dst, message: BgpMessage::Keepalive, .. } = &event.saw else {
            continue;
        };
        if let (Some(from), Some(to)) = (plan.owner_of(src.ip()), plan.owner_of(dst.ip())) {
            first.entry((from.to_owned(), to.to_owned())).or_insert(event.at);
        }
    }
    let both = |((from, to), at): (&(String, String), &u64)| {
        let back = first.get(&(to.clone(), from.clone())).filter(|_| from < to)?;
        Some(((from.clone(), to.clone()), *at.max(back)))
    };
    first.iter().filter_map(both).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::story::Story;

    use super::*;

    #[test]
    fn a_session_is_up_when_both_ends_have_said_so() {
        let mut story = Story::of_both(0);
        story.say(1, "ns1", "router", BgpMessage::Keepalive);
        story.say(2, "ns2", "router", BgpMessage::Keepalive);
        story.say(5, "router", "ns2", BgpMessage::Keepalive);
        story.say(9, "router", "ns2", BgpMessage::Keepalive);
        let established = established(&story.plan, &story.events);
        assert_eq!(established, BTreeMap::from([(("ns2".to_owned(), "router".to_owned()), 5)]));
    }
}
