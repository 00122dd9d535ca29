//! BGP sessions, read off the wire.
//!
//! Every message is seen twice, at either end. Only what its sender saw counts: it is in the order in which it was sent, and what
//! was dropped on the way has not been said twice.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};

use protocol::TcpEvent;

use super::facts::Facts;
use crate::history::{BgpMessage, Event, Seen};
use crate::plan::{Plan, SessionPlan};
use crate::spec::Family;

/// When the session between two nodes was first established: both ends have sent a KEEPALIVE, and so accepted the other's OPEN
/// (RFC 4271, section 8.2.2, OpenConfirm). The nodes of a pair are in the order of their names.
#[must_use]
pub fn established(facts: &Facts<'_>) -> BTreeMap<(String, String), u64> {
    let each = facts.sessions.pairs.iter().filter_map(|(ends, wire)| {
        let [one, other] = wire.first_keepalive;
        Some(((ends[0].to_owned(), ends[1].to_owned()), one?.max(other?)))
    });
    each.collect()
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

/// All sessions of a run.
pub(crate) struct Sessions<'p> {
    plan: &'p Plan,
    /// By the two nodes, in the order of their names.
    pairs: BTreeMap<[&'p str; 2], Wire<'p>>,
}

/// What two nodes have said to each other.
pub(super) struct Wire<'p> {
    /// What changes the state of a connection, in the order of time. Repeated KEEPALIVEs change nothing.
    segments: Vec<Segment<'p>>,
    /// All connections, those of IPv4 and those of IPv6.
    views: [View; 3],
    /// What each end has sent, by family.
    pub(super) senders: BTreeMap<(&'p str, Family), Sender>,
    /// When each end was first seen to send a KEEPALIVE, by anybody.
    first_keepalive: [Option<u64>; 2],
    /// By the ends of a connection: whether the sender has sent an OPEN, and no KEEPALIVE since.
    opened: HashMap<(SocketAddr, SocketAddr), bool>,
    /// Whether anything was seen between them.
    tried: bool,
    /// Whether an UPDATE was.
    spoke: bool,
}

/// What one end of a session has sent, as it saw it itself; nanoseconds of the history's clock.
#[derive(Debug, Default)]
pub(super) struct Sender {
    pub(super) syns: Vec<u64>,
    /// When it last sent a segment with a signature. Its RSTs do not count: a kernel sends these for connections that it does not know.
    pub(super) signed: Option<u64>,
    /// When it last sent one without.
    pub(super) unsigned: Option<u64>,
}

/// The state of the connections of a family, and what became of it over time.
struct View {
    connections: Connections,
    /// The addresses of the sessions that were planned, in the order in which a connection has its ends.
    planned: Vec<[IpAddr; 2]>,
    turns: Vec<(u64, Turn)>,
    /// How many of those that were planned are up.
    up: usize,
}

impl<'p> Sessions<'p> {
    /// Nobody has said anything.
    pub(super) fn new(plan: &'p Plan) -> Self {
        Self { plan, pairs: BTreeMap::new() }
    }

    /// Takes the next event in. What its sender saw late, after what the other end saw later, is put in its place.
    pub(super) fn take(&mut self, event: &Event) {
        let (src, dst) = match &event.saw {
            Seen::Bgp { src, dst, .. } | Seen::Tcp { src, dst, .. } => (*src, *dst),
            _ => return,
        };
        let plan = self.plan;
        let (Some(from), Some(to)) = (plan.owner_of(src.ip()), plan.owner_of(dst.ip())) else { return };
        let ends = [from.min(to), from.max(to)];
        if from == to {
            return;
        }
        let wire = self.pairs.entry(ends).or_insert_with(|| Wire::new(plan, ends));
        wire.tried = true;
        if let Seen::Bgp { message, .. } = &event.saw {
            wire.spoke |= matches!(message, BgpMessage::Update { .. });
            let first = if from == ends[0] { &mut wire.first_keepalive[0] } else { &mut wire.first_keepalive[1] };
            if matches!(message, BgpMessage::Keepalive) {
                *first = Some(first.map_or(event.at, |first| first.min(event.at)));
            }
        }
        // A router between the two sees it pass, and the receiver sees it, too.
        if event.node.as_deref() == Some(from) {
            wire.sent(plan, event, from, src, dst);
        }
    }

    /// What two nodes have said to each other; none where nothing was seen.
    pub(super) fn between(&self, one: &str, other: &str) -> Option<&Wire<'p>> {
        let [one, other] = [self.plan.node(one)?.name.as_str(), self.plan.node(other)?.name.as_str()];
        self.pairs.get(&[one.min(other), one.max(other)])
    }

    /// When the session came up and went down, in the order of time. Of connections that collided one is enough; where each family
    /// has a session of its own, all of them count, or those of the given family.
    pub(super) fn turns(&self, one: &str, other: &str, family: Option<Family>) -> &[(u64, Turn)] {
        let view = match family {
            None => 0,
            Some(Family::V4) => 1,
            Some(Family::V6) => 2,
        };
        let view = self.between(one, other).and_then(|wire| wire.views.get(view));
        view.map(|view| view.turns.as_slice()).unwrap_or_default()
    }

    /// Whether two nodes tried to come to a session, and never did: no UPDATE crossed the wire, not even the End-of-RIB of an empty
    /// table.
    pub(super) fn never_up(&self, one: &str, other: &str) -> bool {
        self.between(one, other).is_some_and(|wire| wire.tried && !wire.spoke)
    }
}

