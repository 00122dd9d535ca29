//! BGP sessions, read off the wire.
//!
//! Every message is seen twice, at either end. Only what its sender saw counts: it is in the order in which it was sent, and what
//! was dropped on the way has not been said twice.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use protocol::TcpEvent;

use crate::history::{BgpMessage, Event, Seen};
use crate::plan::{Plan, SessionPlan};
use crate::spec::Family;

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
    /// It won over an established one with which it collided: the session goes on in it.
    inherits: bool,
}

impl Connection {
    fn is_up(&self) -> bool {
        self.inherits || (self.open == [true; 2] && self.keepalive == [true; 2])
    }
}

/// Cease, Connection Collision Resolution (RFC 4486, section 3).
const COLLISION: (u8, u8) = (6, 7);

/// The two nodes of a session, and in which family it is looked at.
#[derive(Clone, Copy)]
pub(super) struct Pair<'a> {
    plan: &'a Plan,
    ends: [&'a str; 2],
    /// Only connections over this family; else all.
    family: Option<Family>,
}

impl<'a> Pair<'a> {
    pub(super) fn new(plan: &'a Plan, one: &'a str, other: &'a str, family: Option<Family>) -> Self {
        Self { plan, ends: [one, other], family }
    }

    /// Whether a node of the two sent this to the other one, as its own probe saw it. A router between them sees it pass twice.
    pub(super) fn sent(&self, event: &Event, src: &SocketAddr, dst: &SocketAddr) -> bool {
        let (from, to) = (self.plan.owner_of(src.ip()), self.plan.owner_of(dst.ip()));
        let [one, other] = self.ends;
        event.node.as_deref() == from
            && ((from, to) == (Some(one), Some(other)) || (from, to) == (Some(other), Some(one)))
            && self.family.is_none_or(|family| Family::of(src.ip()) == family)
    }

    /// The addresses of the sessions between the two that were planned, in the order in which a connection has its ends.
    pub(super) fn planned(&self) -> Vec<[IpAddr; 2]> {
        let [one, other] = self.ends;
        let of_the_two = |session: &&SessionPlan| session.ends == [one, other] || session.ends == [other, one];
        let addresses = self.plan.sessions.iter().filter(of_the_two).map(|session| session.addresses);
        let mut planned: Vec<[IpAddr; 2]> =
            addresses.filter(|[here, _]| self.family.is_none_or(|family| Family::of(*here) == family)).collect();
        planned.iter_mut().for_each(|pair| pair.sort_unstable());
        planned
    }

