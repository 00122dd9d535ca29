//! FAKE ENGINE: no Docker, for fast tests of what is built on an engine.
//!
//! Images, networks and nodes are kept in memory. A node answers as the probe does: [`Observation::Ready`] to its setup,
//! [`Observation::Done`] to each command. A test scripts the rest: what else a command causes, what a node sees and when,
//! which verb fails. Clones are handles on the same engine.
//!
//! ```
//! use harness::engine::fake::{FakeEngine, Verb};
//!
//! let engine = FakeEngine::new().failing(Verb::Pull, "debian");
//! assert!(engine.asked().is_empty());
//! ```

mod node;
mod verbs;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use protocol::{Action, Observation, Setup};

use super::{Image, NodeSpec, Owned};
use crate::clock::Clock;
use node::Running;

/// An engine in memory.
#[derive(Clone)]
pub struct FakeEngine {
    state: Arc<Mutex<State>>,
    script: Script,
    clock: Clock,
    takes: Duration,
}

impl Default for FakeEngine {
    fn default() -> Self {
        Self { state: Arc::default(), script: Script::default(), clock: Clock::kernel(), takes: Duration::ZERO }
    }
}

type OnSetup = Arc<dyn Fn(&Setup) -> Vec<Observation> + Send + Sync>;
type Ignored = Arc<dyn Fn(&Action) -> bool + Send + Sync>;
type OnCommand = Arc<dyn Fn(&str, &Action) -> Vec<Observation> + Send + Sync>;

/// What nodes report by themselves.
#[derive(Clone, Default)]
struct Script {
    setup: Option<OnSetup>,
    takes: Duration,
    command: Option<OnCommand>,
    ignored: Option<Ignored>,
}

#[derive(Default)]
struct State {
    /// Identifiers given so far.
    given: u32,
    images: BTreeMap<String, Image>,
    clocks: BTreeMap<String, Clock>,
    networks: Vec<Owned>,
    nodes: Vec<Running>,
    failing: Vec<(Verb, String)>,
    asked: Vec<(Verb, String)>,
    /// Survives the nodes: (name, its setup and commands).
    heard: Vec<(String, Heard)>,
}

/// The verbs of an engine that can be asked to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they are the engine's verbs")]
pub enum Verb {
    Pull,
    Import,
    Build,
    RemoveImage,
    CreateNetwork,
    StartNode,
    Crash,
    Pause,
    Disconnect,
    State,
    Remove,
}

/// Whom the kernel kills when a node's memory is used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Killed {
    /// PID 1, and with it all of the node.
    Node,
    /// One of its daemons.
    Daemon,
}

/// What a node was told.
#[derive(Debug, Clone, PartialEq)]
pub enum Heard {
    /// Its first line.
    Setup(Box<Setup>),
    /// Each later one.
    Action(Action),
}

impl FakeEngine {
    /// An engine with nothing on it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With nodes that stamp by this clock, such as that of another machine.
    #[must_use]
    pub fn on_clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    /// With starts that take so long: that of a container, and then that of its probe.
    #[must_use]
    pub fn taking(mut self, takes: Duration) -> Self {
        self.takes = takes;
        self.script.takes = takes;
        self
    }

    /// With one node, by its hostname, that stamps by another clock.
    #[must_use]
    pub fn with_node_on(self, node: &str, clock: Clock) -> Self {
        self.lock().clocks.insert(node.to_owned(), clock);
        self
    }

    /// With nodes that do not answer such commands.
    #[must_use]
    pub fn never_answering(mut self, which: impl Fn(&Action) -> bool + Send + Sync + 'static) -> Self {
        self.script.ignored = Some(Arc::new(which));
        self
    }

    /// The nodes' clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    /// With this image present.
    #[must_use]
    pub fn with_image(self, tag: &str) -> Self {
        self.lock().add_image(tag, BTreeMap::new());
        self
    }

