//! BGP sessions, read off the wire.
//!
//! Every message is seen twice, at either end. Only what its sender saw counts: it is in the order in which it was sent, and what
//! was dropped on the way has not been said twice.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use protocol::TcpEvent;

use crate::history::{BgpMessage, Event, Seen};
use crate::plan::{Plan, SessionPlan};

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

/// A turn in the life of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Turn {
    /// It came up: all of its connections, where each family has one.
    Up,
    /// One of several is up, or is not any more.
    Partly,
    /// It went down, by this: all of it.
    Down(String),
}

impl Turn {
    /// Whether any connection is up.
    pub(super) fn has_any(&self) -> bool {
        !matches!(self, Self::Down(_))
    }
}

/// One connection: which messages each end has sent, the one that began it first.
#[derive(Default)]
struct Connection {
    open: [bool; 2],
    keepalive: [bool; 2],
}

impl Connection {
    fn is_up(&self) -> bool {
        self.open == [true; 2] && self.keepalive == [true; 2]
    }
}

/// When the session between two nodes came up and went down, in the order of time. Of connections that collided one is enough; where
/// each family has a session of its own, all of them count.
pub(super) fn turns(plan: &Plan, events: &[Event], one: &str, other: &str) -> Vec<(u64, Turn)> {
    let mut segments: Vec<(&Event, Segment<'_>)> =
        events.iter().filter_map(|event| Some((event, segment(plan, event, one, other)?))).collect();
    segments.sort_by_key(|(event, _)| event.at);
    let mut connections: BTreeMap<(SocketAddr, SocketAddr), Connection> = BTreeMap::new();
    let of_the_two = |session: &&SessionPlan| session.ends == [one, other] || session.ends == [other, one];
    let mut planned: Vec<[IpAddr; 2]> =
        plan.sessions.iter().filter(of_the_two).map(|session| session.addresses).collect();
    // In the order in which a connection has its ends.
    planned.iter_mut().for_each(|pair| pair.sort_unstable());
    let (mut turns, mut before) = (Vec::new(), 0);
    for (event, Segment { src, dst, says }) in segments {
        let ends = (*src.min(dst), *src.max(dst));
        let side = usize::from(src > dst);
        let connection = connections.entry(ends).or_default();
        let why = match says {
            Says::Open => {
                // A new OPEN from one end: whatever that end had said before is void.
                connection.open[side] = true;
                connection.keepalive[side] = false;
                "a new OPEN".to_owned()
            }
            Says::Keepalive => {
                connection.keepalive[side] = connection.open[side];
                String::new()
            }
            Says::End(why) => {
                connections.remove(&ends);
                format!("{why} by {}", plan.owner_of(src.ip()).unwrap_or("somebody"))
            }
        };
        let up_between = |pair: &[IpAddr; 2]| {
            connections.iter().any(|((a, b), connection)| [a.ip(), b.ip()] == *pair && connection.is_up())
        };
        // Files that were given may have another one than was planned.
        let (up, of) = match planned.as_slice() {
            [] | [_] => (usize::from(connections.values().any(Connection::is_up)), 1),
            several => (several.iter().filter(|pair| up_between(pair)).count(), several.len()),
        };
        if up != before {
            let turn = match up {
                0 => Turn::Down(why),
                up if up == of => Turn::Up,
                _ => Turn::Partly,
            };
            turns.push((event.at, turn));
            before = up;
        }
    }
    turns
}

struct Segment<'e> {
    src: &'e SocketAddr,
    dst: &'e SocketAddr,
    says: Says,
}

enum Says {
    Open,
    Keepalive,
    End(String),
}

/// What an event says of the session between two nodes, if it is about it and the sender's own.
fn segment<'e>(plan: &Plan, event: &'e Event, one: &str, other: &str) -> Option<Segment<'e>> {
    let (src, dst, says) = match &event.saw {
        Seen::Bgp { src, dst, sent: true, message, .. } => {
            let says = match message {
                BgpMessage::Open { .. } => Says::Open,
                BgpMessage::Keepalive => Says::Keepalive,
                BgpMessage::Notification { code, subcode } => Says::End(format!("NOTIFICATION {code}/{subcode}")),
                _ => return None,
            };
            (src, dst, says)
        }
        Seen::Tcp { src, dst, sent: true, event, .. } => match event {
            TcpEvent::Fin => (src, dst, Says::End("FIN".to_owned())),
            TcpEvent::Rst => (src, dst, Says::End("RST".to_owned())),
            TcpEvent::Syn | TcpEvent::SynAck => return None,
        },
        _ => return None,
    };
    between(plan, src, dst, one, other).then_some(Segment { src, dst, says })
}

/// Whether these are the two nodes' addresses, in either direction.
pub(super) fn between(plan: &Plan, src: &SocketAddr, dst: &SocketAddr, one: &str, other: &str) -> bool {
    let ends = (plan.owner_of(src.ip()), plan.owner_of(dst.ip()));
    ends == (Some(one), Some(other)) || ends == (Some(other), Some(one))
}

#[cfg(test)]
mod tests {
    use crate::check::story::Story;

    use super::*;

    fn said(story: &Story) -> Vec<(u64, Turn)> {
        turns(&story.plan, &story.events, "router", "ns1")
    }

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

    #[test]
    fn a_session_comes_up_and_goes_down() {
        let mut story = Story::of_both(0);
        story.session_up(10, "ns1");
        story.say(100, "ns1", "router", BgpMessage::Keepalive);
        story.say(200, "router", "ns1", BgpMessage::Notification { code: 4, subcode: 0 });
        story.session_up(300, "ns1");
        story.segment(400, "ns1", "router", TcpEvent::Rst, false);
        let down = |why: &str| Turn::Down(why.to_owned());
        let expected =
            [(13, Turn::Up), (200, down("NOTIFICATION 4/0 by router")), (303, Turn::Up), (400, down("RST by ns1"))];
        assert_eq!(said(&story), expected);
    }

    #[test]
    fn sessions_of_each_family_count_together() {
        let mut story = Story::of_both(0);
        let v4 =
            story.plan.sessions.iter().find(|session| session.ends.contains(&"ns1".to_owned())).cloned().expect("one");
        let node = |name: &String| story.plan.topology.nodes[name].on.values().flatten().copied();
        let v6 = |name: &String| node(name).find(IpAddr::is_ipv6).expect("an address");
        let v6 = SessionPlan { addresses: [v6(&v4.ends[0]), v6(&v4.ends[1])], ..v4 };
        story.session_up(10, "ns1");
        assert_eq!(said(&story), [(13, Turn::Up)], "all that was planned");
        story.plan.sessions.push(v6);
        assert_eq!(said(&story), [(13, Turn::Partly)], "the other one is missing");
    }

    #[test]
    fn one_end_alone_is_no_session_and_another_pair_s_is_none_of_ours() {
        let mut story = Story::of_both(0);
        story.say(1, "ns1", "router", BgpMessage::Open { asn: 64601, hold_time: 10 });
        story.say(2, "ns1", "router", BgpMessage::Keepalive);
        // Without an OPEN of its own a KEEPALIVE is nothing.
        story.say(3, "router", "ns1", BgpMessage::Keepalive);
        story.session_up(4, "ns2");
        assert_eq!(said(&story), []);
    }
}