    /// When the session came up and went down, in the order of time. Of connections that collided one is enough; where each family
    /// has a session of its own, all of them count.
    pub(super) fn turns(&self, events: &[Event]) -> Vec<(u64, Turn)> {
        let mut segments: Vec<(&Event, Segment<'_>)> =
            events.iter().filter_map(|event| Some((event, self.segment(event)?))).collect();
        // Of different nodes, what has the same time may have come in any order.
        segments.sort_by_key(|(event, _)| (event.at, event.node.as_deref()));
        let planned = self.planned();
        let mut connections = Connections::default();
        let (mut turns, mut before) = (Vec::new(), 0);
        for (event, segment) in segments {
            let Change { why, replaced } = connections.take(segment, self.plan);
            // Files that were given may have another one than was planned.
            let (up, of) = match planned.as_slice() {
                [] | [_] => (usize::from(connections.any_up()), 1),
                several => (several.iter().filter(|pair| connections.up_between(**pair)).count(), several.len()),
            };
            let turn = |up: usize, why: String| match up {
                0 => Turn::Down(why),
                up if up == of => Turn::Up,
                _ => Turn::Partly,
            };
            if replaced {
                let why = "a new connection, and nobody saw the end of the one before".to_owned();
                before = up.saturating_sub(1);
                turns.push((event.at, turn(before, why)));
            }
            if up != before {
                turns.push((event.at, turn(up, why)));
                before = up;
            }
        }
        turns
    }

    /// What an event says of the session, if it is about it and the sender's own.
    fn segment<'e>(&self, event: &'e Event) -> Option<Segment<'e>> {
        let (src, dst, says) = match &event.saw {
            Seen::Bgp { src, dst, sent: true, message, .. } => {
                let says = match message {
                    BgpMessage::Open { .. } => Says::Open,
                    BgpMessage::Keepalive => Says::Keepalive,
                    BgpMessage::Notification { code, subcode } if (*code, *subcode) == COLLISION => Says::Collision,
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
        self.sent(event, src, dst).then_some(Segment { src, dst, says })
    }
}

/// [`Pair::turns`] of both families.
pub(super) fn turns(plan: &Plan, events: &[Event], one: &str, other: &str) -> Vec<(u64, Turn)> {
    Pair::new(plan, one, other, None).turns(events)
}

struct Segment<'e> {
    src: &'e SocketAddr,
    dst: &'e SocketAddr,
    says: Says,
}

enum Says {
    Open,
    Keepalive,
    Collision,
    End(String),
}

/// What a segment changed.
struct Change {
    /// What ended a connection, if that was so.
    why: String,
    /// The connection that came up took the place of one that was up, and whose end nobody saw: a cut link lets no FIN out.
    replaced: bool,
}

/// The connections between two nodes, by their ends: the smaller one first.
#[derive(Default)]
struct Connections(BTreeMap<(SocketAddr, SocketAddr), Connection>);

impl Connections {
    fn take(&mut self, Segment { src, dst, says }: Segment<'_>, plan: &Plan) -> Change {
        let ends = (*src.min(dst), *src.max(dst));
        let side = usize::from(src > dst);
        let was_up = self.0.get(&ends).is_some_and(Connection::is_up);
        let by = |why: &str| format!("{why} by {}", plan.owner_of(src.ip()).unwrap_or("somebody"));
        let why = match says {
            Says::Open => {
                let connection = self.0.entry(ends).or_default();
                // A new OPEN from one end: whatever that end had said before is void.
                connection.open[side] = true;
                connection.keepalive[side] = false;
                "a new OPEN".to_owned()
            }
            Says::Keepalive => {
                let connection = self.0.entry(ends).or_default();
                connection.keepalive[side] = connection.open[side];
                String::new()
            }
            Says::Collision => {
                self.0.remove(&ends);
                let mut rivals = self.0.iter_mut().filter(|(other, _)| of_one_pair(other, &ends));
                if was_up && let Some((_, rival)) = rivals.find(|(_, rival)| rival.open != [false; 2]) {
                    rival.inherits = true;
                }
                by("NOTIFICATION 6/7")
            }
            Says::End(why) => {
                self.0.remove(&ends);
                by(&why)
            }
        };
        let comes_up = !was_up && self.0.get(&ends).is_some_and(Connection::is_up);
        let number = self.0.len();
        if comes_up {
            // An established session takes no other connection (RFC 4271, section 6.8): that one must have ended.
            self.0.retain(|other, old| *other == ends || !of_one_pair(other, &ends) || !old.is_up());
        }
        Change { why, replaced: self.0.len() < number }
    }

    fn any_up(&self) -> bool {
        self.0.values().any(Connection::is_up)
    }

