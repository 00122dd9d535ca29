//! JUDGE: what the history says of an expectation; pure over plan and history.

use std::time::Duration;

use protocol::Outcome;

use crate::history::History;
use crate::plan::{Expectation, Plan};

pub mod phases;
mod serving;
pub mod sessions;
#[cfg(test)]
pub(crate) mod story;

/// The outcome of a step, or of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What was promised was seen.
    Pass,
    /// It cannot be said: an observer was lost, or the history has a hole.
    Unknown,
    /// Something else was seen.
    Fail,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::Unknown => "Unknown",
            Self::Fail => "Fail",
        })
    }
}

/// What a check found so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The verdict; none while it is too early to tell.
    pub verdict: Option<Verdict>,
    /// When it came to hold, and has held since: nanoseconds of the history's clock.
    pub held_from: Option<u64>,
    /// Queries lost since the origin.
    pub lost: u64,
    /// The longest stretch without a good answer since the origin, at one client from one address.
    pub gap: Duration,
    /// What was seen instead, a line each; empty when it holds.
    pub found: Vec<String>,
    /// The first hop from the speaker to the client that is not as expected.
    pub first: Option<String>,
}

/// Judges an expectation counted from `origin`, as of `now`; both in nanoseconds of the history's clock.
#[must_use]
pub fn judge(plan: &Plan, history: &History, expectation: &Expectation, origin: u64, now: u64) -> Finding {
    let mut finding = serving::judge(plan, history.events(), expectation, origin, now);
    if let Some((event, reason)) = history.hole() {
        let node = event.node.as_deref().unwrap_or("the lab");
        finding.verdict = Some(Verdict::Unknown);
        finding.found = vec![format!("{node}: {reason}")];
        finding.first = None;
    }
    finding
}

/// A span of the history's clock.
#[must_use]
pub fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// Who gave a good answer: NOERROR, with records.
#[must_use]
pub fn answered_by(outcome: &Outcome) -> Option<&str> {
    match outcome {
        Outcome::Answer { instance, rcode: 0, answers: 1.., .. } => Some(instance),
        _ => None,
    }
}
