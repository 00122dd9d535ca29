//! RUN: up, inject, expect, heal, down. This room owns the teardown: whatever happens, nothing is left behind.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{join, join_all};
use protocol::Action;
use tokio::time::timeout;

mod alive;
mod error;
mod guard;
mod inspect;
mod node;
mod reaper;
mod steps;
mod up;

pub use error::LabError;
pub(crate) use reaper::SUBCOMMAND as REAP;
pub use reaper::{Reaper, reap};
pub use steps::{Watcher, play};

use crate::check::{Judge, nanos};
use crate::clock::Distance;
use crate::engine::{Engine, EngineError, Owned};
use crate::fault::Fault;
use crate::history::{Event, Journal, Recorder, Seen};
use crate::observe::Effect;
use crate::observe::processors::Processors;
use crate::outcome::{Finding, Verdict};
use crate::owner::Labels;
use crate::plan::{Expectation, NodePlan, Plan};
use crate::spec::Span;
use crate::wait::{TICK, pause};
use alive::{Looker, watch_over};
use guard::Guard;
use node::LiveNode;

/// How long what the engine was asked for may take after an interrupt. It is not dropped at once: the engine makes it all the same,
/// after the teardown.
const INTERRUPTED: Duration = Duration::from_secs(10);

/// How long a processor may take to run one of the harness's threads, before a failure is Unknown.
const PROCESSORS: Duration = Duration::from_secs(10);

/// A lab that runs.
pub struct Lab<'p> {
    plan: &'p Plan,
    journal: Journal,
    nodes: BTreeMap<String, Arc<LiveNode>>,
    looker: Looker,
    /// What is broken, the latest last.
    broken: Vec<Fault>,
    /// When this began, in the nodes' time.
    began: u64,
    /// What is made of what happened. It is held for a look, and never while anything is waited for.
    judge: Mutex<Judge<'p>>,
    step: usize,
    /// None where they cannot be watched; then nothing is granted for them.
    processors: Option<Processors>,
    /// Held, not used: the rules on the host's side go with it.
    _guard: Option<Guard>,
}

/// What came of a lab that was taken down again.
#[must_use = "what could not be removed is still there"]
pub struct Ended<T> {
    /// What the body returned; or why the lab did not come up, or was interrupted.
    pub outcome: Result<T, LabError>,
    /// What could not be removed, and why. It costs no verdict.
    pub left: Vec<EngineError>,
}

/// Brings a lab up, hands it to `body`, and takes it down again: on success, error, panic, and when `interrupted` completes
/// (with the name of what interrupted), at whatever moment.
///
/// `images` names each node's image. A node that is lost at any time is a hole in the history, and nothing waits for it.
pub async fn run<'p, T>(
    plan: &'p Plan,
    engine: &dyn Engine,
    labels: &Labels,
    images: &BTreeMap<String, String>,
    journal: &Journal,
    interrupted: impl Future<Output = &'static str>,
    body: impl AsyncFnOnce(&mut Lab<'p>) -> T,
) -> Ended<T> {
    let began = journal.clock().own();
    let mut unsettled = false;
    let work = async {
        let mut interrupted = pin!(interrupted);
        let mut lab = {
            let mut start = pin!(Lab::start(plan, engine, labels, images, journal));
            tokio::select! {
                started = &mut start => started?,
                signal = &mut interrupted => {
                    unsettled = timeout(INTERRUPTED, start).await.is_err();
                    return Err(LabError::Interrupted(signal));
                }
            }
        };
        let nodes: Vec<Arc<LiveNode>> = lab.nodes.values().cloned().collect();
        let (looker, requests) = Looker::new();
        lab.looker = looker;
        let rest = async {
            lab.ready(began).await?;
            Ok(body(&mut lab).await)
        };
        tokio::select! {
            outcome = rest => outcome,
            never = watch_over(&nodes, engine, requests) => match never {},
            signal = interrupted => Err(LabError::Interrupted(signal)),
        }
    };
    let outcome = AssertUnwindSafe(work).catch_unwind().await;
    journal.close();
    // An engine that did not answer in time may still make what it was asked for.
    unsettled |= matches!(&outcome, Ok(Err(LabError::Engine(EngineError::Silent { .. }))));
    let left = match unsettled {
        true => reaper::down_for_good(engine, labels).await,
        false => down(engine, labels).await,
    };
    match outcome {
        Ok(outcome) => Ended { outcome, left },
        Err(panic) => resume_unwind(panic),
    }
}

/// Removes whatever a run has on the engine; what could not be removed. Whole labels are compared: another checkout's run may have
/// the same name.
async fn down(engine: &dyn Engine, labels: &Labels) -> Vec<EngineError> {
    match remove(engine, |owned| owned.labels == *labels).await {
        Ok(removed) => removed.left,
        Err(error) => vec![error],
    }
}

