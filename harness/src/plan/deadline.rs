//! Deadlines, from the timers of the topology: a change of a timer moves the deadline.

use std::time::Duration;

use crate::spec::{Breaks, Expect, Peer, Port, Role, Span, Topology, Watchdog};

/// What a daemon gets to start: reading its configuration, opening its sockets.
const START: Span = Span::ms(3000);

/// What a BGP session gets to come up: a connection that failed is tried again, at ever longer intervals.
const SESSION: Span = Span::ms(10_000);

/// Where BGP listens (RFC 4271, section 8.2.1).
const BGP: u16 = 179;

/// What a change gets from one end of the lab to the other once it is on its way: speaker, wire, RIB, FIB, client.
const PROPAGATION: Span = Span::ms(500);

/// What the step waits for.
pub(super) enum Since<'a> {
    /// The lab was started.
    Start,
    /// This broke on this node.
    Fault(&'a Breaks, &'a str),
    /// Everything was mended; BGP sessions too, or not.
    Heal(bool),
}

/// The deadline, and how it came about.
pub(super) fn derive(topology: &Topology, expect: &Expect, since: &Since<'_>) -> (Span, String) {
    if expect.is_never() {
        return (expect.stable, "for which it is watched".to_owned());
    }
    if let Some(within) = expect.within {
        return (within, "as the step says".to_owned());
    }
    let slowest = |timers: fn(&Watchdog) -> Duration| {
        topology.nodes.values().filter(|node| !node.serves.is_empty()).map(|node| timers(&node.watchdog)).max()
    };
    let good = ("good checks", slowest(rise).unwrap_or_default());
    let terms = match since {
        Since::Start => vec![("daemons start", START.0), ("sessions", SESSION.0), good, ("propagation", PROPAGATION.0)],
        Since::Heal(false) => vec![("daemons start", START.0), good, ("propagation", PROPAGATION.0)],
        Since::Heal(true) => {
            vec![("daemons start", START.0), ("sessions", SESSION.0), good, ("propagation", PROPAGATION.0)]
        }
        // What the node sends still arrives, until its peer's silence stops it: one more keepalive, a third of the hold time
        // after the one before (RFC 4271, section 4.4), restarts the peer's timer.
        Since::Fault(Breaks::Drop(Port { port: BGP, .. }), _) => {
            vec![("last keepalive", hold(topology) / 3), ("hold time", hold(topology)), ("propagation", PROPAGATION.0)]
        }
        // The kernel closes the connections of a process that is killed; the hold time is what is left when it does not.
        Since::Fault(fault, _) if ends_sessions(fault) => {
            vec![("hold time", hold(topology)), ("propagation", PROPAGATION.0)]
        }
        Since::Fault(_, node) => {
            let timers = topology.nodes.get(*node).map(|node| node.watchdog.clone()).unwrap_or_default();
            vec![("bad checks", fall(&timers)), ("propagation", PROPAGATION.0)]
        }
    };
    let sum = terms.iter().map(|(_, span)| *span).sum();
    let words: Vec<String> = terms.iter().map(|(name, span)| format!("{name} {}", Span(*span))).collect();
    (Span(sum), words.join(" + "))
}

/// Whether a fault takes BGP sessions down.
pub(super) fn ends_sessions(fault: &Breaks) -> bool {
    matches!(fault.role(), Some(Role::Speaker | Role::Router)) || matches!(fault, Breaks::Drop(Port { port: BGP, .. }))
}

/// The longest from a fault to the withdrawal: the fault comes just after a good check, and each bad one takes its timeout.
fn fall(timers: &Watchdog) -> Duration {
    timers.interval.0 + timers.timeout.0 + (timers.fast_interval.0 + timers.timeout.0) * (timers.fall - 1)
}

/// The longest from a server's return to the announcement: it comes just after a check began that takes its timeout.
fn rise(timers: &Watchdog) -> Duration {
    timers.timeout.0 + timers.fast_interval.0 * timers.rise
}

fn hold(topology: &Topology) -> Duration {
    let peers = topology.nodes.values().flat_map(|node| node.peers.values());
    peers.map(|peer: &Peer| peer.hold_time.unwrap_or(Peer::HOLD_TIME).0).max().unwrap_or_default()
}
