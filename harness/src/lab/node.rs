//! A node that runs: what it is told, what it answers, and whether it still does.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use protocol::{Action, Command, Setup};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio::time::timeout;

use super::error::LabError;
use crate::clock::Distance;
use crate::observe::{Effect, Phase, Status};

/// How long a node may take to say how far it is. One that takes longer is lost: it is paused, or its probe hangs.
pub(super) const ANSWER: Duration = Duration::from_secs(5);

/// How long a mark may take: the probe waits up to 9 s for its observers, and then says which of them is late.
const SETTLED: Duration = Duration::from_secs(10);

/// How long other actions may take, which wait for nothing.
const AT_ONCE: Duration = Duration::from_secs(30);

/// How long an action that waits for a daemon's end may take; the probe itself gives up earlier.
const DAEMON_ENDS: Duration = Duration::from_secs(60);

/// What is granted on top of an action's own timeout.
const SLACK: Duration = Duration::from_secs(10);

/// After a deadline: what has come meanwhile is read. A harness that was stopped itself (Ctrl-Z) finds its deadlines over and the
/// answers unread.
const UNREAD: Duration = Duration::from_secs(1);

/// A running node.
pub(super) struct LiveNode {
    pub(super) id: String,
    /// Identifiers of the networks that it is on.
    pub(super) networks: Vec<String>,
    pub(super) status: Status,
    lines: mpsc::UnboundedSender<String>,
    writer: AbortHandle,
    next: AtomicU64,
}

impl LiveNode {
    pub(super) fn new(
        id: String,
        networks: Vec<String>,
        input: Box<dyn AsyncWrite + Send + Unpin>,
        status: Status,
    ) -> Self {
        let (lines, told) = mpsc::unbounded_channel();
        // A line is written whole or not at all, whoever stops waiting for its answer.
        let writer = tokio::spawn(write(input, told)).abort_handle();
        Self { id, networks, status, lines, writer, next: AtomicU64::new(0) }
    }

    pub(super) fn name(&self) -> &str {
        self.status.node()
    }

    /// Tells the probe what the node is.
    pub(super) fn set_up(&self, setup: &Setup) -> Result<(), LabError> {
        let line = serde_json::to_string(setup).map_err(|error| self.failed("be set up", &error.to_string()))?;
        self.say(line);
        Ok(())
    }

    /// Has an action carried out: when it took effect, and what the node said of it. An action that is not answered by its deadline
    /// is a hole: nobody knows what came of it.
    pub(super) async fn act(&self, action: Action) -> Result<Effect, LabError> {
        let (words, within) = (describe(&action), deadline(&action));
        self.told(action, within).await.map_err(|error| match error {
            Unanswered::Failed(said) => self.failed(&words, &said),
            Unanswered::Late => {
                let late = format!("it did not {words} within {} s", within.as_secs());
                self.status.hole(&late);
                self.failed(&words, &late)
            }
        })
    }

    /// Has the node answer at once; returns how far its clock is from the harness's. A node that does not answer is lost.
    pub(super) async fn ping(&self) -> Option<Distance> {
        let clock = self.status.journal().clock();
        let asked = clock.own();
        let at = self.answered(Action::Ping, ANSWER).await?;
        Some(Distance::between(asked, at, clock.own()))
    }

    /// Has the node say that all it has seen so far is told. A node that does not answer is lost.
    pub(super) async fn mark(&self) {
        self.answered(Action::Mark, SETTLED).await;
    }

    async fn answered(&self, action: Action, within: Duration) -> Option<u64> {
        match self.told(action, within).await {
            Ok(effect) => Some(effect.at),
            Err(Unanswered::Failed(_)) => None,
            Err(Unanswered::Late) => {
                self.status.lost(&format!("its probe has not answered for {} s", within.as_secs()));
                None
            }
        }
    }

    /// Waits until the node is ready, or lost. One that is lost has left a hole.
    pub(super) async fn ready(&self) -> Result<(), LabError> {
        match self.status.booted().await {
            Phase::Unusable(why) => Err(LabError::Node { node: self.name().to_owned(), why }),
            Phase::Booting | Phase::Ready | Phase::Gone(_) => Ok(()),
        }
    }

    async fn told(&self, action: Action, within: Duration) -> Result<Effect, Unanswered> {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        let line = serde_json::to_string(&Command { id, action }).map_err(|e| Unanswered::Failed(e.to_string()))?;
        let mut answer = self.status.expect(id).map_err(Unanswered::Failed)?;
        self.say(line);
        let come = match timeout(within, &mut answer).await {
            Ok(come) => come,
            Err(_) => match timeout(UNREAD, &mut answer).await {
                Ok(come) => come,
                Err(_) => {
                    self.status.forget(id);
                    return Err(Unanswered::Late);
                }
            },
        };
        match come {
            Ok(answer) => answer.map_err(Unanswered::Failed),
            Err(_) => Err(Unanswered::Failed(self.status.closed().unwrap_or_else(|| "its probe has ended".to_owned()))),
        }
    }

    fn say(&self, line: String) {
        // A writer that has ended could not write: the node has ended, too, which its output tells.
        let _ended = self.lines.send(line);
    }

    fn failed(&self, action: &str, error: &str) -> LabError {
        LabError::Action { node: self.name().to_owned(), action: action.to_owned(), error: error.to_owned() }
    }
}

impl Drop for LiveNode {
    /// Lets go of the node's stdin, also where a write to it waits: its probe ends.
    fn drop(&mut self) {
        self.writer.abort();
    }
}

/// Why there is no answer.
enum Unanswered {
    /// The node said that it could not, or is gone.
    Failed(String),
    /// The deadline is over.
    Late,
}

async fn write(mut input: Box<dyn AsyncWrite + Send + Unpin>, mut told: mpsc::UnboundedReceiver<String>) {
    while let Some(mut line) = told.recv().await {
        line.push('\n');
        if input.write_all(line.as_bytes()).await.is_err() || input.flush().await.is_err() {
            return;
        }
    }
}

/// How long the node may take.
fn deadline(action: &Action) -> Duration {
    match action {
        Action::Ping => ANSWER,
        Action::Mark => SETTLED,
        Action::Stop { .. } | Action::Restart { .. } => DAEMON_ENDS,
        Action::Exec { timeout_ms, .. } => Duration::from_millis(*timeout_ms) + SLACK,
        _ => AT_ONCE,
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
        Action::Ping => "say that it lives".to_owned(),
        Action::SignalAll { signal } => format!("send {signal} to all its processes"),
        Action::StartAll => "start all its daemons".to_owned(),
        Action::Silence { network } => format!("fall silent{}", on(network.as_deref())),
        Action::Speak { network } => format!("be heard again{}", on(network.as_deref())),
    }
}

fn on(network: Option<&str>) -> String {
    network.map(|network| format!(" on {network}")).unwrap_or_default()
}
