//! A recorded run, judged again: without a lab, and with other budgets if wanted.

use std::io::Write;
use std::path::Path;

use crate::check::always::violations;
use crate::check::judge;
use crate::history::{Event, History, Seen, hole};
use crate::lab::Watcher;
use crate::outcome::Played;
use crate::outcome::{Finding, Verdict};
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

/// What is known while a record is read.
struct Replay<'r> {
    plan: &'r Plan,
    origin: u64,
    /// When the step that is played began.
    began: u64,
    /// When the first expectation came to hold.
    served: Option<u64>,
    played: Vec<Played>,
}

fn replay(plan: &Plan, events: &[Event]) -> Vec<Played> {
    let start = events.first().map_or(0, |event| event.at);
    let mut replay = Replay { plan, origin: start, began: start, served: None, played: Vec::new() };
    for (position, event) in events.iter().enumerate() {
        let known = events.get(..position).unwrap_or(events);
        match &event.saw {
            Seen::Step { number, .. } => {
                // An earlier version's record: a step of which nothing is told was over when the next one began.
                if let Some(before) = number.checked_sub(1) {
                    replay.over(before, event.at);
                }
                replay.began = event.at;
            }
            Seen::Injected { .. } => {
                replay.origin = event.at;
                replay.played.push(Played::Injected { at: event.at });
            }
            Seen::Healed { number, .. } => {
                replay.origin = event.at;
                replay.played.truncate(*number);
                replay.played.push(Played::Healed { at: event.at });
            }
            Seen::Over { number } => {
                replay.over(*number, event.at);
                let violated = replay.violations(known, event.at);
                if !violated.is_empty() {
                    replay.played.pop();
                    replay.played.push(Played::violated(replay.origin, event.at, violated));
                }
            }
            Seen::Judged { number, .. } => replay.judged(*number, known, event.at),
            _ => {}
        }
    }
    replay.played
}

impl Replay<'_> {
    /// A step that left no trace of its own: time passed, or there was nothing to mend.
    fn over(&mut self, number: usize, at: u64) {
        if self.played.len() != number {
            return;
        }
        self.played.push(match self.plan.steps.get(number).map(|step| &step.action) {
            Some(Action::HealAll) => {
                self.origin = self.began;
                Played::Healed { at: self.began }
            }
            _ => Played::Held { at },
        });
    }

    fn judged(&mut self, number: usize, known: &[Event], at: u64) {
        let Some(Action::Expect(expectation)) = self.plan.steps.get(number).map(|step| &step.action) else {
            return;
        };
        let mut finding = judge(self.plan, known, expectation, self.origin, at);
        if finding.verdict == Some(Verdict::Pass) {
            self.served = self.served.or(finding.held_from).or(Some(at));
            let violated = self.violations(known, at);
            if !violated.is_empty() {
                finding = Finding { verdict: Some(Verdict::Fail), found: violated, first: None, ..finding };
            }
        }
        self.played.push(Played::Judged { origin: self.origin, at, finding, watched: None });
    }

    fn violations(&self, known: &[Event], at: u64) -> Vec<String> {
        // As the lab does.
        let served = self.served.filter(|_| hole(known).is_none());
        served.map(|served| violations(self.plan, known, served, at)).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::story::{FAULT, MS, Story};
    use crate::plan::StepPlan;

    /// What the lab itself tells of a run.
    fn of_lab(story: &mut Story, at: u64, saw: Seen) {
        story.events.push(Event { at, since: None, node: None, saw });
        story.events.sort_by_key(|event| event.at);
    }

    fn step(name: &str, action: Action) -> StepPlan {
        StepPlan { name: name.to_owned(), action }
    }

    /// A run whose second step is the fault, and whose last ones leave no event of a node.
    fn with_quiet_end() -> Story {
        let mut story = Story::of_failover();
        let expect = story.plan.steps.get(2).cloned().expect("a step that expects");
        let inject = story.plan.steps.get(1).cloned().expect("a step that breaks something");
        let hold = step("hold", Action::Hold(Span::ms(100)));
        story.plan.steps = vec![hold.clone(), inject, expect, step("heal all", Action::HealAll), hold];
        let began = |number: usize| Seen::Step { number, name: String::new() };
        let fault = || "kill".to_owned();
        for (at, saw) in [
            (800, began(0)),
            (990, Seen::Over { number: 0 }),
            (991, began(1)),
            (1000, Seen::Injected { number: 1, fault: fault(), what: None, detail: String::new() }),
            (1001, began(2)),
            (2100, Seen::Judged { number: 2, verdict: "Pass".to_owned() }),
            (2110, began(3)),
            (2120, Seen::Over { number: 3 }),
            (2130, began(4)),
            (2230, Seen::Over { number: 4 }),
        ] {
            of_lab(&mut story, at * MS, saw);
        }
        story
    }

    #[test]
    fn a_last_step_that_asserts_nothing_is_known_to_be_over() {
        let story = with_quiet_end();
        let played = replay(&story.plan, &story.events);
        let ends: Vec<(u64, Verdict)> = played.iter().map(|played| (played.at() / MS, played.verdict())).collect();
        let pass = |at| (at, Verdict::Pass);
        assert_eq!(ends, [pass(990), pass(1000), pass(2100), pass(2110), pass(2230)]);
        assert_eq!(Summary::of(&story.plan, &played).verdict, Verdict::Pass);
    }

    #[test]
    fn a_run_that_broke_off_is_unknown() {
        let mut story = with_quiet_end();
        story.events.retain(|event| !matches!(event.saw, Seen::Over { number: 4 }));
        let played = replay(&story.plan, &story.events);
        assert_eq!(Summary::of(&story.plan, &played).verdict, Verdict::Unknown);
    }

    #[test]
    fn an_invariant_fails_the_step_at_whose_end_it_was_violated() {
        let mut story = with_quiet_end();
        story.plan.always.sites = Some(1);
        assert_eq!(Summary::of(&story.plan, &replay(&story.plan, &story.events)).verdict, Verdict::Pass);
        story.fib(2200 * MS, &[]);
        story.events.sort_by_key(|event| event.at);
        let played = replay(&story.plan, &story.events);
        let summary = Summary::of(&story.plan, &played);
        assert_eq!((summary.verdict, summary.at), (Verdict::Fail, Some(4)));
        assert!(
            played.last().is_some_and(|last| format!("{last:?}").contains("sites: router routed 10.1.53.1 via none"))
        );
    }

    #[test]
    fn before_anything_has_passed_no_invariant_holds() {
        let mut story = with_quiet_end();
        story.plan.always.sites = Some(2);
        let played = replay(&story.plan, &story.events);
        // From the first expectation that passed on: ns2 alone is too few.
        assert_eq!(Summary::of(&story.plan, &played).at, Some(2));
        assert!(FAULT < played.get(2).map_or(0, Played::at));
    }
}