/// What was removed from an engine.
#[derive(Debug, Default)]
pub struct Removed {
    /// The names of what went.
    pub names: Vec<String>,
    /// Why the rest did not.
    pub left: Vec<EngineError>,
}

/// Whose things are meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// Those of owners that certainly have ended.
    Dead,
    /// Those of any run, alive or dead.
    Any,
}

impl Whose {
    fn owns(self, owned: &Owned) -> bool {
        self == Self::Any || owned.labels.owner.is_dead()
    }
}

/// Lists what owners have on the engine, and removes nothing.
///
/// # Errors
/// The engine cannot be asked.
pub async fn list(engine: &dyn Engine, whose: Whose) -> Result<Vec<Owned>, EngineError> {
    Ok(engine.owned().await?.into_iter().filter(|owned| whose.owns(owned)).collect())
}

/// Removes what owners have left on the engine. What cannot go does not keep the rest.
///
/// # Errors
/// The engine cannot be asked.
pub async fn sweep(engine: &dyn Engine, whose: Whose) -> Result<Removed, EngineError> {
    remove(engine, |owned| whose.owns(owned)).await
}

/// Containers side by side, then networks: a network that is in use cannot go.
async fn remove(engine: &dyn Engine, which: impl Fn(&Owned) -> bool) -> Result<Removed, EngineError> {
    let mut owned: Vec<Owned> = engine.owned().await?.into_iter().filter(|owned| which(owned)).collect();
    owned.sort_by_key(|owned| owned.what);
    let mut removed = Removed::default();
    for kind in owned.chunk_by(|a, b| a.what == b.what) {
        let done = join_all(kind.iter().map(|thing| engine.remove(thing))).await;
        for (thing, done) in kind.iter().zip(done) {
            match done {
                Ok(()) => removed.names.push(thing.name.clone()),
                Err(error) => removed.left.push(error),
            }
        }
    }
    Ok(removed)
}

impl<'p> Lab<'p> {
    async fn start(
        plan: &'p Plan,
        engine: &dyn Engine,
        labels: &Labels,
        images: &BTreeMap<String, String>,
        journal: &Journal,
    ) -> Result<Self, LabError> {
        // On a virtual clock the machine's own moments have no meaning.
        let processors = if journal.clock().is_virtual() { None } else { Processors::record(journal).ok() };
        let image = images.values().next().map(String::as_str);
        let (networks, guard) = join(up::networks(plan, engine, labels), Guard::start(engine, labels, image)).await;
        let networks = networks?;
        // Before any node can send.
        let guard = guard?.cover(&networks, journal).await?;
        let nodes = up::nodes(plan, engine, labels, images, &networks, journal).await?;
        Ok(Self {
            plan,
            journal: journal.clone(),
            nodes,
            looker: Looker::new().0,
            broken: Vec::new(),
            began: 0,
            judge: Mutex::new(Judge::new(plan)),
            step: 0,
            processors,
            _guard: guard,
        })
    }

    /// Waits until the lab is up. `began` is when that began, on the harness's own clock.
    async fn ready(&mut self, began: u64) -> Result<(), LabError> {
        let booted = up::ready(&self.nodes).await;
        // Where no node has ever said anything, nothing is known of its clock, and what is known must be recorded.
        self.journal.settle(Distance::UNKNOWN);
        booted?;
        let nodes: Vec<Arc<LiveNode>> = self.nodes.values().cloned().collect();
        alive::compare(&nodes, &self.journal).await.map_err(LabError::Clocks)?;
        // What is recorded first is the beginning of the run.
        let first = self.judged().facts().span().0;
        self.began = self.journal.clock().convert(began).min(first);
        let ask = |client: &'p NodePlan| self.tell(&client.name, Action::Ask);
        let asked = join_all(self.plan.clients().map(ask)).await.into_iter().collect::<Result<Vec<_>, _>>();
        // A lost node is a hole, by which the first step is judged.
        if let Err(error) = asked
            && self.judged().facts().hole().is_none()
        {
            return Err(error);
        }
        self.record(None, self.now(), Seen::Up);
        Ok(())
    }

    /// When this began, in the nodes' time.
    #[must_use]
    pub fn began(&self) -> u64 {
        self.began
    }

