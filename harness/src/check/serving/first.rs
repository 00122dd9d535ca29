//! Which hop was the first that is not as expected, from the speaker to the client.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::Exit;

use super::explain::words;
use super::tables::{Cell, Tables};
use super::{Answers, Layer, Want};
use crate::check::Case;
use crate::check::Facts;
use crate::check::sessions::Turn;
use crate::check::world::Hop;
use crate::history::{BgpMessage, Seen};
use crate::plan::Plan;
use crate::spec::{Role, list};

/// What a node has said of an address, on the wire.
#[derive(Debug, PartialEq, Eq)]
enum Said {
    /// Nothing.
    Nothing,
    /// That it can be reached through it, by this prefix.
    Announced(IpNet),
    /// That it can no longer.
    Withdrawn(IpNet),
}

/// Follows what should have happened from the speaker to the client, and stops at the first hop where it did not.
pub(super) fn hop(case: &Case<'_>, tables: &Tables<'_>, answers: &Answers<'_>, wants: &[Want<'_>]) -> Option<String> {
    if let Some((router, want)) = nearest(case.plan, tables, wants) {
        let address = want.target.address;
        let wrong = |layer| tables.cells.get(&(router, layer, address)).filter(|cell| !cell.is_right());
        if let Some(cell) = wrong(Layer::Rib) {
            return Some(of_daemon(case, router, want, cell));
        }
        let cell = wrong(Layer::Fib)?;
        let asked = tables.cells.contains_key(&(router, Layer::Rib, address));
        return Some(match (&cell.way, asked) {
            (_, true) => format!("{router}'s RIB is right, and its kernel's route for {address} is not"),
            (Some(way), false) => format!("{router} {} for {address}", words(way)),
            (None, false) => format!("{router}'s route for {address} is not known"),
        });
    }
    let wrong = |(_, train): &(_, &super::train::Train<'_>)| train.right_since(case.origin).is_none();
    let ((client, address), _) = answers.trains.iter().find(wrong)?;
    Some(format!("every route is right, and {client}'s answers from {address} are not"))
}

/// The wrong router that is nearest to the servers: none of its next hops is wrong itself, and if possible it has a session with one
/// of the nodes that are to serve.
fn nearest<'t, 'w, 'p>(plan: &Plan, tables: &'t Tables<'p>, wants: &'w [Want<'p>]) -> Option<(&'p str, &'w Want<'p>)> {
    let is_wrong = |router: &str, address: IpAddr| {
        let mut cells = tables.cells.iter().filter(|((its, _, to), _)| *its == router && *to == address);
        cells.any(|(_, cell)| !cell.is_right())
    };
    let far = |router: &str, want: &Want<'_>, cell: &'t Cell<'_>| {
        let mut hops = cell.way.iter().flat_map(|way| &way.hops);
        let behind = hops.any(|hop| matches!(hop, Hop::Node(next) if is_wrong(next, want.target.address)));
        (behind, !want.target.served_by.iter().any(|server| has_session(plan, router, server)))
    };
    let wrong = tables.cells.iter().filter(|(_, cell)| !cell.is_right());
    let named = wrong.filter_map(|((router, _, address), cell)| {
        let want = wants.iter().find(|want| want.target.address == *address)?;
        Some((far(router, want, cell), *router, want))
    });
    named.min_by_key(|(far, ..)| *far).map(|(_, router, want)| (router, want))
}

fn has_session(plan: &Plan, one: &str, other: &str) -> bool {
    plan.sessions.iter().any(|session| {
        let [a, b] = &session.ends;
        (a == one && b == other) || (a == other && b == one)
    })
}

/// Why a routing daemon's table leads to the wrong nodes.
fn of_daemon(case: &Case<'_>, router: &str, want: &Want<'_>, cell: &Cell<'_>) -> String {
    let Case { plan, facts, .. } = *case;
    let address = want.target.address;
    let Some(way) = &cell.way else {
        return format!("{router}'s routing daemon does not answer on its control socket");
    };
    let led = || way.ends.serving.iter().chain(&way.ends.nowhere);
    let stays = led().find(|node| {
        let serves = want.target.served_by.iter().any(|by| by == *node);
        serves && !want.nodes.contains(*node)
    });
    if let Some(stays) = stays {
        return match said(facts, stays, address) {
            Said::Withdrawn(prefix) => {
                format!("{stays} withdrew {} on the wire, and {router}'s RIB keeps it", of(prefix))
            }
            Said::Announced(_) | Said::Nothing => {
                format!("no withdrawal of {address} by {stays} on the wire{}", untold(plan, stays))
            }
        };
    }
    let Some(missing) = want.nodes.iter().find(|node| !way.ends.serving.contains(*node)) else {
        return format!("{router} {} for {address}", words(way));
    };
    if !has_session(plan, router, missing) {
        return beyond(case, router, missing, address, &words(way));
    }
    if let Some((_, Turn::Down(why))) = facts.sessions.turns(router, missing, None).last() {
        return format!("the session of {router} and {missing} is down ({why}){}", ended(facts, missing));
    }
    if facts.sessions.never_up(router, missing) {
        return format!("{router} and {missing} never came to a session, though they tried{}", ended(facts, missing));
    }
    match said(facts, missing, address) {
        Said::Announced(prefix) => {
            format!("{missing} announced {} on the wire, and {router}'s RIB does not have it", of(prefix))
        }
        Said::Withdrawn(prefix) => format!("{missing} withdrew {} on the wire{}", of(prefix), ended(facts, missing)),
        Said::Nothing => format!("no announcement of {address} by {missing} on the wire{}", ended(facts, missing)),
    }
}

