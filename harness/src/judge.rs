//! A recorded run, judged again: without a lab, and with other budgets if wanted.

use std::io::Write;
use std::path::Path;

use crate::check::{Verdict, judge};
use crate::history::{Event, History, Seen};
use crate::lab::{Played, Watcher};
use crate::plan::{Action, Expectation, Plan};
use crate::report::{RunFolder, Summary, Terminal};
use crate::spec::Span;

/// Budgets in place of a scenario's own, for all expectations after its first fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Budgets {
    /// The deadline.
    pub within: Option<Span>,
    /// How many queries may be lost.
    pub lost: Option<u64>,
    /// The longest time without a good answer.
    pub gap: Option<Span>,
}

/// A recorded run, and what came of each step that was played.
#[derive(Debug, Clone, PartialEq)]
pub struct Rejudged {
    /// What was planned, budgets replaced.
    pub plan: Plan,
    /// What came of each step.
    pub played: Vec<Played>,
    /// What happened.
    pub history: History,
}

/// Judges the run recorded in a folder again: each expectation at the time at which it was judged, from what was known then.
///
/// # Errors
/// There is no whole record in that folder.
pub fn rejudge(folder: &Path, budgets: &Budgets) -> std::io::Result<Rejudged> {
    let record = RunFolder::open(folder);
    let mut plan = record.plan()?;
    // Before the first fault the lab comes up: that is no failover, and has no budget.
    let faulty = plan.steps.iter_mut().skip_while(|step| !matches!(step.action, Action::Inject(_)));
    for step in faulty {
        if let Action::Expect(expectation) = &mut step.action {
            budgets.replace(expectation);
        }
    }
    let history = History::read(&record.history())?;
    let played = replay(&plan, history.events());
    Ok(Rejudged { plan, played, history })
}

impl Rejudged {
    /// Tells it as the run itself was told.
    pub fn tell(&self, out: impl Write, colour: bool, record: &str) {
        let (plan, events) = (&self.plan, self.history.events());
        let began = events.first().map_or(0, |event| event.at);
        let mut terminal = Terminal::new(out, colour, plan, began);
        terminal.plan();
        for (step, played) in plan.steps.iter().zip(&self.played) {
            let known = events.partition_point(|event| event.at <= played.at());
            terminal.played(step, played, events.get(..known).unwrap_or(events));
            if played.verdict() != Verdict::Pass {
                break;
            }
        }
        let took = events.last().map_or(0, |event| event.at - began) as f64 / 1e9;
        terminal.end(&Summary::of(plan, &self.played), &self.played, events, took, record);
    }

    /// That, plainly.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = Vec::new();
        self.tell(&mut text, false, "(judged again)");
        String::from_utf8_lossy(&text).into_owned()
    }
}

impl Budgets {
    fn replace(&self, expectation: &mut Expectation) {
        if let Some(within) = self.within {
            (expectation.deadline, expectation.because) = (within, "as asked for".to_owned());
        }
        expectation.expect.lost = self.lost.or(expectation.expect.lost);
        expectation.expect.gap = self.gap.or(expectation.expect.gap);
    }
}

fn replay(plan: &Plan, events: &[Event]) -> Vec<Played> {
    let mut origin = events.first().map_or(0, |event| event.at);
    let (mut played, mut began) = (Vec::new(), origin);
    for (position, event) in events.iter().enumerate() {
        match &event.saw {
            Seen::Step { number, .. } => {
                // The step before left no trace of its own: time passed, or there was nothing to mend.
                if let Some(step) = number.checked_sub(1).filter(|before| played.len() == *before) {
                    played.push(match plan.steps.get(step).map(|step| &step.action) {
                        Some(Action::HealAll) => {
                            origin = began;
                            Played::Healed { at: began }
                        }
                        _ => Played::Held { at: event.at },
                    });
                }
                began = event.at;
            }
            Seen::Injected { .. } => {
                origin = event.at;
                played.push(Played::Injected { at: event.at });
            }
            Seen::Healed { number, .. } => {
                origin = event.at;
                played.truncate(*number);
                played.push(Played::Healed { at: event.at });
            }
            Seen::Judged { number, .. } => {
                let Some(Action::Expect(expectation)) = plan.steps.get(*number).map(|step| &step.action) else {
                    continue;
                };
                let known: History = events.iter().take(position).cloned().collect();
                let finding = judge(plan, &known, expectation, origin, event.at);
                played.push(Played::Judged { origin, at: event.at, finding, watched: None });
            }
            _ => {}
        }
    }
    played
}
