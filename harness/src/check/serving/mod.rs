//! The joint oracle: at every router RIB and FIB hold exactly the expected nodes, and exactly these answer every client.

use super::{Finding, Verdict, nanos};
use crate::history::Event;
use crate::plan::{Expectation, Plan, ServiceAddress};
use crate::spec::Family;

mod answers;
mod explain;
mod tables;
#[cfg(test)]
mod tests;

pub(super) use answers::Answers;
pub(super) use tables::{Layer, Tables};

/// What an expectation says of one service address.
pub(super) struct Want<'p> {
    /// The address.
    pub(super) target: &'p ServiceAddress,
    /// The nodes that serve it, sorted.
    pub(super) nodes: Vec<&'p str>,
}

/// The addresses in an expectation's scope, and who must serve each.
pub(super) fn wants<'p>(plan: &'p Plan, expectation: &Expectation) -> Vec<Want<'p>> {
    let expect = &expectation.expect;
    let in_scope = |target: &&ServiceAddress| {
        expect.service.as_ref().is_none_or(|service| *service == target.service)
            && expect.family.is_none_or(|family| family == Family::of(target.address))
    };
    let want = |target: &'p ServiceAddress| {
        let mut nodes: Vec<&str> = target.served_by.iter().map(String::as_str).collect();
        nodes.retain(|node| expect.serving.iter().any(|serving| serving == node));
        nodes.sort_unstable();
        Want { target, nodes }
    };
    plan.services.iter().filter(in_scope).map(want).collect()
}

pub(super) fn judge(plan: &Plan, events: &[Event], expectation: &Expectation, origin: u64, now: u64) -> Finding {
    let wants = wants(plan, expectation);
    let tables = Tables::replay(plan, events, expectation, &wants);
    let answers = Answers::replay(plan, events, expectation, &wants, origin);

    let held_from = [tables.right_since(), answers.right_since()]
        .into_iter()
        .try_fold(origin, |latest, since| Some(latest.max(since?)));
    let stable = nanos(expectation.expect.stable.0);
    let deadline = origin.saturating_add(nanos(expectation.deadline.0));

    let settled = held_from.is_some_and(|held| {
        let until = held.saturating_add(stable);
        now >= until && answers.known_until(until) && answers.all_answer_within(held, until)
    });
    let end = if settled { held_from.map_or(now, |held| held.saturating_add(stable)) } else { now };
    let (lost, gap) = (answers.lost(origin, end), answers.gap(origin, end));

    let mut found = Vec::new();
    let late = held_from.is_none_or(|held| held > deadline);
    let verdict = if settled {
        let since = &expectation.since;
        if let Some(held) = held_from.filter(|_| late) {
            let after = held.saturating_sub(origin) / 1_000_000;
            found.push(format!("it held {after} ms after {since}, allowed {}", expectation.deadline));
        }
        if let Some(allowed) = expectation.expect.lost.filter(|allowed| lost > *allowed) {
            found.push(format!("{lost} queries lost since {since}, allowed {allowed}"));
        }
        if let Some(allowed) = expectation.expect.gap.filter(|allowed| gap > allowed.0) {
            found.push(format!("no good answer for {} ms since {since}, allowed {allowed}", gap.as_millis()));
        }
        Some(if found.is_empty() { Verdict::Pass } else { Verdict::Fail })
    } else if now > deadline && late {
        Some(Verdict::Fail)
    } else {
        // It may hold since just before the deadline, and be waiting out its stable time; but not for ever.
        let patience = deadline.saturating_add(stable.saturating_mul(2)).saturating_add(nanos(answers::LONGEST_WAIT));
        (now > patience).then_some(Verdict::Fail)
    };
    let mut first = None;
    if verdict == Some(Verdict::Fail) && !settled {
        found = explain::found(&tables, &answers, &wants, now);
        first = explain::first(plan, events, &tables, &answers, &wants, origin);
    }
    Finding { verdict, held_from, lost, gap, found, first }
}
