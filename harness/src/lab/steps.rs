//! A scenario's steps, one after the other: each is one of the lab's methods.

use std::future::pending;

use super::Lab;
use super::error::LabError;
use crate::check::always::violations;
use crate::check::unknown;
use crate::diagnose::{Ended, ended_in_boot};
use crate::history::{Event, Seen, hole};
use crate::outcome::{Finding, Played, Verdict};
use crate::plan::{Action, Expectation, StepPlan};
use crate::spec::Span;
use crate::wait::{TICK, pause};

/// The longest that is watched on after a failure.
const WATCH_ON: Span = Span::ms(10_000);

/// Sees a lab run.
pub trait Watcher {
    /// The history has grown, or time has passed.
    fn tick(&mut self, events: &[Event], now: u64);

    /// A step has been played.
    fn played(&mut self, step: &StepPlan, played: &Played, events: &[Event]);
}

/// Plays a plan's steps until one of them does not pass; returns what was played.
///
/// # Errors
/// A node could not do what a step asks of it.
pub async fn play(lab: &mut Lab<'_>, watcher: &mut dyn Watcher) -> Result<Vec<Played>, LabError> {
    let mut all = Vec::new();
    for (number, step) in lab.plan.steps.iter().enumerate() {
        (lab.step, lab.step_began) = (number, lab.now());
        lab.record(None, lab.step_began, Seen::Step { number, name: step.name.clone() });
        let played = play_one(lab, step, watcher).await;
        // A node that is gone has left a hole: what can be said is Unknown, and why; not that the lab is broken, and not that
        // a step that asserts nothing passed. What was judged was judged with the hole in mind.
        let played = match (played, lab.unknown()) {
            (Ok(played @ Played::Judged { .. }), _) | (Ok(played), None) => played,
            (Ok(_) | Err(_), Some(unknown)) => unknown,
            (Err(error), None) => return Err(error),
        };
        let verdict = played.verdict();
        lab.recorder().with(|history| watcher.played(step, &played, history.events()));
        all.push(played);
        if verdict != Verdict::Pass {
            break;
        }
    }
    Ok(all)
}

async fn play_one(lab: &mut Lab<'_>, step: &StepPlan, watcher: &mut dyn Watcher) -> Result<Played, LabError> {
    match &step.action {
        Action::Expect(expectation) => {
            let mut finding = tokio::select! {
                biased;
                finding = lab.expect(expectation, watcher) => finding,
                ended = lab.ended_in_boot(expectation) => return Err(LabError::Daemon(ended)),
            };
            let (at, number) = (lab.now(), lab.step);
            if finding.verdict == Some(Verdict::Pass) {
                lab.served = lab.served.or(finding.held_from).or(Some(at));
                let violated = lab.violations(at);
                if !violated.is_empty() {
                    finding = Finding { verdict: Some(Verdict::Fail), found: violated, first: None, ..finding };
                }
            }
            let verdict = finding.verdict.unwrap_or(Verdict::Unknown).to_string();
            lab.record(None, at, Seen::Judged { number, verdict });
            // Budgets are spent for good: only what did not hold can still come to hold.
            let missed = finding.verdict == Some(Verdict::Fail) && !finding.found.is_empty() && finding.first.is_some();
            let watched =
                if missed { Some((WATCH_ON, lab.watch_on(expectation, WATCH_ON, watcher).await)) } else { None };
            Ok(Played::Judged { origin: lab.origin, at, finding, watched })
        }
        Action::Inject(inject) => Ok(Played::Injected { at: lab.inject(inject.clone()).await? }),
        Action::HealAll => {
            let at = lab.heal_all().await?;
            Ok(lab.over(Played::Healed { at }).await)
        }
        Action::Hold(span) => {
            lab.hold(*span, watcher).await;
            Ok(lab.over(Played::Held { at: lab.now() }).await)
        }
    }
}

impl Lab<'_> {
    /// Ends a step that asserts nothing; it fails when an invariant was violated meanwhile.
    async fn over(&self, played: Played) -> Played {
        // Also where nothing is asserted: a node that was lost meanwhile makes it Unknown.
        self.mark().await;
        let at = self.now();
        let violated = self.violations(at);
        self.record(None, at, Seen::Over { number: self.step });
        match played {
            _ if !violated.is_empty() => Played::violated(self.origin, at, violated),
            // As a replay of the record will find it.
            Played::Held { .. } => Played::Held { at },
            played => played,
        }
    }

    /// Waits for a daemon that ends before the lab has served; for ever after that.
    async fn ended_in_boot(&self, expectation: &Expectation) -> Ended {
        if self.served.is_some() {
            return pending().await;
        }
        loop {
            let now = self.now();
            let ended = self.recorder().with(|history| ended_in_boot(self.plan, history.events(), expectation, now));
            if let Some(ended) = ended {
                return ended;
            }
            pause(TICK * 5).await;
        }
    }

    /// What an invariant forbids. Where the history has a hole nothing is said: a node that is lost loses queries, too.
    fn violations(&self, at: u64) -> Vec<String> {
        let Some(served) = self.served else { return Vec::new() };
        self.recorder().with(|history| match hole(history.events()) {
            Some(_) => Vec::new(),
            None => violations(self.plan, history.events(), served, at),
        })
    }

    /// When the history has a hole: the step as Unknown.
    fn unknown(&self) -> Option<Played> {
        let (found, at) = self.recorder().with(|history| {
            let (event, _) = hole(history.events())?;
            Some((unknown(history.events())?, event.at))
        })?;
        let finding = Finding { verdict: Some(Verdict::Unknown), found: vec![found], ..Finding::default() };
        Some(Played::Judged { origin: self.origin, at, finding, watched: None })
    }
}
