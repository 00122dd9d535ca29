//! A recorded run, judged again: without a lab, and with other budgets if wanted.

use std::io::{self, Write};
use std::path::Path;

use crate::check::Judge;
use crate::history::{Event, Events, Seen};
use crate::lab::Watcher;
use crate::outcome::{Played, Verdict};
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
}

/// Judges the run recorded in a folder again: each expectation at the point of the record at which it was judged, from what was
/// recorded until then. The record is read once, event by event; the run is told to `out` as it was told then, with the
/// record named as in `shown`.
///
/// # Errors
/// There is no whole record in that folder.
pub fn rejudge(folder: &Path, budgets: &Budgets, out: impl Write, colour: bool, shown: &str) -> io::Result<Rejudged> {
    let record = RunFolder::open(folder);
    let mut plan = record.plan()?;
    // Before the first fault the lab comes up: that is no failover, and has no budget.
    let faulty = plan.steps.iter_mut().skip_while(|step| !matches!(step.action, Action::Inject(_)));
    for step in faulty {
        if let Action::Expect(expectation) = &mut step.action {
            budgets.replace(expectation);
        }
    }
    let file = record.history();
    let mut events = Events::open(&file)?.peekable();
    if events.peek().is_none() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: no event is in it", file.display())));
    }
    let mut replay = Replay::new(&plan, Terminal::new(out, colour, &plan, 0));
    for event in events {
        replay.take(event?);
    }
    let played = replay.end(shown);
    Ok(Rejudged { plan, played })
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

/// A run that is played from its record.
struct Replay<'p, W> {
    plan: &'p Plan,
    judge: Judge<'p>,
    terminal: Terminal<'p, W>,
    played: Vec<Played>,
    /// How many steps were told.
    told: usize,
    /// What happened since the end of the last step that was told.
    fresh: Vec<Event>,
}

impl<'p, W: Write> Replay<'p, W> {
    fn new(plan: &'p Plan, mut terminal: Terminal<'p, W>) -> Self {
        terminal.plan();
        Self { plan, judge: Judge::new(plan), terminal, played: Vec::new(), told: 0, fresh: Vec::new() }
    }

    fn take(&mut self, event: Event) {
        let at = event.at;
        match event.saw {
            Seen::Judged { number, .. } => {
                self.judged(number, at);
                self.tell();
                self.judge.take(event);
            }
            Seen::Step { number, .. } => {
                // An earlier version's record: a step of which nothing is told was over when the next one began.
                if let Some(before) = number.checked_sub(1) {
                    self.over(before, at);
                }
                self.tell();
                self.judge.take(event);
            }
            Seen::Injected { .. } => {
                self.judge.take(event);
                self.played.push(Played::Injected { at });
                self.tell();
            }
            Seen::Healed { number, .. } => {
                self.judge.take(event);
                self.played.truncate(number);
                self.played.push(Played::Healed { at });
            }
            Seen::Over { number } => {
                self.judge.take(event);
                self.over(number, at);
                let played = self.played.pop().map(|played| self.judge.over(played, at));
                self.played.extend(played);
                self.tell();
            }
            _ => self.judge.take(event),
        }
    }

    /// A step that left no trace of its own: time passed, or there was nothing to mend.
    fn over(&mut self, number: usize, at: u64) {
        if self.played.len() != number {
            return;
        }
        self.played.push(match self.plan.steps.get(number).map(|step| &step.action) {
            Some(Action::HealAll) => Played::Healed { at: self.judge.began() },
            _ => Played::Held { at },
        });
    }

    fn judged(&mut self, number: usize, at: u64) {
        if let Some(Action::Expect(expectation)) = self.plan.steps.get(number).map(|step| &step.action) {
            let finding = self.judge.finding(expectation, at);
            let finding = self.judge.judged(finding, at);
            self.played.push(Played::Judged { origin: self.judge.origin(), at, finding, watched: None });
        }
    }

    /// Tells the steps that are over, up to the one that decided the run.
    fn tell(&mut self) {
        self.fresh.append(&mut self.judge.fresh());
        if self.told == 0 {
            self.terminal.counts_from(self.judge.facts().span().0);
        }
        while let (Some(played), Some(step)) = (self.played.get(self.told), self.plan.steps.get(self.told)) {
            let passed = self.played.iter().take(self.told).all(|before| before.verdict() == Verdict::Pass);
            if passed {
                let (fresh, later) = self.fresh.drain(..).partition(|event| event.at <= played.at());
                self.fresh = later;
                self.terminal.played(step, played, &fresh, self.judge.facts());
            }
            self.told += 1;
        }
    }

    /// Tells the rest.
    fn end(mut self, shown: &str) -> Vec<Played> {
        self.tell();
        let (summary, facts) = (Summary::of(self.plan, &self.played), self.judge.facts());
        let (began, ended) = facts.span();
        self.terminal.end(&summary, &self.played, facts, (ended - began) as f64 / 1e9, shown);
        self.played
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

    fn replay(plan: &Plan, events: &[Event]) -> Vec<Played> {
        let mut replay = Replay::new(plan, Terminal::new(io::sink(), false, plan, 0));
        events.iter().cloned().for_each(|event| replay.take(event));
        replay.end("")
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
