//! What was seen instead, and which hop was the first that did not move.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::{Answers, Layer, Tables, Want};
use crate::history::{BgpMessage, Event, Seen};
use crate::plan::{Plan, host};
use crate::spec::{Role, list};

/// The answers that a failure is described by: those of the last second.
const WINDOW: u64 = 1_000_000_000;

pub(super) fn found(tables: &Tables<'_>, answers: &Answers<'_>, wants: &[Want<'_>], now: u64) -> Vec<String> {
    let mut found = wrong_routes(tables, wants.len());
    found.extend(wrong_answers(answers, now));
    found
}

/// One line per router and set of nodes: `router routes 4 of 4 addresses via ns1 and ns2 (RIB and FIB agree)`.
fn wrong_routes(tables: &Tables<'_>, addresses: usize) -> Vec<String> {
    let mut wrong: BTreeMap<(&str, String), BTreeMap<Layer, usize>> = BTreeMap::new();
    for ((router, layer, _), cell) in tables.cells.iter().filter(|(_, cell)| !cell.is_right()) {
        let via = match &cell.nodes {
            None => "its routing daemon does not answer".to_owned(),
            Some(nodes) if nodes.is_empty() => "has no route".to_owned(),
            Some(nodes) => format!("routes via {}", list(&nodes.iter().collect::<Vec<_>>())),
        };
        *wrong.entry((router, via)).or_default().entry(*layer).or_default() += 1;
    }
    let line = |((router, via), layers): ((&str, String), BTreeMap<Layer, usize>)| {
        let count = layers.values().copied().max().unwrap_or(0);
        let agree = match layers.keys().collect::<Vec<_>>().as_slice() {
            [only] => format!("{only} only"),
            _ => "RIB and FIB agree".to_owned(),
        };
        format!("{router} {via}: {count} of {addresses} addresses ({agree})")
    };
    wrong.into_iter().map(line).collect()
}

/// One line per client: shares of its last second's queries.
pub(in crate::check) fn wrong_answers(answers: &Answers<'_>, now: u64) -> Vec<String> {
    let mut clients: BTreeMap<&str, (usize, usize, usize, BTreeSet<String>)> = BTreeMap::new();
    for ((client, _), train) in &answers.trains {
        let (all, unanswered, wrong, silent) = clients.entry(client).or_default();
        // Queries of the last moments may not have come to their end yet.
        let recent: Vec<_> = train.within(now.saturating_sub(2 * WINDOW), now.saturating_sub(WINDOW)).collect();
        *all += recent.len();
        *unanswered += recent.iter().filter(|query| query.answered_by().is_none()).count();
        *wrong += recent.iter().filter(|query| query.answered_by().is_some() && !train.is_right(query)).count();
        let heard: BTreeSet<&str> = recent.iter().filter_map(|query| query.answered_by()).collect();
        silent.extend(train.want().iter().filter(|node| !heard.contains(*node)).map(|node| (*node).to_owned()));
    }
    let mut lines = Vec::new();
    for (client, (all, unanswered, wrong, silent)) in clients {
        let share = |n: usize| format!("{} %", (100 * n + all / 2) / all.max(1));
        if all == 0 {
            lines.push(format!("{client} asked nothing of late"));
            continue;
        }
        if unanswered > 0 {
            lines.push(format!("{client} gets no answer to {} of its queries", share(unanswered)));
        }
        if wrong > 0 {
            lines.push(format!("{client} is answered by others than expected in {} of its queries", share(wrong)));
        }
        if !silent.is_empty() {
            lines.push(format!("{client} hears nothing from {}", list(&silent.into_iter().collect::<Vec<_>>())));
        }
    }
    lines
}

/// Follows what should have happened from the speaker to the client, and stops at the first hop where it did not.
pub(super) fn first(
    plan: &Plan,
    events: &[Event],
    tables: &Tables<'_>,
    answers: &Answers<'_>,
    wants: &[Want<'_>],
    origin: u64,
) -> Option<String> {
    let wrong = |layer: Layer| {
        let mut cells = tables.cells.iter().filter(move |((_, its, _), cell)| *its == layer && !cell.is_right());
        cells.next().map(|((router, _, address), cell)| (*router, *address, cell))
    };
    if let Some((router, address, cell)) = wrong(Layer::Rib) {
        let Some(nodes) = &cell.nodes else {
            return Some(format!("{router}'s routing daemon does not answer on its control socket"));
        };
        let want = wants.iter().find(|want| want.target.address == address)?;
        if let Some(stays) = nodes.iter().find(|node| !want.nodes.contains(&node.as_str())) {
            return Some(if updated(plan, events, origin, stays, address, false) {
                format!("{stays} withdrew {address} on the wire, and {router}'s RIB keeps it")
            } else {
                format!("no withdrawal of {address} by {stays} on the wire{}", untold(plan, stays))
            });
        }
        let missing = want.nodes.iter().find(|node| !nodes.contains(**node))?;
        return Some(if updated(plan, events, 0, missing, address, true) {
            format!("{missing} announced {address} on the wire, and {router}'s RIB does not have it")
        } else {
            format!("no announcement of {address} by {missing} on the wire{}", untold(plan, missing))
        });
    }
    if let Some((router, address, _)) = wrong(Layer::Fib) {
        return Some(format!("{router}'s RIB is right, and its kernel's route for {address} is not"));
    }
    let ((client, address), _) = answers.trains.iter().find(|(_, train)| train.right_since(origin).is_none())?;
    Some(format!("every route is right, and {client}'s answers from {address} are not"))
}

/// Whether the node announced or withdrew the address on the wire since then.
fn updated(plan: &Plan, events: &[Event], since: u64, node: &str, address: IpAddr, announce: bool) -> bool {
    events.iter().filter(|event| event.at >= since).any(|event| {
        let Seen::Bgp { src, message: BgpMessage::Update { announced, withdrawn }, .. } = &event.saw else {
            return false;
        };
        let prefix = host(address);
        let hit = if announce { announced.iter().any(|(p, _)| *p == prefix) } else { withdrawn.contains(&prefix) };
        hit && plan.owner_of(src.ip()) == Some(node)
    })
}

fn untold(plan: &Plan, node: &str) -> String {
    let watched = plan.node(node).is_some_and(|node| node.runs.contains_key(&Role::Watchdog));
    if watched { String::new() } else { format!(": {node}'s speaker was never told (no watchdog runs on {node})") }
}