/// Why a router has no way to a node with which it has no session: it learns it from others, or not at all.
fn beyond(case: &Case<'_>, router: &str, missing: &str, address: IpAddr, words: &str) -> String {
    let Case { plan, facts, .. } = *case;
    let peers: Vec<&str> = plan
        .nodes
        .iter()
        .map(|node| node.name.as_str())
        .filter(|name| *name != missing && has_session(plan, router, name))
        .collect();
    let announcing = peers.iter().find_map(|peer| match said(facts, peer, address) {
        Said::Announced(prefix) => Some((*peer, prefix)),
        Said::Withdrawn(_) | Said::Nothing => None,
    });
    match announcing {
        Some((peer, prefix)) => {
            format!("{peer} announced {} on the wire, and {router} {words}: no way to {missing}", of(prefix))
        }
        None if peers.iter().any(|peer| facts.sessions.never_up(router, peer)) => {
            let silent: Vec<_> = peers.iter().filter(|peer| facts.sessions.never_up(router, peer)).collect();
            format!("{router} and {} never came to a session, though they tried", list(&silent))
        }
        None if peers.is_empty() => {
            format!("{router} {words}: no way to {missing}, and it has no session to learn one")
        }
        None => format!("no announcement of {address} by {} to {router} on the wire", list(&peers)),
    }
}

/// A prefix as a reader knows it: the address alone, where it is one.
fn of(prefix: IpNet) -> String {
    if prefix.prefix_len() == prefix.max_prefix_len() { prefix.addr().to_string() } else { prefix.to_string() }
}

/// What a node has said last of an address, by any prefix that covers it.
fn said(facts: &Facts<'_>, node: &str, address: IpAddr) -> Said {
    let (mut standing, mut gone): (BTreeSet<IpNet>, Option<IpNet>) = (BTreeSet::new(), None);
    for event in &facts.told(node).events {
        let Seen::Bgp { message: BgpMessage::Update { announced, withdrawn }, .. } = &event.saw else { continue };
        standing.extend(announced.iter().map(|(prefix, _)| *prefix).filter(|prefix| prefix.contains(&address)));
        for prefix in withdrawn.iter().filter(|prefix| prefix.contains(&address)) {
            standing.remove(prefix);
            gone = Some(*prefix);
        }
    }
    let standing = standing.last().copied().map(Said::Announced);
    standing.or_else(|| gone.map(Said::Withdrawn)).unwrap_or(Said::Nothing)
}

/// A speaker without a watchdog is told nothing; of a node that only passes routes on there is nothing to tell.
fn untold(plan: &Plan, node: &str) -> String {
    let runs = |role| plan.node(node).is_some_and(|node| node.runs.contains_key(&role));
    if runs(Role::Speaker) && !runs(Role::Watchdog) {
        format!(": {node}'s speaker was never told (no watchdog runs on {node})")
    } else {
        String::new()
    }
}

/// Which of the node's daemons has ended and was not started again: the speaker, or else the one without which nothing is announced.
fn ended(facts: &Facts<'_>, node: &str) -> String {
    let last = |role: Role| {
        let name = role.to_string();
        let here = facts.told(node).events.iter().rev();
        here.filter_map(|event| match &event.saw {
            Seen::Exited { daemon, exit, .. } if *daemon == name => Some(Some(*exit)),
            Seen::Started { daemon, .. } if *daemon == name => Some(None),
            _ => None,
        })
        .next()
        .flatten()
        .map(|exit| (name.clone(), exit))
    };
    match [Role::Speaker, Role::Watchdog, Role::Resolver].into_iter().find_map(last) {
        Some((daemon, Exit::Code(code))) => format!(": its {daemon} has exited with status {code}"),
        Some((daemon, Exit::Signal(signal))) => format!(": its {daemon} was ended by signal {signal}"),
        None => String::new(),
    }
}
