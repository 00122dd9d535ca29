//! WATCH: what a node's probe reports, into the history.

use futures::StreamExt;
use futures::stream::BoxStream;
use protocol::{Observation, Report, TcpEvent};

use crate::clock::Distance;
use crate::engine::{Chunk, EngineError};
use crate::history::{Event, Journal, Name, Seen};
use crate::kind::{self, Kind};
use crate::plan::{Files, NodePlan, Planned};

mod bgp;
mod lines;
pub mod processors;
mod status;

pub(crate) use lines::Lines;
pub use status::{Answer, Effect, Phase, Status};

/// How far a stamp may lie before the moment at which the probe could have seen anything; nanoseconds.
const STAMPS: u64 = 100_000_000;

/// One node's stream of reports.
pub struct Observer {
    node: Name,
    ribs: Vec<(String, &'static dyn Kind)>,
    /// Daemons quote their configuration when they do not understand it.
    files: Files,
    planned: Planned,
    status: Status,
    journal: Journal,
    /// When nothing had been told to the node yet, on the harness's own clock.
    began: u64,
    next: u64,
    /// By which the updates of each connection are read.
    opens: bgp::Opens,
}

impl Observer {
    /// An observer of this node, to which nothing has been told yet.
    #[must_use]
    pub fn new(plan: &NodePlan, status: Status) -> Self {
        let rib = |(role, product): (&crate::spec::Role, &crate::spec::Product)| {
            Some((role.to_string(), kind::named(&product.kind)?))
        };
        let ribs = plan.runs.iter().filter_map(rib).collect();
        let (files, journal) = (plan.files.clone(), status.journal().clone());
        let (node, planned, began) = (plan.name.as_str().into(), Planned::of(plan), journal.clock().own());
        Self { node, ribs, files, planned, status, journal, began, next: 0, opens: bgp::Opens::default() }
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
                        self.journal.note(Some(&self.node), Seen::Line { daemon, stream, text: line });
                    }
                }
                Some(Err(error)) => break format!("its stream broke: {error}"),
                None if last_words.is_empty() => break "its probe has ended".to_owned(),
                None => break format!("its probe has ended, saying: {last_words}"),
            }
        };
        // A probe that is set up and complains tells why; one that was killed says nothing.
        let boots = self.status.phase() == Phase::Booting && !last_words.is_empty();
        self.status.end(if boots { Phase::Unusable(ended) } else { Phase::Gone(ended) });
    }

    fn line(&mut self, line: &str) {
        let report: Report = match serde_json::from_str(line) {
            Ok(report) => report,
            Err(error) => {
                return self.status.hole(&format!("a report is not readable: {error}: {line}"));
            }
        };
        // Nothing is known of the clock until the first report. It was stamped since the observer began, or a little before: an
        // observer of the kernel's events subtracts what it waited.
        let distance = Distance::between(self.began, report.at, self.journal.clock().own());
        self.journal.settle(distance.widened(STAMPS));
        if report.seq != self.next {
            let reason = format!("reports are missing: expected number {}, found {}", self.next, report.seq);
            self.hole(report.at, reason);
        }
        self.next = report.seq + 1;
        self.report(report.at, report.since, report.saw);
    }

    fn report(&mut self, at: u64, since: Option<u64>, saw: Observation) {
        if let Err(reason) = self.planned.check(&saw) {
            return self.hole(at, reason);
        }
        let seen = match saw {
            Observation::Ready => {
                self.record(at, Seen::Ready);
                self.status.ready();
                return;
            }
            Observation::Done { id, detail } => {
                let detail = self.files.redact(&detail);
                return self.status.answer(id, Ok(Effect { since, at, detail }));
            }
            Observation::Failed { id, error } => return self.status.answer(id, Err(self.files.redact(&error))),
            Observation::Unusable { error } => return self.status.end(Phase::Unusable(error)),
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
            Observation::Bgp { src, dst, sent, signed, ao, message } => {
                Seen::Bgp { src, dst, sent, signed, ao, message: self.opens.read(src, dst, &message.0) }
            }
            Observation::Started { daemon, pid } => Seen::Started { daemon, pid },
            Observation::Exited { daemon, pid, exit } => Seen::Exited { daemon, pid, exit },
            Observation::Line { daemon, stream, text } => {
                let (speaker, text) = kind::speaker_of(&daemon, &text);
                Seen::Line { daemon: speaker.to_owned(), stream, text: self.files.redact(text) }
            }
            Observation::Fib { prefix, protocol, next_hops } => Seen::Fib { prefix, protocol, next_hops },
            Observation::Address { address, present } => Seen::Address { address, present },
            Observation::Served { to, client, id } => Seen::Served { to, client, id },
            Observation::Tcp { src, dst, sent, signed, ao, event } => {
                if event == TcpEvent::Syn {
                    self.opens.begin(src, dst);
                }
                Seen::Tcp { src, dst, sent, signed, ao, event }
            }
            Observation::Query { train, number, to, port, id, sent, outcome } => {
                Seen::Query { service: train.into(), number, to, port, id, sent, outcome }
            }
        };
        self.journal.recorder().record(Event { at, since, node: Some(self.node.clone()), saw: seen });
    }

    fn rib(&self, daemon: &str, text: &str) -> Result<Option<Vec<crate::history::RibRoute>>, String> {
        if text.is_empty() {
            return Ok(None);
        }
        let (_, kind) = self.ribs.iter().find(|(name, _)| name == daemon).ok_or("no such daemon was planned")?;
        kind.routes(text).map(Some)
    }

    fn hole(&self, at: u64, reason: String) {
        // It may quote what a daemon said.
        self.record(at, Seen::Hole { reason: self.files.redact(&reason) });
    }

    fn record(&self, at: u64, saw: Seen) {
        self.journal.recorder().record(Event { at, since: None, node: Some(self.node.clone()), saw });
    }
}