/// The addresses of the sessions between two nodes that were planned, in the order in which a connection has its ends; of one family,
/// or all.
pub(super) fn planned(plan: &Plan, one: &str, other: &str, family: Option<Family>) -> Vec<[IpAddr; 2]> {
    let of_the_two = |session: &&SessionPlan| session.ends == [one, other] || session.ends == [other, one];
    let addresses = plan.sessions.iter().filter(of_the_two).map(|session| session.addresses);
    let mut planned: Vec<[IpAddr; 2]> =
        addresses.filter(|[here, _]| family.is_none_or(|family| Family::of(*here) == family)).collect();
    planned.iter_mut().for_each(|pair| pair.sort_unstable());
    planned
}

impl<'p> Wire<'p> {
    fn new(plan: &Plan, [one, other]: [&str; 2]) -> Self {
        let view = |family| View::new(planned(plan, one, other, family));
        Self {
            segments: Vec::new(),
            views: [view(None), view(Some(Family::V4)), view(Some(Family::V6))],
            senders: BTreeMap::new(),
            first_keepalive: [None; 2],
            opened: HashMap::new(),
            tried: false,
            spoke: false,
        }
    }

    fn sent(&mut self, plan: &Plan, event: &Event, from: &'p str, src: SocketAddr, dst: SocketAddr) {
        let sender = self.senders.entry((from, Family::of(src.ip()))).or_default();
        let (signed, says) = match &event.saw {
            Seen::Bgp { sent: true, signed, message, .. } => (Some(*signed), Says::of_message(message)),
            Seen::Tcp { sent: true, event: TcpEvent::Rst, .. } => (None, Some(Says::End("RST".to_owned()))),
            Seen::Tcp { sent: true, signed, event: TcpEvent::Fin, .. } => {
                (Some(*signed), Some(Says::End("FIN".to_owned())))
            }
            Seen::Tcp { sent: true, signed, event: segment, .. } => {
                if *segment == TcpEvent::Syn {
                    sender.syns.push(event.at);
                }
                (Some(*signed), None)
            }
            _ => return,
        };
        match signed {
            Some(true) => sender.signed = sender.signed.max(Some(event.at)),
            Some(false) => sender.unsigned = sender.unsigned.max(Some(event.at)),
            None => {}
        }
        let Some(says) = says else { return };
        match &says {
            Says::Open => {
                self.opened.insert((src, dst), true);
            }
            // The first one after an OPEN counts; without one it is nothing.
            Says::Keepalive if self.opened.insert((src, dst), false) != Some(true) => return,
            Says::Keepalive => {}
            Says::Collision | Says::End(_) => {
                self.opened.remove(&(src, dst));
            }
        }
        let segment = Segment { at: event.at, from, src, dst, says };
        // Of different nodes, what has the same time may have come in any order.
        let place = self.segments.partition_point(|other| (other.at, other.from) <= (segment.at, segment.from));
        let is_last = place == self.segments.len();
        self.segments.insert(place, segment);
        for (view, family) in self.views.iter_mut().zip([None, Some(Family::V4), Some(Family::V6)]) {
            let ours = |segment: &&Segment<'_>| family.is_none_or(|family| Family::of(segment.src.ip()) == family);
            if is_last {
                self.segments.last().filter(ours).into_iter().for_each(|segment| view.take(segment, plan));
            } else {
                *view = View::new(std::mem::take(&mut view.planned));
                self.segments.iter().filter(ours).for_each(|segment| view.take(segment, plan));
            }
        }
    }
}

impl View {
    fn new(planned: Vec<[IpAddr; 2]>) -> Self {
        Self { connections: Connections::default(), planned, turns: Vec::new(), up: 0 }
    }

    fn take(&mut self, segment: &Segment<'_>, plan: &Plan) {
        let Change { why, replaced } = self.connections.take(segment, plan);
        // Files that were given may have another one than was planned.
        let (up, of) = match self.planned.as_slice() {
            [] | [_] => (usize::from(self.connections.any_up()), 1),
            several => (several.iter().filter(|pair| self.connections.up_between(**pair)).count(), several.len()),
        };
        let turn = |up: usize, why: String| match up {
            0 => Turn::Down(why),
            up if up == of => Turn::Up,
            _ => Turn::Partly,
        };
        if replaced {
            let why = "a new connection, and nobody saw the end of the one before".to_owned();
            self.up = up.saturating_sub(1);
            self.turns.push((segment.at, turn(self.up, why)));
        }
        if up != self.up {
            self.turns.push((segment.at, turn(up, why)));
            self.up = up;
        }
    }
}

/// What one end said to the other that changes the state of a connection.
struct Segment<'p> {
    at: u64,
    from: &'p str,
    src: SocketAddr,
    dst: SocketAddr,
    says: Says,
}

enum Says {
    Open,
    Keepalive,
    Collision,
    End(String),
}

impl Says {
    fn of_message(message: &BgpMessage) -> Option<Self> {
        match message {
            BgpMessage::Open { .. } => Some(Self::Open),
            BgpMessage::Keepalive => Some(Self::Keepalive),
            BgpMessage::Notification { code, subcode } if (*code, *subcode) == COLLISION => Some(Self::Collision),
            BgpMessage::Notification { code, subcode } => Some(Self::End(format!("NOTIFICATION {code}/{subcode}"))),
            _ => None,
        }
    }
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
    fn take(&mut self, Segment { src, dst, says, .. }: &Segment<'_>, plan: &Plan) -> Change {
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
                by(why)
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
mod tests;
