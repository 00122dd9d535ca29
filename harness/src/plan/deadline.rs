//! Deadlines, from the timers of the topology: a change of a timer moves the deadline.

use std::time::Duration;

use super::NodePlan;
use crate::fault::{Fault, Timers};
use crate::kind::{self, Notices};
use crate::spec::{Expect, Peer, Product, Role, Span, Topology};

/// What a daemon gets to start: reading its configuration, opening its sockets. ExaBGP has taken eleven seconds to be read from a
/// disk on which others wrote; who is quicker is not waited for.
const START: Span = Span::ms(15_000);

/// What a BGP session gets to come up: a connection that failed is tried again, at ever longer intervals.
const SESSION: Span = Span::ms(10_000);

/// What a change gets from one end of the lab to the other once it is on its way: speaker, wire, RIB, FIB, client.
const PROPAGATION: Span = Span::ms(500);

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
pub(super) fn derive(topology: &Topology, nodes: &[NodePlan], expect: &Expect, since: &Since<'_>) -> (Span, String) {
    if expect.is_never() {
        return (expect.stable, "for which it is watched".to_owned());
    }
    if let Some(within) = expect.within {
        return (within, "as the step says".to_owned());
    }
    let servers = topology.nodes.iter().filter(|(_, node)| !node.serves.is_empty());
    let slowest = servers.map(|(name, _)| notices(topology, nodes, name).rise).max();
    let good = ("good checks", slowest.unwrap_or_default());
    let terms = match since {
        Since::Start => vec![("daemons start", START.0), ("sessions", SESSION.0), good, ("propagation", PROPAGATION.0)],
        Since::Heal(false) => vec![("daemons start", START.0), good, ("propagation", PROPAGATION.0)],
        Since::Heal(true) => {
            vec![("daemons start", START.0), ("sessions", SESSION.0), good, ("propagation", PROPAGATION.0)]
        }
        Since::Fault(fault) => {
            let timers = Timers { hold: hold(topology), bad_checks: notices(topology, nodes, &fault.on).fall };
            let mut terms = fault.until_withdrawn(&timers);
            terms.push(("propagation", PROPAGATION.0));
            terms
        }
    };
    let sum = terms.iter().map(|(_, span)| *span).sum();
    let words: Vec<String> = terms.iter().map(|(name, span)| format!("{name} {}", Span(*span))).collect();
    (Span(sum), words.join(" + "))
}

/// How long the checker that runs on a node takes, with the node's timers; ours where none runs.
fn notices(topology: &Topology, nodes: &[NodePlan], name: &str) -> Notices {
    let timers = topology.nodes.get(name).map(|node| node.watchdog.clone()).unwrap_or_default();
    let runs = nodes.iter().find(|node| node.name == name).and_then(|node| node.runs.get(&Role::Watchdog));
    let ours = kind::default_product(Role::Watchdog);
    let product: &Product = runs.unwrap_or(&ours);
    kind::named(&product.kind).map_or(Notices::NONE, |kind| kind.notices(&timers))
}

fn hold(topology: &Topology) -> Duration {
    let peers = topology.nodes.values().flat_map(|node| node.peers.values());
    peers.map(|peer: &Peer| peer.hold_time.unwrap_or(Peer::HOLD_TIME).0).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use crate::kind;
    use crate::spec::Watchdog;

    #[test]
    fn each_checker_has_a_time_of_its_own() {
        let timers = Watchdog::default();
        let told = |name: &str| {
            let notices = kind::named(name).expect("a kind").notices(&timers);
            (notices.fall.as_millis(), notices.rise.as_millis())
        };
        assert_eq!(told("watchdog"), (1650, 300));
        // Its timeout of 250 ms becomes a second.
        assert_eq!(told("exabgp-healthcheck"), (3350, 1250));
        assert_eq!(told("anycastd"), (650, 650));
        assert_eq!(told("anycast-healthchecker"), (1550, 650));
        assert_eq!(told("script"), (1550, 650));
    }
}
