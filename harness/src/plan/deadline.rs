//! Deadlines, from the timers of the topology: a change of a timer moves the deadline.

use std::time::Duration;

use crate::fault::{Fault, Timers};
use crate::spec::{Expect, Peer, Span, Topology, Watchdog};

/// What a daemon gets to start: reading its configuration, opening its sockets. ExaBGP has taken eleven seconds to be read from a
/// disk on which others wrote; who is quicker is not waited for.
const START: Span = Span::ms(15_000);

/// What a BGP session gets to come up: a connection that failed is tried again, at ever longer intervals.
const SESSION: Span = Span::ms(10_000);

/// What a change gets from one end of the lab to the other once it is on its way: speaker, wire, RIB, FIB, client.
const PROPAGATION: Span = Span::ms(500);

/// Our watchdog asks over TCP once in so many questions.
const TCP_IS_SELDOM: u32 = 5;

/// What the step waits for.
pub(super) enum Since<'a> {
    /// The lab was started.
    Start,
    /// This broke.
    Fault(&'a Fault),
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
        Since::Fault(fault) => {
            let watchdog = topology.nodes.get(&fault.on).map(|node| node.watchdog.clone()).unwrap_or_default();
            let timers = Timers { hold: hold(topology), bad_checks: fall(&watchdog) };
            let mut terms = fault.until_withdrawn(&timers);
            terms.push(("propagation", PROPAGATION.0));
            terms
        }
    };
    let sum = terms.iter().map(|(_, span)| *span).sum();
    let words: Vec<String> = terms.iter().map(|(name, span)| format!("{name} {}", Span(*span))).collect();
    (Span(sum), words.join(" + "))
}

/// The longest from a fault to the withdrawal: it comes just after a good answer over TCP, where the watchdog asks more seldom;
/// then nothing is answered for the timeout, on two connections, or bad answers come one after the other.
fn fall(timers: &Watchdog) -> Duration {
    timers.interval.0 * TCP_IS_SELDOM + timers.timeout.0 * 2 + timers.fast_interval.0 * timers.fall
}

/// The longest from a server's return to the announcement: it comes just after a question that waits for its timeout.
fn rise(timers: &Watchdog) -> Duration {
    timers.timeout.0 + timers.fast_interval.0 * timers.rise
}

fn hold(topology: &Topology) -> Duration {
    let peers = topology.nodes.values().flat_map(|node| node.peers.values());
    peers.map(|peer: &Peer| peer.hold_time.unwrap_or(Peer::HOLD_TIME).0).max().unwrap_or_default()
}
