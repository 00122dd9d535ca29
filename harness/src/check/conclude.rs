//! From "it holds since then" to a verdict: in time, for its stable time, and for no more than it may cost.

use std::time::Duration;

use super::serving::{Answers, longest_wait};
use super::{Case, flaps, nanos, sticky};
use crate::outcome::{Finding, Verdict};

/// What a check saw of its subject.
pub(super) struct Seen<'a> {
    /// Since when it holds; none when it does not.
    pub(super) held_from: Option<u64>,
    /// For how long it must have held.
    pub(super) stable: u64,
    /// Until when it had to be watched, if since then it holds, and was; none while that is to come.
    pub(super) proven: &'a dyn Fn(u64) -> Option<u64>,
}

/// The finding; `explain` tells what was seen instead, and the first hop that is not as expected.
pub(super) fn conclude(
    case: &Case<'_>,
    answers: &Answers<'_>,
    seen: &Seen<'_>,
    explain: impl FnOnce() -> (Vec<String>, Option<String>),
) -> Finding {
    let (origin, now, held_from) = (case.origin, case.now, seen.held_from);
    let deadline = origin.saturating_add(nanos(case.expectation.deadline.0));
    let settled_at = held_from.and_then(seen.proven);
    let settled_at = settled_at.filter(|until| now >= *until && answers_are_in(case, answers, *until));
    let late = held_from.is_none_or(|held| held > deadline);
    let mut finding = spent(case, answers, settled_at.unwrap_or(now));
    finding.held_from = held_from;
    finding.verdict = if settled_at.is_some() {
        if let Some(held) = held_from.filter(|_| late) {
            let (after, since) = (held.saturating_sub(origin) / 1_000_000, &case.expectation.since);
            let allowed = case.expectation.deadline;
            finding.found.insert(0, format!("it held {after} ms after {since}, allowed {allowed}"));
        }
        Some(if finding.found.is_empty() { Verdict::Pass } else { Verdict::Fail })
    } else if now > deadline && late {
        Some(Verdict::Fail)
    } else {
        // It may hold since just before the deadline, and be waiting out its stable time; but not for ever.
        let patience =
            deadline.saturating_add(seen.stable.saturating_mul(2)).saturating_add(nanos(longest_wait(case.plan)));
        (now > patience).then_some(Verdict::Fail)
    };
    if settled_at.is_none() {
        // Budgets are judged when the rest has come to hold.
        finding.found.clear();
        if finding.verdict == Some(Verdict::Fail) {
            if let Some(doubt) = held_from.filter(|_| !late).and_then(|held| answers.too_few(held, seen.stable)) {
                (finding.verdict, finding.found) = (Some(Verdict::Unknown), vec![doubt]);
                return finding;
            }
            (finding.found, finding.first) = explain();
            if let (true, Some(held)) = (finding.found.is_empty(), held_from) {
                let unheard = answers.unheard(held, seen.stable);
                finding.found.extend(unheard.or_else(|| answers.outstanding(held.saturating_add(seen.stable))));
            }
        }
    }
    finding
}

/// What it has cost from the origin to `end`, and which budgets that is above.
pub(super) fn spent(case: &Case<'_>, answers: &Answers<'_>, end: u64) -> Finding {
    let (expect, since) = (&case.expectation.expect, &case.expectation.since);
    let (lost, gap) = (answers.lost(case.origin, end), answers.gap(case.origin, end));
    let mut found = Vec::new();
    if let Some(allowed) = expect.lost.filter(|allowed| lost > *allowed) {
        found.push(format!("{lost} queries lost since {since}, allowed {allowed}"));
    }
    if let Some(allowed) = expect.gap.filter(|allowed| gap > allowed.0) {
        found.push(format!("no good answer for {} ms since {since}, allowed {allowed}", Duration::as_millis(&gap)));
    }
    if let Some(allowed) = expect.flaps {
        found.extend(flaps::above(case, end, allowed));
    }
    if expect.sticky {
        found.extend(sticky::broken(case, end));
    }
    Finding { lost, gap, found, ..Finding::default() }
}

/// Whether every query that a budget is about has come to its end, and been reported.
pub(super) fn answers_are_in(case: &Case<'_>, answers: &Answers<'_>, until: u64) -> bool {
    let expect = &case.expectation.expect;
    let counted = expect.lost.is_some() || expect.gap.is_some() || expect.sticky;
    !counted || answers.known_until(until)
}
