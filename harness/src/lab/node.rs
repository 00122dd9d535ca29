//! A node that runs: what it is told, and what it answers.

use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use protocol::{Action, Command, Setup};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::{Mutex, oneshot, watch};

use super::error::LabError;
use crate::observe::{Effect, Phase, Waiting};

/// A running node.
pub(super) struct LiveNode {
    pub(super) name: String,
    pub(super) id: String,
    input: Mutex<Box<dyn AsyncWrite + Send + Unpin>>,
    waiting: Waiting,
    pub(super) phase: watch::Receiver<Phase>,
    next: AtomicU64,
}

impl LiveNode {
    pub(super) fn new(
        name: String,
        id: String,
        input: Box<dyn AsyncWrite + Send + Unpin>,
        waiting: Waiting,
        phase: watch::Receiver<Phase>,
    ) -> Self {
        Self { name, id, input: Mutex::new(input), waiting, phase, next: AtomicU64::new(0) }
    }

    /// Tells the probe what the node is.
    pub(super) async fn set_up(&self, setup: &Setup) -> Result<(), LabError> {
        let line = serde_json::to_string(setup).map_err(|error| self.failed("be set up", &error.to_string()))?;
        self.say(line).await.map_err(|error| self.failed("be set up", &error.to_string()))
    }

    /// Has an action carried out.
    pub(super) async fn act(&self, action: Action) -> Result<Effect, LabError> {
        let words = describe(&action);
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let line = serde_json::to_string(&Command { id, action }).map_err(|e| self.failed(&words, &e.to_string()))?;
        let (sender, receiver) = oneshot::channel();
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, sender);
        self.say(line).await.map_err(|error| self.failed(&words, &error.to_string()))?;
        match receiver.await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => Err(self.failed(&words, &error)),
            Err(_) => Err(self.failed(&words, &self.last_words())),
        }
    }

    /// Waits until the node is ready.
    pub(super) async fn ready(&self) -> Result<(), LabError> {
        let mut phase = self.phase.clone();
        let reached = phase.wait_for(|phase| *phase != Phase::Booting).await.map(|phase| phase.clone());
        match reached {
            Ok(Phase::Ready) => Ok(()),
            _ => Err(LabError::Node { node: self.name.clone(), why: self.last_words() }),
        }
    }

    async fn say(&self, mut line: String) -> std::io::Result<()> {
        line.push('\n');
        let mut input = self.input.lock().await;
        input.write_all(line.as_bytes()).await?;
        input.flush().await
    }

    fn last_words(&self) -> String {
        match &*self.phase.borrow() {
            Phase::Gone(why) => why.clone(),
            Phase::Booting | Phase::Ready => "its probe does not answer".to_owned(),
        }
    }

    fn failed(&self, action: &str, error: &str) -> LabError {
        LabError::Action { node: self.name.clone(), action: action.to_owned(), error: error.to_owned() }
    }
}

fn describe(action: &Action) -> String {
    match action {
        Action::Signal { daemon, signal } => format!("send {signal} to its {daemon}"),
        Action::Start { daemon } | Action::Revive { daemon } => format!("start its {daemon}"),
        Action::Inspect => "show its state".to_owned(),
        Action::FlushRoutes => "remove the routes of its dead daemons".to_owned(),
        Action::Stop { daemon } => format!("stop its {daemon}"),
        Action::Restart { daemon } => format!("restart its {daemon}"),
        Action::Write(file) => format!("write {}", file.path),
        Action::Ask => "start asking".to_owned(),
        Action::Exec { argv, .. } => format!("run {}", argv.join(" ")),
        Action::Mark => "say how far it is".to_owned(),
        Action::SignalAll { signal } => format!("send {signal} to all its processes"),
        Action::StartAll => "start all its daemons".to_owned(),
        Action::Silence { network } => format!("fall silent{}", on(network.as_deref())),
        Action::Speak { network } => format!("be heard again{}", on(network.as_deref())),
    }
}

fn on(network: Option<&str>) -> String {
    network.map(|network| format!(" on {network}")).unwrap_or_default()
}