    /// The plan that it runs.
    #[must_use]
    pub fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// Its history so far.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        self.journal.recorder()
    }

    /// What deadlines and budgets count from: the last inject or heal, or the start; nanoseconds of the history's clock.
    #[must_use]
    pub fn origin(&self) -> u64 {
        self.judged().origin()
    }

    /// What was made of what happened, for those who report on it. The lab begins anew.
    #[must_use]
    pub fn done(&mut self) -> Judge<'p> {
        let new = Mutex::new(Judge::new(self.plan));
        std::mem::replace(&mut self.judge, new).into_inner().unwrap_or_else(PoisonError::into_inner)
    }

    /// What is made of what happened so far: all of it is known to the judge.
    pub(crate) fn judged(&self) -> MutexGuard<'_, Judge<'p>> {
        let mut judge = self.judge.lock().unwrap_or_else(PoisonError::into_inner);
        judge.read(self.recorder());
        judge
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
        let (number, words, what) = (self.step, fault.to_string(), Some(Box::new(fault.clone())));
        let saw = Seen::Injected { number, fault: words, what, detail };
        self.recorder().record(Event { at, since, node: None, saw });
        self.broken.push(fault);
        Ok(at)
    }

    /// Mends everything, the latest fault first.
    ///
    /// # Errors
    /// A node could not do its part.
    pub async fn heal_all(&mut self) -> Result<u64, LabError> {
        let mut mended = self.judged().began();
        while let Some(fault) = self.broken.pop() {
            let Effect { since, at, detail } = self.carry_out(&fault, self.plan.heal(&fault)).await?;
            let (number, words) = (self.step, fault.to_string());
            let saw = Seen::Healed { number, fault: words, what: Some(Box::new(fault)), detail };
            self.recorder().record(Event { at, since, node: None, saw });
            mended = at;
        }
        Ok(mended)
    }

    /// Waits until the expectation holds and has held for its stable time, or until that is certain not to happen.
    pub async fn expect(&self, expectation: &Expectation, watcher: &mut dyn Watcher) -> Finding {
        loop {
            let began = self.own();
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
        let until = self.own() + nanos(further.0);
        let patient = Expectation { deadline: Span::ms(3_600_000), ..expectation.clone() };
        while self.own() < until {
            let began = self.own();
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

    /// Watches for a while; a node that is lost ends that early.
    pub async fn hold(&self, span: Span, watcher: &mut dyn Watcher) {
        let until = self.own() + nanos(span.0);
        while self.own() < until && self.nodes.values().all(|node| node.status.closed().is_none()) {
            self.tick(watcher, self.own()).await;
        }
    }

    /// The product that a fault is about, for those who read of it.
    fn victim(&self, fault: &Fault) -> String {
        let role = fault.role();
        let product = role.and_then(|role| self.plan.node(&fault.on)?.runs.get(&role));
        product.map(|product| format!("{}, ", product.words())).unwrap_or_default()
    }

    fn judge(&self, expectation: &Expectation) -> Finding {
        let now = self.now();
        self.judged().finding(expectation, now)
    }

    /// The nodes' time.
    fn now(&self) -> u64 {
        self.journal.clock().now()
    }

    /// The harness's own time.
    fn own(&self) -> u64 {
        self.journal.clock().own()
    }

    /// Until the next look, of which this one began at `began` of the harness's own clock. Looking takes a tenth of a processor at
    /// most, which else the daemons would lack.
    async fn tick(&self, watcher: &mut dyn Watcher, began: u64) {
        let now = self.now();
        let fresh = self.judged().fresh();
        watcher.tick(&fresh, now);
        let took = Duration::from_nanos(self.own().saturating_sub(began));
        pause(TICK.max(took * 9)).await;
    }

    /// Returns when everything that the nodes have seen so far is in the history, and whether the engine still runs them as it was
    /// told. A node that does not answer has left a hole there, which is what counts.
    async fn mark(&self) {
        let marks = join_all(self.nodes.values().map(|node| node.mark()));
        let _answers = join(marks, self.looker.look()).await;
    }

    /// Returns when it is known whether the machine stood still before that moment of the harness's own clock.
    async fn looked(&self, own: u64) {
        if let Some(processors) = &self.processors
            && timeout(PROCESSORS, processors.looked_since(own)).await.is_err()
        {
            let reason = format!("a processor has not run the harness's thread for {} s", PROCESSORS.as_secs());
            self.journal.note(None, Seen::Hole { reason });
        }
    }

    /// When the last of the actions took effect, and what the node said of them.
    async fn carry_out(&self, fault: &Fault, actions: Result<Vec<Action>, String>) -> Result<Effect, LabError> {
        let impossible = |error| LabError::Action { node: fault.on.clone(), action: fault.to_string(), error };
        let mut last = Effect { since: None, at: self.now(), detail: String::new() };
        let mut details = Vec::new();
        for action in actions.map_err(impossible)? {
            last = self.act(&fault.on, action).await?;
            details.push(std::mem::take(&mut last.detail));
        }
        details.retain(|detail| !detail.is_empty());
        Ok(Effect { detail: details.join(", "), ..last })
    }

    fn record(&self, node: Option<String>, at: u64, saw: Seen) {
        self.recorder().record(Event { at, since: None, node: node.map(Into::into), saw });
    }
}

impl std::fmt::Debug for Lab<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ids: BTreeMap<&str, &str> = self.nodes.values().map(|node| (node.name(), node.id.as_str())).collect();
        f.debug_struct("Lab").field("plan", &self.plan.label()).field("nodes", &ids).finish_non_exhaustive()
    }
}
