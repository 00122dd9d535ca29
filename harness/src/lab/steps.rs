//! A scenario's steps, one after the other: each is one of the lab's methods.

use std::future::pending;

use super::Lab;
use super::error::LabError;
use crate::check::Facts;
use crate::diagnose::{Ended, ended_in_boot};
use crate::history::{Event, Seen};
use crate::outcome::{Played, Verdict};
use crate::plan::{Action, Expectation, StepPlan};
use crate::spec::Span;
use crate::wait::{TICK, pause};

/// The longest that is watched on after a failure.
const WATCH_ON: Span = Span::ms(10_000);

/// Sees a lab run.
pub trait Watcher {
    /// Time has passed; `fresh` is what happened since the last call, without the queries.
    fn tick(&mut self, fresh: &[Event], now: u64);

    /// A step has been played; `fresh` is what happened since the last call, without the queries, and `facts` what is known in all.
    fn played(&mut self, step: &StepPlan, played: &Played, fresh: &[Event], facts: &Facts<'_>);
}

/// Plays a plan's steps until one of them does not pass; returns what was played.
///
/// # Errors
/// A node could not do what a step asks of it.
pub async fn play(lab: &mut Lab<'_>, watcher: &mut dyn Watcher) -> Result<Vec<Played>, LabError> {
    let mut all = Vec::new();
    for (number, step) in lab.plan.steps.iter().enumerate() {
        lab.step = number;
        lab.record(None, lab.now(), Seen::Step { number, name: step.name.clone() });
        let played = play_one(lab, step, watcher).await;
        // A node that is gone has left a hole: what can be said is Unknown, and why; not that the lab is broken, and not that
        // a step that asserts nothing passed. What was judged was judged with the hole in mind.
        let played = match (played, lab.judged().lost()) {
            (Ok(played @ Played::Judged { .. }), _) | (Ok(played), None) => played,
            (Ok(_) | Err(_), Some(unknown)) => unknown,
            (Err(error), None) => return Err(error),
        };
        let verdict = played.verdict();
        {
            let mut judge = lab.judged();
            let fresh = judge.fresh();
            watcher.played(step, &played, &fresh, judge.facts());
        }
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
            let finding = tokio::select! {
                biased;
                finding = lab.expect(expectation, watcher) => finding,
                ended = lab.ended_in_boot(expectation) => return Err(LabError::Daemon(ended)),
            };
            let (at, number) = (lab.now(), lab.step);
            let finding = lab.judged().judged(finding, at);
            let verdict = finding.verdict.unwrap_or(Verdict::Unknown).to_string();
            lab.record(None, at, Seen::Judged { number, verdict });
            // Budgets are spent for good: only what did not hold can still come to hold. A mutant is to fail: nobody
            // wants to know when it would have passed.
            let missed = lab.plan.mutant.is_none()
                && finding.verdict == Some(Verdict::Fail)
                && !finding.found.is_empty()
                && finding.first.is_some();
            let watched =
                if missed { Some((WATCH_ON, lab.watch_on(expectation, WATCH_ON, watcher).await)) } else { None };
            Ok(Played::Judged { origin: lab.origin(), at, finding, watched })
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
        self.record(None, at, Seen::Over { number: self.step });
        // As a replay of the record will find it.
        let played = if let Played::Held { .. } = played { Played::Held { at } } else { played };
        self.judged().over(played, at)
    }

    /// Waits for a daemon that ends before the lab has served; for ever after that, and in a mutant, which is to fail at a step.
    async fn ended_in_boot(&self, expectation: &Expectation) -> Ended {
        if self.plan.mutant.is_some() || self.judged().has_served() {
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
}