    fn up_between(&self, pair: [IpAddr; 2]) -> bool {
        self.0.iter().any(|((a, b), connection)| [a.ip(), b.ip()] == pair && connection.is_up())
    }
}

/// Whether two connections have the same addresses.
fn of_one_pair(one: &(SocketAddr, SocketAddr), other: &(SocketAddr, SocketAddr)) -> bool {
    (one.0.ip(), one.1.ip()) == (other.0.ip(), other.1.ip())
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

    /// What ns1 and the router say on a connection from this port of ns1, each as its sender saw it.
    fn on(story: &mut Story, port: u16, at: u64, from: &str, message: BgpMessage) {
        let (server, router) = (SocketAddr::from(([10, 1, 53, 11], port)), SocketAddr::from(([10, 1, 53, 254], 179)));
        let (src, dst) = if from == "ns1" { (server, router) } else { (router, server) };
        story.push(at, from, Seen::Bgp { src, dst, sent: true, signed: false, ao: false, message });
    }

    fn open() -> BgpMessage {
        BgpMessage::Open { asn: 64601, hold_time: 10 }
    }

    fn up_on(story: &mut Story, port: u16, at: u64) {
        for from in ["ns1", "router"] {
            on(story, port, at, from, open());
            on(story, port, at + 1, from, BgpMessage::Keepalive);
        }
    }

    const COLLIDED: BgpMessage = BgpMessage::Notification { code: 6, subcode: 7 };

    #[test]
    fn of_connections_that_collide_before_either_is_up_one_is_enough() {
        let mut story = Story::of_both(0);
        for from in ["ns1", "router"] {
            on(&mut story, 4000, 10, from, open());
            on(&mut story, 4001, 11, from, open());
        }
        on(&mut story, 4000, 12, "router", COLLIDED);
        on(&mut story, 4001, 13, "router", BgpMessage::Keepalive);
        on(&mut story, 4001, 14, "ns1", BgpMessage::Keepalive);
        assert_eq!(said(&story), [(14, Turn::Up)]);
    }

    #[test]
    fn a_collision_hands_the_session_over() {
        let mut story = Story::of_both(0);
        up_on(&mut story, 4000, 10);
        on(&mut story, 4001, 12, "ns1", open());
        on(&mut story, 4000, 13, "router", COLLIDED);
        on(&mut story, 4001, 14, "router", open());
        for from in ["ns1", "router"] {
            on(&mut story, 4001, 15, from, BgpMessage::Keepalive);
        }
        assert_eq!(said(&story), [(11, Turn::Up)]);
        on(&mut story, 4001, 20, "ns1", BgpMessage::Notification { code: 6, subcode: 2 });
        assert_eq!(said(&story).last(), Some(&(20, Turn::Down("NOTIFICATION 6/2 by ns1".to_owned()))));
    }

    #[test]
    fn without_another_connection_a_collision_is_an_end() {
        let mut story = Story::of_both(0);
        up_on(&mut story, 4000, 10);
        on(&mut story, 4000, 13, "router", COLLIDED);
        assert_eq!(said(&story).last(), Some(&(13, Turn::Down("NOTIFICATION 6/7 by router".to_owned()))));
    }

    /// The link was cut: no FIN of either end came as far as its probe.
    #[test]
    fn an_end_that_nobody_saw_is_known_by_the_next_connection() {
        let mut story = Story::of_both(0);
        up_on(&mut story, 4000, 10);
        up_on(&mut story, 4001, 100);
        let unseen = Turn::Down("a new connection, and nobody saw the end of the one before".to_owned());
        assert_eq!(said(&story), [(11, Turn::Up), (101, unseen), (101, Turn::Up)]);
        on(&mut story, 4001, 200, "ns1", BgpMessage::Notification { code: 6, subcode: 2 });
        assert!(matches!(said(&story).last(), Some((200, Turn::Down(_)))), "the old one is not up for ever");
    }

    /// A router between the two ends of a multihop session sees each segment come in and go out.
    #[test]
    fn what_passes_a_router_on_the_way_is_not_its_own() {
        let mut story = Story::of_both(0);
        up_on(&mut story, 4000, 10);
        let (src, dst) = (SocketAddr::from(([10, 1, 53, 11], 4000)), SocketAddr::from(([10, 1, 53, 254], 179)));
        for sent in [false, true] {
            let (signed, event) = (false, TcpEvent::Rst);
            story.push(50, "ns2", Seen::Tcp { src, dst, sent, signed, ao: false, event });
        }
        assert_eq!(said(&story), [(11, Turn::Up)], "dropped after that router: the session goes on");
    }

    #[test]
    fn a_family_s_connections_are_told_apart() {
        let mut story = Story::of_both(0);
        story.session_up(10, "ns1");
        let turns = |family| Pair::new(&story.plan, "router", "ns1", Some(family)).turns(&story.events);
        assert_eq!(turns(Family::V4), [(13, Turn::Up)]);
        assert_eq!(turns(Family::V6), []);
    }
}
