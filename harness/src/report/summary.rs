//! The end of a run: its verdict, and how long each phase of each failover took.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::Verdict;
use crate::check::phases::{Phases, phases};
use crate::history::Event;
use crate::lab::Played;
use crate::plan::{Action, Plan, StepPlan};
use crate::spec::Family;

/// A run's outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// The verdict on the whole.
    pub verdict: Verdict,
    /// The step that decided it, when it is not Pass.
    pub at: Option<usize>,
}

impl Summary {
    /// The verdict on what was played.
    #[must_use]
    pub fn of(plan: &Plan, played: &[Played]) -> Self {
        let decided = played.iter().position(|played| played.verdict() != Verdict::Pass);
        let verdict = match decided.and_then(|at| played.get(at)) {
            Some(played) => played.verdict(),
            None if played.len() == plan.steps.len() => Verdict::Pass,
            None => Verdict::Unknown,
        };
        Self { verdict, at: decided }
    }

    /// Whether a mutant failed where it must; none when the plan is no mutant.
    #[must_use]
    pub fn as_the_mutant_must(&self, plan: &Plan) -> Option<bool> {
        let fails = &plan.mutant.as_ref()?.fails;
        let at = self.at.and_then(|at| plan.steps.get(at));
        Some(self.verdict == Verdict::Fail && at.is_some_and(|step| step.name == *fails))
    }
}

/// The phases of every fault that was followed by an expectation, as a table; empty when there was none.
#[must_use]
pub fn times(plan: &Plan, played: &[Played], events: &[Event]) -> String {
    let mut text = String::new();
    for (fault, phases) in failovers(plan, played, events) {
        table(&mut text, &fault, &phases);
    }
    text
}

/// Every fault that was followed by an expectation, in words, with its phases by family.
pub(super) fn failovers(plan: &Plan, played: &[Played], events: &[Event]) -> Vec<(String, BTreeMap<Family, Phases>)> {
    let steps: Vec<(&StepPlan, &Played)> = plan.steps.iter().zip(played).collect();
    let failover = |pair: &[(&StepPlan, &Played)]| match pair {
        [(StepPlan { action: Action::Inject(inject), .. }, Played::Injected { at: from }), (_, next)] => {
            Some((inject.to_string(), phases(plan, events, &inject.on, *from, judged_at(next)?)))
        }
        _ => None,
    };
    steps.windows(2).filter_map(failover).collect()
}

fn judged_at(played: &Played) -> Option<u64> {
    match played {
        Played::Judged { at, .. } => Some(*at),
        _ => None,
    }
}

fn table(text: &mut String, title: &str, phases: &BTreeMap<Family, Phases>) {
    let families: Vec<String> = phases.keys().map(|family| format!("{family:>10}")).collect();
    let mut line = |label: &str, title: &str, cells: Vec<String>| {
        let cells: String = cells.iter().map(|cell| format!("{cell:>10}")).collect();
        let _infallible = writeln!(text, "{label:>10}  {title:<34}{cells}");
    };
    let ms = |at: Option<u64>| at.map_or_else(|| "never".to_owned(), |at| format!("+{:.3}", at as f64 / 1e9));
    line("Times", title, families.iter().map(|family| family.trim().to_owned()).collect());
    line("", "withdrawn on the wire", phases.values().map(|p| ms(p.withdrawn)).collect());
    line("", "router's kernel", phases.values().map(|p| ms(p.fib)).collect());
    let last = |p: &Phases| {
        if p.lost == 0 { "none".to_owned() } else { ms(p.last_lost) }
    };
    line("", "last lost query", phases.values().map(last).collect());
    line("", "queries lost", phases.values().map(|p| p.lost.to_string()).collect());
}
