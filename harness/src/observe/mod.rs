//! WATCH: what a node's probe reports, into the history.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::StreamExt;
use futures::stream::BoxStream;
use protocol::{Observation, Report};
use tokio::sync::{oneshot, watch};

use crate::engine::{Chunk, EngineError};
use crate::history::{Event, Recorder, Seen};
use crate::kind::{self, Kind};
use crate::plan::{Files, NodePlan};

mod bgp;
mod lines;
pub mod processors;

use lines::Lines;

/// What came of a command; or why it failed.
pub type Answer = Result<Effect, String>;

/// What an action did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// When it took effect, at the earliest; none when `at` is exact.
    pub since: Option<u64>,
    /// When it took effect, at the latest.
    pub at: u64,
    /// What the node said of it.
    pub detail: String,
}

/// How far a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Its probe is setting it up.
    Booting,
    /// It runs.
    Ready,
    /// It has ended, or cannot be used; why.
    Gone(String),
}

/// One node's stream of reports.
pub struct Observer {
    node: String,
    ribs: Vec<(String, &'static dyn Kind)>,
    /// Daemons quote their configuration when they do not understand it.
    files: Files,
    recorder: Recorder,
    waiting: Waiting,
    phase: watch::Sender<Phase>,
    next: u64,
}

/// Commands that have not been answered yet, by number.
pub type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Answer>>>>;

impl Observer {
    /// An observer of this node.
    #[must_use]
    pub fn new(plan: &NodePlan, recorder: Recorder, waiting: Waiting, phase: watch::Sender<Phase>) -> Self {
        let rib = |(role, product): (&crate::spec::Role, &crate::spec::Product)| {
            Some((role.to_string(), kind::named(&product.kind)?))
        };
        let ribs = plan.runs.iter().filter_map(rib).collect();
        let files = plan.files.clone();
        Self { node: plan.name.clone(), ribs, files, recorder, waiting, phase, next: 0 }
    }

    /// Takes the stream in, to its end. What the probe says on stderr is a complaint, and goes into the history as such.
    pub async fn observe(mut self, mut output: BoxStream<'static, Result<Chunk, EngineError>>) {
        let (mut reports, mut complaints) = (Lines::default(), Lines::default());
        let mut last_words = String::new();
        let ended = loop {
            match output.next().await {
                Some(Ok(Chunk::Stdout(octets))) => reports.push(&octets).into_iter().for_each(|line| self.line(&line)),
                Some(Ok(Chunk::Stderr(octets))) => {
                    for line in complaints.push(&octets) {
                        let line = self.files.redact(&line);
                        let (daemon, stream) = ("probe".to_owned(), protocol::Stream::Stderr);
                        last_words.clone_from(&line);
                        self.record(crate::history::now(), Seen::Line { daemon, stream, text: line });
                    }
                }
                Some(Err(error)) => break format!("its stream broke: {error}"),
                None if last_words.is_empty() => break "its probe has ended".to_owned(),
                None => break format!("its probe has ended, saying: {last_words}"),
            }
        };
        self.gone(&ended);
    }

    fn line(&mut self, line: &str) {
        let report: Report = match serde_json::from_str(line) {
            Ok(report) => report,
            Err(error) => {
                return self.hole(crate::history::now(), format!("a report is not readable: {error}: {line}"));
            }
        };
        if report.seq != self.next {
            let reason = format!("reports are missing: expected number {}, found {}", self.next, report.seq);
            self.hole(report.at, reason);
        }
        self.next = report.seq + 1;
        self.report(report.at, report.since, report.saw);
    }

    fn report(&mut self, at: u64, since: Option<u64>, saw: Observation) {
        let seen = match saw {
            Observation::Ready => {
                self.record(at, Seen::Ready);
                self.phase.send_replace(Phase::Ready);
                return;
            }
            Observation::Done { id, detail } => {
                return self.answer(id, Ok(Effect { since, at, detail: self.files.redact(&detail) }));
            }
            Observation::Failed { id, error } => return self.answer(id, Err(self.files.redact(&error))),
            Observation::Unusable { error } => return self.gone(&error),
            Observation::Overflow { observer, lost } => {
                return self.hole(at, format!("the kernel's queue of the {observer} observer ran over ({lost} lost)"));
            }
            Observation::Broken { observer, error } => {
                return self.hole(at, format!("the {observer} observer ended: {error}"));
            }
            Observation::Rib { daemon, text } => match self.rib(&daemon, &text) {
                Ok(routes) => Seen::Rib { daemon, routes },
                Err(error) => return self.hole(at, format!("the {daemon}'s routes are not readable: {error}")),
            },
            Observation::Bgp { src, dst, sent, signed, message } => {
                Seen::Bgp { src, dst, sent, signed, message: bgp::read(&message.0) }
            }
            Observation::Started { daemon, pid } => Seen::Started { daemon, pid },
            Observation::Exited { daemon, pid, exit } => Seen::Exited { daemon, pid, exit },
            Observation::Line { daemon, stream, text } => {
                let (speaker, text) = kind::speaker_of(&daemon, &text);
                Seen::Line { daemon: speaker.to_owned(), stream, text: self.files.redact(text) }
            }
            Observation::Fib { prefix, next_hops, .. } => Seen::Fib { prefix, next_hops },
            Observation::Address { address, present } => Seen::Address { address, present },
            Observation::Served { to, client, id } => Seen::Served { to, client, id },
            Observation::Tcp { src, dst, sent, signed, event } => Seen::Tcp { src, dst, sent, signed, event },
            Observation::Query { train, number, to, port, id, sent, outcome } => {
                Seen::Query { service: train, number, to, port, id, sent, outcome }
            }
        };
        self.recorder.record(Event { at, since, node: Some(self.node.clone()), saw: seen });
    }

    fn rib(&self, daemon: &str, text: &str) -> Result<Option<Vec<crate::history::RibRoute>>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let (_, kind) = self.ribs.iter().find(|(name, _)| name == daemon).ok_or("no such daemon was planned")?;
        kind.routes(text).map(Some)
    }

    fn answer(&self, id: u64, answer: Answer) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        if let Some(waiting) = waiting {
            // Whoever waited may have given up.
            let _gone = waiting.send(answer);
        }
    }

    fn gone(&self, why: &str) {
        let first = self.phase.send_if_modified(|phase| {
            let was_alive = !matches!(phase, Phase::Gone(_));
            if was_alive {
                *phase = Phase::Gone(why.to_owned());
            }
            was_alive
        });
        if first {
            self.hole(crate::history::now(), why.to_owned());
        }
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    fn hole(&self, at: u64, reason: String) {
        self.record(at, Seen::Hole { reason });
    }

    fn record(&self, at: u64, saw: Seen) {
        self.recorder.record(Event { at, since: None, node: Some(self.node.clone()), saw });
    }
}
