//! What was seen instead, in words.

use std::collections::{BTreeMap, BTreeSet};

use super::tables::{Cell, Tables};
use super::{Answers, Layer};
use crate::check::Case;
use crate::check::queries::End;
use crate::check::world::{Hop, Way};
use crate::plan::host;
use crate::spec::list;

/// The answers that a failure is described by: those of a second.
const WINDOW: u64 = 1_000_000_000;

pub(super) fn found(case: &Case<'_>, tables: &Tables<'_>, answers: &Answers<'_>, addresses: usize) -> Vec<String> {
    let mut found = wrong_routes(tables, addresses);
    found.extend(wrong_answers(case, answers));
    found
}

/// One line per router and way: `router routes via ns1 and ns2: 4 of 4 addresses (RIB and FIB agree)`.
fn wrong_routes(tables: &Tables<'_>, addresses: usize) -> Vec<String> {
    let mut wrong: BTreeMap<(&str, String), BTreeMap<Layer, usize>> = BTreeMap::new();
    for ((router, layer, address), cell) in tables.cells.iter().filter(|(_, cell)| !cell.is_right()) {
        let via = way_in_words(cell, host(*address));
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

fn way_in_words(cell: &Cell<'_>, host: ipnet::IpNet) -> String {
    let Some(way) = &cell.way else { return "its routing daemon does not answer".to_owned() };
    let mut words = words(way);
    if let Some(prefix) = way.prefix.filter(|prefix| *prefix != host && !leads_nowhere(way)) {
        words.extend([" by ".to_owned(), prefix.to_string()]);
    }
    if cell.leads_right {
        words += ", unlike its routing daemon";
    }
    words
}

/// `routes via core to ns1 and ns2`, or what is wrong with it.
pub(super) fn words(way: &Way<'_>) -> String {
    if leads_nowhere(way) {
        return "has no route".to_owned();
    }
    let names = |nodes: &BTreeSet<&str>| list(&nodes.iter().collect::<Vec<_>>());
    let hops: Vec<String> = way.hops.iter().map(ToString::to_string).collect();
    let ends = &way.ends;
    let mut words = vec![format!("routes via {}", list(&hops))];
    if !ends.serving.is_empty() && !ends.serving.iter().eq(hops.iter()) {
        words.push(format!(" to {}", names(&ends.serving)));
    }
    if !ends.nowhere.is_empty() {
        let has = if ends.nowhere.len() == 1 { "has" } else { "have" };
        words.push(format!(", and {} {has} no way on", names(&ends.nowhere)));
    }
    if !ends.loops.is_empty() {
        words.push(format!(", in a loop back to {}", names(&ends.loops)));
    }
    words.concat()
}

/// Whether the first node itself drops the packets. A connected network on which nobody has the address is no route to it.
fn leads_nowhere(way: &Way<'_>) -> bool {
    way.hops.iter().all(|hop| matches!(hop, Hop::Nobody(_))) && way.ends.serving.is_empty()
}

/// One line per client: shares of the queries of a second, the last of which all ends are known.
pub(in crate::check) fn wrong_answers(case: &Case<'_>, answers: &Answers<'_>) -> Vec<String> {
    let mut clients: BTreeMap<&str, (usize, usize, usize, BTreeSet<String>)> = BTreeMap::new();
    for ((client, _), train) in &answers.trains {
        let (all, unanswered, wrong, silent) = clients.entry(client).or_default();
        // Queries of the last moments may not have come to their end yet; what was asked before the origin is not what is judged.
        let until = case.now.saturating_sub(train.timeout);
        let from = until.saturating_sub(WINDOW).max(case.origin);
        let recent: Vec<_> = train.within(from, if from < until { until } else { case.now }).collect();
        *all += recent.len();
        let lost = recent.iter().filter(|query| query.end == End::Lost).count();
        *unanswered += if train.want().is_empty() { 0 } else { lost };
        *wrong += recent.iter().filter(|query| train.is_of_another(query)).count();
        let heard: BTreeSet<&str> = recent.iter().filter_map(|query| query.by).collect();
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
