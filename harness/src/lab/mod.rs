//! RUN: up, inject, expect, heal, down. This room owns the teardown: whatever happens, nothing is left behind.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::time::Duration;

use futures::FutureExt;
use futures::future::join_all;
use protocol::Action;

mod error;
mod inspect;
mod node;
mod reaper;
mod steps;
mod up;

pub use error::LabError;
pub(crate) use reaper::SUBCOMMAND as REAP;
pub use reaper::{Reaper, reap};
pub use steps::{Watcher, play};

use crate::check::{judge, nanos};
use crate::engine::{Engine, Owned};
use crate::fault::Fault;
use crate::history::{Event, Recorder, Seen, now};
use crate::observe::Effect;
use crate::observe::processors::Processors;
use crate::outcome::{Finding, Verdict};
use crate::owner::Labels;
use crate::plan::{Expectation, NodePlan, Plan};
use crate::spec::Span;
use crate::wait::{TICK, pause};
use node::LiveNode;

/// A lab that runs.
pub struct Lab<'p> {
    plan: &'p Plan,
    recorder: Recorder,
    nodes: BTreeMap<String, LiveNode>,
    /// What is broken, the latest last.
    broken: Vec<Fault>,
    /// What deadlines and budgets count from.
    origin: u64,
    /// When the first expectation came to hold: from then on invariants hold.
    served: Option<u64>,
    step: usize,
    step_began: u64,
    /// None where they cannot be watched; then nothing is granted for them.
    processors: Option<Processors>,
}

/// Brings a lab up, hands it to `body`, and takes it down again: on success, error, panic, and when `interrupted` completes
/// (with the name of what interrupted).
///
/// `images` names each node's image.
///
/// # Errors
/// The lab did not come up, or was interrupted. What `body` found is its own result.
pub async fn run<'p, T>(
    plan: &'p Plan,
    engine: &dyn Engine,
    labels: &Labels,
    images: &BTreeMap<String, String>,
    recorder: &Recorder,
    interrupted: impl Future<Output = &'static str>,
    body: impl AsyncFnOnce(&mut Lab<'p>) -> T,
) -> Result<T, LabError> {
    let work = async {
        // Not to be interrupted: a container that the engine is still making would escape the teardown.
        let mut lab = Lab::start(plan, engine, labels, images, recorder).await?;
        let rest = async {
            lab.ready().await?;
            Ok(body(&mut lab).await)
        };
        tokio::select! {
            outcome = rest => outcome,
            signal = interrupted => Err(LabError::Interrupted(signal)),
        }
    };
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    recorder.close(now());
    let down = down(engine, &labels.run).await;
    match outcome {
        Ok(Ok(result)) => down.map(|()| result),
        Ok(Err(error)) => Err(error),
        Err(panic) => resume_unwind(panic),
    }
}

/// Removes whatever a run has on the engine.
async fn down(engine: &dyn Engine, run: &str) -> Result<(), LabError> {
    let mine = |owned: &Owned| owned.labels.run == run;
    remove(engine, mine).await.map(drop)
}

/// Removes what dead owners have left on the engine; the names of what was removed.
///
/// # Errors
/// The engine cannot be asked, or something cannot be removed.
pub async fn sweep(engine: &dyn Engine) -> Result<Vec<String>, LabError> {
    remove(engine, |owned| owned.labels.owner.is_dead()).await
}

/// Removes what any run has on the engine, alive or dead; the names of what was removed.
///
/// # Errors
/// The engine cannot be asked, or something cannot be removed.
pub async fn remove_all(engine: &dyn Engine) -> Result<Vec<String>, LabError> {
    remove(engine, |_| true).await
}