    /// What a node reports after `Ready`. With [`Observation::Unusable`] first, the node is not ready and ends.
    #[must_use]
    pub fn on_setup(mut self, script: impl Fn(&Setup) -> Vec<Observation> + Send + Sync + 'static) -> Self {
        self.script.setup = Some(Arc::new(script));
        self
    }

    /// What a node, by name, reports when it carries out a command, before `Done`. An [`Observation::Failed`] among them stands
    /// in for `Done`; its number is set to the command's.
    #[must_use]
    pub fn on_command(mut self, script: impl Fn(&str, &Action) -> Vec<Observation> + Send + Sync + 'static) -> Self {
        self.script.command = Some(Arc::new(script));
        self
    }

    /// The verb fails from now on for things whose name contains `name`; all do for an empty one.
    #[must_use]
    pub fn failing(self, verb: Verb, name: &str) -> Self {
        self.lock().failing.push((verb, name.to_owned()));
        self
    }

    /// The node, by its hostname, sees something now.
    ///
    /// # Panics
    /// When no such node runs.
    pub fn emit(&self, node: &str, saw: Observation) {
        self.emit_at(node, None, saw);
    }

    /// The node sees something at a moment of the test's choice: nanoseconds of CLOCK_MONOTONIC; now when `None`.
    ///
    /// # Panics
    /// When no such node runs.
    pub fn emit_at(&self, node: &str, at: Option<u64>, saw: Observation) {
        let sent = self.lock().running(node).is_some_and(|node| node.emit(at, saw));
        assert!(sent, "no node {node} runs on the fake engine");
    }

    /// The node's output ends, as when its container dies.
    ///
    /// # Panics
    /// When no such node runs.
    pub fn end(&self, node: &str) {
        let mut state = self.lock();
        let id = state.running(node).map(|node| node.owned.id.clone());
        let id = id.unwrap_or_else(|| panic!("no node {node} runs on the fake engine"));
        state.nodes.retain(|node| node.owned.id != id);
    }

    /// The node's memory is used up: the kernel kills its PID 1, or another process of it.
    ///
    /// # Panics
    /// When no such node runs.
    pub fn use_up_memory(&self, node: &str, what: Killed) {
        let mut state = self.lock();
        let place = state.nodes.iter().position(|running| running.hostname == node);
        let place = place.unwrap_or_else(|| panic!("no node {node} runs on the fake engine"));
        match what {
            Killed::Node => drop(state.nodes.remove(place)),
            Killed::Daemon => state.nodes.iter_mut().skip(place).take(1).for_each(|node| node.out_of_memory = true),
        }
    }

    /// Whether the node, by its hostname, runs, and what it does is seen.
    #[must_use]
    pub fn runs(&self, node: &str) -> bool {
        self.lock().running(node).is_some_and(|node| !*node.paused.borrow())
    }

    /// The verbs asked so far, each with the name of its thing.
    #[must_use]
    pub fn asked(&self) -> Vec<(Verb, String)> {
        self.lock().asked.clone()
    }

