//! The one driver of all checks: it takes each event once, in a run as it goes on or from a record, and knows what a step counts from.

use super::always::violations;
use super::{Facts, judge};
use crate::history::{Event, Recorder, Seen};
use crate::outcome::{Finding, Played, Verdict};
use crate::plan::{Action, Expectation, Plan};

/// A run that is judged: what it has shown so far, and where it is.
pub struct Judge<'p> {
    facts: Facts<'p>,
    /// How many events of the recorder's log it has taken.
    read: usize,
    /// What was taken since somebody asked, without the queries.
    fresh: Vec<Event>,
    /// What deadlines and budgets count from; none until a step has begun.
    origin: Option<u64>,
    /// When the step that is played began; none before the first one.
    began: Option<u64>,
    /// When the first expectation came to hold: from then on invariants hold.
    served: Option<u64>,
}

impl<'p> Judge<'p> {
    /// A run in which nothing has happened.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        Self { facts: Facts::new(plan), read: 0, fresh: Vec::new(), origin: None, began: None, served: None }
    }

    /// Takes what the log has more than at the last time. What has been taken is of no more use to this reader.
    pub fn read(&mut self, recorder: &Recorder) {
        let snapshot = recorder.snapshot();
        let from = std::mem::replace(&mut self.read, snapshot.end());
        snapshot.from(from).for_each(|event| self.take(event));
    }

    /// How many events of the log it has taken.
    #[must_use]
    pub fn position(&self) -> usize {
        self.read
    }

    /// Takes the next event.
    pub fn take(&mut self, event: Event) {
        self.facts.take(&event);
        match &event.saw {
            Seen::Query { .. } | Seen::Served { .. } => return,
            Seen::Step { number, .. } => {
                if let Some(before) = number.checked_sub(1) {
                    self.mends(before);
                }
                let start = self.facts.span().0;
                self.origin.get_or_insert(start);
                self.began = Some(event.at);
            }
            Seen::Injected { .. } | Seen::Healed { .. } => self.origin = Some(event.at),
            Seen::Over { number } => self.mends(*number),
            _ => {}
        }
        self.fresh.push(event);
    }

    /// A step is over. Where one mends and there was nothing to mend, all was well from its beginning on.
    fn mends(&mut self, number: usize) {
        let mends = self.facts.plan.steps.get(number).is_some_and(|step| matches!(step.action, Action::HealAll));
        if mends {
            self.origin = self.origin.max(self.began);
        }
    }

    /// What is known so far.
    #[must_use]
    pub fn facts(&mut self) -> &Facts<'p> {
        self.facts.catch_up();
        &self.facts
    }

    /// What was taken since the last time, without the queries.
    pub fn fresh(&mut self) -> Vec<Event> {
        std::mem::take(&mut self.fresh)
    }

    /// What deadlines and budgets count from: the last inject or heal, or the start; nanoseconds of the history's clock.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.origin.unwrap_or(self.facts.span().0)
    }

    /// When the step that is played began, or the run; nanoseconds of the history's clock.
    #[must_use]
    pub fn began(&self) -> u64 {
        self.began.unwrap_or_else(|| self.origin())
    }

    /// Whether an expectation has held so far.
    #[must_use]
    pub fn has_served(&self) -> bool {
        self.served.is_some()
    }

    /// What is to be said of an expectation now.
    #[must_use]
    pub fn finding(&mut self, expectation: &Expectation, now: u64) -> Finding {
        let origin = self.origin();
        judge(self.facts(), expectation, origin, now)
    }

    /// Concludes a step that expects: it also fails where an invariant was violated so far.
    pub fn judged(&mut self, finding: Finding, at: u64) -> Finding {
        if finding.verdict != Some(Verdict::Pass) {
            return finding;
        }
        self.served = self.served.or(finding.held_from).or(Some(at));
        match self.violations(at) {
            violated if violated.is_empty() => finding,
            violated => Finding { verdict: Some(Verdict::Fail), found: violated, first: None, ..finding },
        }
    }

    /// Concludes a step that asserts nothing: it fails where an invariant was violated so far.
    #[must_use]
    pub fn over(&mut self, played: Played, at: u64) -> Played {
        match self.violations(at) {
            violated if violated.is_empty() => played,
            violated => Played::violated(self.origin(), at, violated),
        }
    }

    /// When something was lost from sight: the step as Unknown.
    #[must_use]
    pub fn lost(&self) -> Option<Played> {
        let (at, why) = self.facts.hole()?;
        let finding = Finding { verdict: Some(Verdict::Unknown), found: vec![why.to_owned()], ..Finding::default() };
        Some(Played::Judged { origin: self.origin(), at, finding, watched: None })
    }

    /// What an invariant forbids. Where the history has a hole nothing is said: a node that is lost loses queries, too.
    fn violations(&mut self, at: u64) -> Vec<String> {
        let served = self.served.filter(|_| self.facts.hole().is_none());
        served.map(|served| violations(self.facts(), served, at)).unwrap_or_default()
    }
}