/// Containers side by side, then networks: a network that is in use cannot go.
async fn remove(engine: &dyn Engine, which: impl Fn(&Owned) -> bool) -> Result<Vec<String>, LabError> {
    let mut owned: Vec<Owned> = engine.owned().await?.into_iter().filter(|owned| which(owned)).collect();
    owned.sort_by_key(|owned| owned.what);
    let mut failed = None;
    for kind in owned.chunk_by(|a, b| a.what == b.what) {
        // One that stays must not keep the others.
        let removed = join_all(kind.iter().map(|thing| engine.remove(thing))).await;
        failed = failed.or(removed.into_iter().find_map(Result::err));
    }
    if let Some(error) = failed {
        return Err(error.into());
    }
    Ok(owned.into_iter().map(|owned| owned.name).collect())
}

impl<'p> Lab<'p> {
    async fn start(
        plan: &'p Plan,
        engine: &dyn Engine,
        labels: &Labels,
        images: &BTreeMap<String, String>,
        recorder: &Recorder,
    ) -> Result<Self, LabError> {
        // What is recorded first is the beginning of the run.
        let origin = recorder.with(|history| history.events().first().map_or_else(now, |event| event.at));
        let processors = Processors::record(recorder).ok();
        let networks = up::networks(plan, engine, labels).await?;
        let nodes = up::nodes(plan, engine, labels, images, &networks, recorder).await?;
        Ok(Self {
            plan,
            recorder: recorder.clone(),
            nodes,
            broken: Vec::new(),
            origin,
            served: None,
            step: 0,
            step_began: origin,
            processors,
        })
    }

    async fn ready(&self) -> Result<(), LabError> {
        up::ready(&self.nodes).await?;
        let ask = |client: &'p NodePlan| self.tell(&client.name, Action::Ask);
        join_all(self.plan.clients().map(ask)).await.into_iter().collect::<Result<Vec<_>, _>>()?;
        self.record(None, now(), Seen::Up);
        Ok(())
    }