    /// What the node, by its hostname, was told so far.
    #[must_use]
    pub fn heard(&self, node: &str) -> Vec<Heard> {
        let state = self.lock();
        state.heard.iter().filter(|(name, _)| name == node).map(|(_, heard)| heard.clone()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn next(&mut self) -> u32 {
        self.given += 1;
        self.given
    }

    fn add_image(&mut self, tag: &str, labels: BTreeMap<String, String>) {
        let id = format!("sha256:{:064x}", self.next());
        self.images.insert(tag.to_owned(), Image { tag: tag.to_owned(), id, size: 0, labels });
    }

    fn running(&self, hostname: &str) -> Option<&Running> {
        self.nodes.iter().find(|node| node.hostname == hostname)
    }

    fn by_id(&mut self, id: &str) -> Option<&mut Running> {
        self.nodes.iter_mut().find(|node| node.owned.id == id)
    }

    /// Notes what is asked; whether it is to fail.
    fn ask(&mut self, verb: Verb, name: &str) -> bool {
        self.asked.push((verb, name.to_owned()));
        self.failing.iter().any(|(failing, part)| *failing == verb && name.contains(part))
    }

    fn start(
        &mut self,
        node: &NodeSpec,
        script: Script,
        clock: Clock,
        engine: std::sync::Weak<Mutex<Self>>,
    ) -> super::Node {
        let id = format!("{:064x}", self.next());
        let clock = self.clocks.get(&node.hostname).cloned().unwrap_or(clock);
        let (running, started) = node::start(id, node, script, clock, engine);
        self.nodes.push(running);
        started
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use futures::StreamExt;
    use protocol::{Command, Exit, Report, Signal};
    use tokio::io::AsyncWriteExt;

    use super::super::{Chunk, Engine, Limits, Node, Place};
    use super::*;
    use crate::owner::Labels;

    async fn start(engine: &FakeEngine) -> Node {
        let spec = NodeSpec {
            name: "run-london".to_owned(),
            hostname: "london".to_owned(),
            image: "probe".to_owned(),
            argv: vec!["/usr/local/bin/anycast-lab-probe".to_owned()],
            place: Place::Networks(vec![]),
            sysctls: BTreeMap::new(),
            labels: Labels::of_this_process("run"),
            limits: Limits::default(),
        };
        engine.start_node(&spec).await.unwrap()
    }

    async fn tell(node: &mut Node, what: &impl serde::Serialize) {
        let line = format!("{}\n", serde_json::to_string(what).unwrap());
        node.input.write_all(line.as_bytes()).await.unwrap();
    }

    async fn hear(node: &mut Node) -> Report {
        match node.output.next().await.unwrap().unwrap() {
            Chunk::Stdout(line) => serde_json::from_slice(&line).unwrap(),
            Chunk::Stderr(line) => panic!("{line:?}"),
        }
    }

    fn setup() -> Setup {
        serde_json::from_str(
            r#"{"node":"london","links":[],"loopback":[],"routes":[],"files":[],"daemons":[],"ribs":[],"trains":[]}"#,
        )
        .unwrap()
    }

    #[tokio::test]
    async fn a_script_plays() {
        let exited = || Observation::Exited { daemon: "named".to_owned(), pid: 7, exit: Exit::Signal(9) };
        let engine = FakeEngine::new().with_image("probe").on_command(move |node, action| match action {
            Action::Signal { daemon, .. } if daemon == "named" && node == "london" => vec![exited()],
            Action::Ask => vec![Observation::Failed { id: 0, error: "no trains".to_owned() }],
            _ => vec![],
        });
        let mut node = start(&engine).await;
        tell(&mut node, &setup()).await;
        assert_eq!(hear(&mut node).await.saw, Observation::Ready);

        let kill = Action::Signal { daemon: "named".to_owned(), signal: Signal::SigKill };
        tell(&mut node, &Command { id: 5, action: kill.clone() }).await;
        assert_eq!(hear(&mut node).await.saw, exited());
        assert_eq!(hear(&mut node).await.saw, Observation::Done { id: 5, detail: String::new() });
        tell(&mut node, &Command { id: 6, action: Action::Ask }).await;
        assert_eq!(hear(&mut node).await.saw, Observation::Failed { id: 6, error: "no trains".to_owned() });

        engine.emit_at("london", Some(42), Observation::Ready);
        let report = hear(&mut node).await;
        assert_eq!((report.seq, report.at), (4, 42));
        let heard = [Heard::Setup(Box::new(setup())), Heard::Action(kill), Heard::Action(Action::Ask)];
        assert_eq!(engine.heard("london"), heard);

        engine.end("london");
        assert!(node.output.next().await.is_none());
    }

    #[tokio::test]
    async fn a_node_that_cannot_be_set_up_says_so_and_ends() {
        let unusable = || Observation::Unusable { error: "no eth0".to_owned() };
        let engine = FakeEngine::new().with_image("probe").on_setup(move |_| vec![unusable()]);
        let mut node = start(&engine).await;
        tell(&mut node, &setup()).await;
        assert_eq!(hear(&mut node).await.saw, unusable());
        assert!(node.output.next().await.is_none());
    }
}
