//! JUDGE: what the history says of an expectation; pure over plan and history.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use crate::outcome::{Finding, Verdict};
use crate::plan::{Expectation, Plan};
use crate::spec::Subject;

pub mod always;
mod answered;
mod conclude;
pub mod disagree;
mod driver;
mod facts;
mod flaps;
mod ordered;
pub mod phases;
#[cfg(test)]
mod properties;
mod queries;
mod routes;
mod serving;
mod session;
pub mod sessions;
mod stalls;
mod sticky;
#[cfg(test)]
pub(crate) mod story;
mod unread;
pub(crate) mod world;

pub use driver::Judge;
pub use facts::Facts;

/// What is judged.
#[derive(Clone, Copy)]
struct Case<'a> {
    plan: &'a Plan,
    facts: &'a Facts<'a>,
    expectation: &'a Expectation,
    /// What deadlines and budgets count from; nanoseconds of the history's clock, as `now` is.
    origin: u64,
    now: u64,
    /// What is made of observations that say nothing for sure.
    doubt: Doubt,
}

/// What is made of observations that say nothing for sure: a query that its own client could not send, an answer of an unknown node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Doubt {
    /// They count as failures: what passes so has been proven.
    Against,
    /// They count for nothing, or as the best that they may be: what fails even so has failed.
    For,
}

/// Judges an expectation counted from `origin`, as of `now`; both in nanoseconds of the history's clock.
#[must_use]
pub fn judge(facts: &Facts<'_>, expectation: &Expectation, origin: u64, now: u64) -> Finding {
    let case = Case { plan: facts.plan, facts, expectation, origin, now, doubt: Doubt::Against };
    let mut finding = reasoned(guarded(|| stalls::granted(&case, beyond_doubt(&case), beyond_doubt)));
    if let Some((_, lost)) = facts.hole() {
        finding.verdict = Some(Verdict::Unknown);
        finding.found = vec![lost.to_owned()];
        finding.first = None;
    }
    finding
}

/// A failure that doubtful observations may explain is none: if the same might pass, had they been good, it is Unknown.
fn beyond_doubt(case: &Case<'_>) -> Finding {
    let found = of_subject(case);
    if found.verdict != Some(Verdict::Fail) {
        return found;
    }
    let wants = serving::wants(case.plan, case.expectation);
    let doubts = serving::Answers::of(case, &wants).doubts();
    if doubts.is_empty() {
        return found;
    }
    let at_best = of_subject(&Case { doubt: Doubt::For, ..*case });
    match at_best.verdict {
        Some(Verdict::Pass) => Finding { verdict: Some(Verdict::Unknown), found: doubts, first: None, ..found },
        _ => at_best,
    }
}

/// A Fail says why: one that cannot is a defect of the check, and says nothing.
fn reasoned(mut finding: Finding) -> Finding {
    if finding.verdict == Some(Verdict::Fail) && finding.found.is_empty() {
        finding.verdict = Some(Verdict::Unknown);
        finding.found = vec!["it did not hold, and the check found no reason, which is a defect of it".to_owned()];
    }
    finding
}

fn of_subject(case: &Case<'_>) -> Finding {
    match &case.expectation.expect.subject {
        Subject::Serving(_) => serving::judge(case),
        Subject::AnsweredBy(_) | Subject::Unanswered => answered::judge(case),
        Subject::Session { between: [one, other], state, signed } => session::judge(case, one, other, *state, *signed),
        Subject::Ordered(happenings) => ordered::judge(case, happenings),
    }
}

/// A check that panics has said nothing.
fn guarded(check: impl FnOnce() -> Finding) -> Finding {
    catch_unwind(AssertUnwindSafe(check)).unwrap_or_else(|panic| {
        let text = panic.downcast_ref::<&str>().map(ToString::to_string);
        let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Finding {
            verdict: Some(Verdict::Unknown),
            found: vec![format!("the check itself failed, which is a defect of it: {text}")],
            ..Finding::default()
        }
    })
}

/// A span of the history's clock.
#[must_use]
pub fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}

/// A time of the history's clock as a reader likes it: `11 ms`, `1.2 s`.
#[must_use]
pub fn millis(nanos: u64) -> String {
    match nanos {
        n if n < 1_000_000_000 => format!("{} ms", n / 1_000_000),
        n => format!("{:.1} s", n as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fail_without_a_reason_says_nothing() {
        let bare = Finding { verdict: Some(Verdict::Fail), ..Finding::default() };
        assert_eq!(reasoned(bare.clone()).verdict, Some(Verdict::Unknown));
        let told = Finding { found: vec!["too late".to_owned()], ..bare };
        assert_eq!(reasoned(told.clone()), told);
    }

    #[test]
    fn a_check_that_panics_has_said_nothing() {
        let finding = guarded(|| panic!("index out of bounds"));
        assert_eq!(finding.verdict, Some(Verdict::Unknown));
        assert_eq!(finding.found, ["the check itself failed, which is a defect of it: index out of bounds"]);
    }
}