    /// The plan that it runs.
    #[must_use]
    pub fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// Its history so far.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// What deadlines and budgets count from: the last inject or heal, or the start; nanoseconds of the history's clock.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.origin
    }

    /// Has a node carry an action out: when it took effect, and what the node said of it.
    ///
    /// # Errors
    /// There is no such node, or it could not.
    pub async fn tell(&self, node: &str, action: Action) -> Result<(u64, String), LabError> {
        self.act(node, action).await.map(|effect| (effect.at, effect.detail))
    }

    async fn act(&self, node: &str, action: Action) -> Result<Effect, LabError> {
        let unknown = || LabError::Node { node: node.to_owned(), why: "there is no such node".to_owned() };
        self.nodes.get(node).ok_or_else(unknown)?.act(action).await
    }

    /// Breaks something, until it is healed.
    ///
    /// # Errors
    /// A node could not do its part.
    pub async fn inject(&mut self, fault: Fault) -> Result<u64, LabError> {
        let Effect { since, at, detail } = self.carry_out(&fault, self.plan.apply(&fault)).await?;
        let detail = format!("{}{detail}", self.victim(&fault));
        let (number, words) = (self.step, fault.to_string());
        self.recorder.record(Event { at, since, node: None, saw: Seen::Injected { number, fault: words, detail } });
        self.broken.push(fault);
        self.origin = at;
        Ok(at)
    }

    /// Mends everything, the latest fault first.
    ///
    /// # Errors
    /// A node could not do its part.
    pub async fn heal_all(&mut self) -> Result<u64, LabError> {
        self.origin = self.step_began;
        while let Some(fault) = self.broken.pop() {
            let Effect { since, at, detail } = self.carry_out(&fault, self.plan.heal(&fault)).await?;
            let (number, fault) = (self.step, fault.to_string());
            self.recorder.record(Event { at, since, node: None, saw: Seen::Healed { number, fault, detail } });
            self.origin = at;
        }
        Ok(self.origin)
    }

    /// Waits until the expectation holds and has held for its stable time, or until that is certain not to happen.
    pub async fn expect(&self, expectation: &Expectation, watcher: &mut dyn Watcher) -> Finding {
        loop {
            let began = now();
            let finding = self.judge(expectation);
            let Some(verdict) = finding.verdict else {
                self.tick(watcher, began).await;
                continue;
            };
            // What was seen before this moment may still be on its way here; afterwards all of it has arrived.
            match verdict {
                Verdict::Pass => self.mark().await,
                Verdict::Fail => {
                    self.mark().await;
                    self.looked(began).await;
                }
                Verdict::Unknown => return finding,
            }
            let finding = self.judge(expectation);
            if finding.verdict == Some(verdict) {
                return finding;
            }
        }
    }

    /// After a failure: watches on, and tells when it would have passed, if it does.
    pub async fn watch_on(&self, expectation: &Expectation, further: Span, watcher: &mut dyn Watcher) -> Option<u64> {
        let until = now() + nanos(further.0);
        let patient = Expectation { deadline: Span::ms(3_600_000), ..expectation.clone() };
        while now() < until {
            let began = now();
            let finding = self.judge(&patient);
            if finding.verdict == Some(Verdict::Unknown) {
                return None;
            }
            if finding.verdict.is_some() {
                return finding.held_from;
            }
            self.tick(watcher, began).await;
        }
        None
    }

    /// Watches for a while.
    pub async fn hold(&self, span: Span, watcher: &mut dyn Watcher) {
        let until = now() + nanos(span.0);
        while now() < until {
            self.tick(watcher, now()).await;
        }
    }

    /// The product that a fault is about, for those who read of it.
    fn victim(&self, fault: &Fault) -> String {
        let role = fault.role();
        let product = role.and_then(|role| self.plan.node(&fault.on)?.runs.get(&role));
        product.map(|product| format!("{}, ", product.words())).unwrap_or_default()
    }

    fn judge(&self, expectation: &Expectation) -> Finding {
        self.recorder.with(|history| judge(self.plan, history.events(), expectation, self.origin, now()))
    }

    /// Until the next look, of which this one began at `began`. Each looks through the whole history, of labs side by side too:
    /// looking takes a tenth of a processor at most, which else their daemons would lack.
    async fn tick(&self, watcher: &mut dyn Watcher, began: u64) {
        self.recorder.with(|history| watcher.tick(history.events(), now()));
        // What cannot be written is told at the end of the run.
        let _told = self.recorder.flush();
        let took = Duration::from_nanos(now().saturating_sub(began));
        pause(TICK.max(took * 9)).await;
    }

    /// Returns when everything that the nodes have seen so far is in the history. A node that does not answer has left a hole
    /// there, which is what counts.
    async fn mark(&self) {
        let _answers = join_all(self.nodes.values().map(|node| node.act(Action::Mark))).await;
    }

    /// Returns when it is known whether the machine stood still before that.
    async fn looked(&self, at: u64) {
        if let Some(processors) = &self.processors {
            processors.looked_since(at).await;
        }
    }

    /// When the last of the actions took effect, and what the node said of them.
    async fn carry_out(&self, fault: &Fault, actions: Result<Vec<Action>, String>) -> Result<Effect, LabError> {
        let impossible = |error| LabError::Action { node: fault.on.clone(), action: fault.to_string(), error };
        let mut last = Effect { since: None, at: now(), detail: String::new() };
        let mut details = Vec::new();
        for action in actions.map_err(impossible)? {
            last = self.act(&fault.on, action).await?;
            details.push(std::mem::take(&mut last.detail));
        }
        details.retain(|detail| !detail.is_empty());
        Ok(Effect { detail: details.join(", "), ..last })
    }

    fn record(&self, node: Option<String>, at: u64, saw: Seen) {
        self.recorder.record(Event { at, since: None, node, saw });
    }
}

impl std::fmt::Debug for Lab<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: BTreeMap<&str, &str> =
            self.nodes.values().map(|node| (node.name.as_str(), node.id.as_str())).collect();
        f.debug_struct("Lab").field("plan", &self.plan.label()).field("nodes", &ids).finish_non_exhaustive()
    }
}
