//! The end of a run: its verdict, and how long each phase of each failover took.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::check::Facts;
use crate::check::disagree::{Disagreement, disagreement};
use crate::check::phases::{Answered, Phases, phases};
use crate::outcome::Played;
use crate::outcome::Verdict;
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

    /// The verdict in a line: `Fail  kill-named[no-watchdog]  at step 3, as the mutant must`.
    #[must_use]
    pub fn line(&self, plan: &Plan) -> String {
        let step = self.at.map(|at| format!("  at step {}", at + 1)).unwrap_or_default();
        let must = match self.as_the_mutant_must(plan) {
            Some(true) => ", as the mutant must",
            Some(false) => ", and the mutant must fail elsewhere",
            None => "",
        };
        format!("{}  {}{step}{must}", self.verdict, plan.label())
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
pub fn times(facts: &Facts<'_>, played: &[Played]) -> String {
    let mut text = String::new();
    for Failover { fault, phases, disagreement } in failovers(facts, played) {
        table(&mut text, &fault, &phases);
        let Disagreement { blackholed, misdirected, tables } = disagreement;
        let seconds = |nanos: u64| format!("{:.3} s", nanos as f64 / 1e9);
        let figures = [("blackholed", blackholed), ("misdirected", misdirected), ("RIB and FIB apart", tables)];
        let words: Vec<String> = figures.iter().map(|(name, nanos)| format!("{name} {}", seconds(*nanos))).collect();
        let _infallible = writeln!(text, "{:>10}  {}", "Disagreed", words.join(", "));
    }
    text
}

/// A fault that was followed by an expectation.
pub(super) struct Failover {
    /// In words.
    pub(super) fault: String,
    /// Its phases, by family.
    pub(super) phases: BTreeMap<Family, Phases>,
    /// For how long tables and answers disagreed.
    pub(super) disagreement: Disagreement,
}

/// Every fault that was followed by an expectation.
pub(super) fn failovers(facts: &Facts<'_>, played: &[Played]) -> Vec<Failover> {
    let steps: Vec<(&StepPlan, &Played)> = facts.plan().steps.iter().zip(played).collect();
    let failover = |(nth, (step, played)): (usize, &(&StepPlan, &Played))| {
        let (Action::Inject(inject), Played::Injected { at: from }) = (&step.action, played) else { return None };
        // It lasts until something else is broken or mended.
        let rest = steps.get(nth + 1..).unwrap_or_default();
        let quiet =
            rest.iter().take_while(|(_, next)| !matches!(next, Played::Injected { .. } | Played::Healed { .. }));
        let until = quiet.filter_map(|(_, next)| judged_at(next)).max()?;
        Some(Failover {
            fault: inject.to_string(),
            phases: phases(facts, &inject.on, *from, until),
            disagreement: disagreement(facts, *from, until),
        })
    };
    steps.iter().enumerate().filter_map(failover).collect()
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
    let mut row = |title: &str, cell: &dyn Fn(&Phases) -> String| {
        line("", title, phases.values().map(cell).collect());
    };
    row("detected by the watchdog", &|p| if p.unclear { "unclear".to_owned() } else { ms(p.detected) });
    row("withdrawn on the wire", &|p| ms(p.withdrawn));
    // A session's end is news when it is what took the routes away.
    if phases.values().any(|p| p.ended.is_some() && p.withdrawn.is_none()) {
        row("session ended", &|p| ms(p.ended));
    }
    row("router's daemon", &|p| ms(p.rib));
    row("router's kernel", &|p| ms(p.fib));
    let wrong = |seen: &Answered| seen.last_wrong.map_or_else(|| "none".to_owned(), |at| ms(Some(at)));
    let good = |seen: &Answered| if seen.last_wrong.is_none() { "-".to_owned() } else { ms(seen.first_good) };
    row("last wrong answer", &|p| wrong(&p.seen));
    row("good answers again", &|p| good(&p.seen));
    row("queries lost", &|p| p.seen.lost.to_string());
    let clients: Vec<&String> = phases.values().next().map(|p| p.clients.keys().collect()).unwrap_or_default();
    for client in clients.iter().filter(|_| clients.len() > 1) {
        let of = |p: &Phases| p.clients.get(*client).copied().unwrap_or_default();
        row(&format!("{client}: last wrong answer"), &|p| wrong(&of(p)));
        row(&format!("{client}: good answers again"), &|p| good(&of(p)));
        row(&format!("{client}: queries lost"), &|p| of(p).lost.to_string());
    }
}
