//! One service as it runs: what watches it, what decides, and what announces.

use std::collections::{BTreeSet, VecDeque};
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::addresses::{Missing, tend};
use super::stats::{Stats, unix_now};
use crate::announcer::Announcer;
use crate::journal::Journal;
use crate::lines::NobodyReads;
use crate::machine::{Decision, Event, Machine, Verb};
use crate::operate::status::{Decisions, Operator, ServiceStatus, State};
use crate::sample::{Sample, Verdict};
use crate::service::Service;
use crate::watch::{Report, Watched, start};

/// Failures so soon after a withdrawal are of its cause.
const SAME_CAUSE: Duration = Duration::from_secs(1);

/// A service that is watched.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) service: Service,
    pub(super) announcer: Announcer,
    machine: Machine,
    watched: Vec<Watched>,
    /// What watches: dropped, it stops.
    watchers: JoinSet<()>,
    tending: JoinSet<()>,
    calm: watch::Sender<bool>,
    /// Whether the addresses are to be there: not when the operator has taken the service away.
    wanted: watch::Sender<bool>,
    troubles: Troubles,
    stats: Vec<Stats>,
    /// What the machine has learnt lately, and when: enough to make the last decision again.
    learned: VecDeque<(Duration, Event)>,
    last: (Decision, u64),
    /// When the last decision was made, but for the one at the start.
    said_at: Option<Duration>,
    decisions: Decisions,
    began: Instant,
    journal: Journal,
}

impl Running {
    /// Withdraws, and begins to watch. `index`: the service's number in reports.
    pub(super) fn start(
        index: usize,
        (service, watched): (Service, Vec<Watched>),
        announcer: Announcer,
        journal: &Journal,
        reports: &mpsc::UnboundedSender<Report>,
    ) -> Result<Self, NobodyReads> {
        let scopes = watched.iter().map(|watched| watched.scope);
        let (machine, first) = Machine::start(service.judging.clone(), service.drain, scopes);
        let (calm, hears) = watch::channel(false);
        let mut running = Self {
            watchers: start(index, &watched, &hears, reports),
            stats: watched.iter().map(|_| Stats::default()).collect(),
            service,
            announcer,
            machine,
            watched,
            tending: JoinSet::new(),
            calm,
            wanted: watch::Sender::new(true),
            troubles: Troubles::default(),
            learned: VecDeque::new(),
            last: (first.clone(), unix_now()),
            said_at: None,
            decisions: Decisions::default(),
            began: Instant::now(),
            journal: journal.clone(),
        };
        running.carry_out(first)?;
        Ok(running)
    }

    /// Other checks and timers; what is announced stays, until a check says otherwise.
    pub(super) fn reload(
        &mut self,
        index: usize,
        (service, watched): (Service, Vec<Watched>),
        reports: &mpsc::UnboundedSender<Report>,
    ) {
        if service == self.service {
            return;
        }
        let scopes = watched.iter().map(|watched| watched.scope);
        self.machine.reload(service.judging.clone(), service.drain, scopes);
        self.watchers = start(index, &watched, &self.calm.subscribe(), reports);
        self.stats = watched.iter().map(|_| Stats::default()).collect();
        self.watched = watched;
        self.service = service;
    }

    /// Looks after the addresses from now on.
    pub(super) fn tend(&mut self, index: usize, tell: &mpsc::UnboundedSender<Missing>) {
        let tending = tend(index, self.service.clone(), self.wanted.subscribe(), tell.clone(), self.journal.clone());
        self.tending.spawn_local(tending);
    }

    /// Takes in what a check has to say; whether it brought a decision.
    pub(super) fn hear(&mut self, report: Report) -> Result<bool, NobodyReads> {
        if let Some(stats) = self.stats.get_mut(report.sample.check) {
            stats.count(&report);
        }
        let is_new_trouble = self.troubles.is_new(&report.sample);
        let reason = is_new_trouble.then(|| report.sample.reason.clone());
        let decided = self.step(Event::Sampled(report.sample))?;
        // What follows a withdrawal at once has the same cause: `status` has it.
        let is_fresh = self.said_at.is_some_and(|at| self.began.elapsed() - at < SAME_CAUSE);
        if let Some(reason) = reason.filter(|_| !(decided || is_fresh && self.machine.said() == Verb::Withdraw)) {
            self.journal.trouble(&self.service.name, reason);
        }
        Ok(decided)
    }

    /// Takes any event in; whether it brought a decision.
    pub(super) fn step(&mut self, event: Event) -> Result<bool, NobodyReads> {
        let now = self.began.elapsed();
        let decision = self.machine.step(&event, now);
        self.learned.push_back((now, event));
        // A check is judged by no more than its window.
        let enough = self.watched.len() * self.service.judging.window.of as usize;
        self.learned.drain(..self.learned.len().saturating_sub(enough));
        let decided = decision.is_some();
        if let Some(decision) = decision {
            self.said_at = Some(now);
            self.carry_out(decision)?;
        }
        let calm = self.machine.is_settled();
        self.calm.send_if_modified(|was| std::mem::replace(was, calm) != calm);
        let wanted = !(self.machine.is_drained() && self.machine.said() == Verb::Withdraw);
        self.wanted.send_if_modified(|was| std::mem::replace(was, wanted) != wanted);
        Ok(decided)
    }

    fn carry_out(&mut self, decision: Decision) -> Result<(), NobodyReads> {
        let spoken = self.announcer.carry_out(&decision, self.learned.make_contiguous());
        self.learned.clear();
        match decision.verb {
            Verb::Announce => self.decisions.announce += 1,
            Verb::Drain => self.decisions.drain += 1,
            Verb::Withdraw => self.decisions.withdraw += 1,
        }
        self.last = (decision, unix_now());
        spoken
    }

    /// When time alone may bring a decision.
    pub(super) fn due(&mut self) -> Option<Instant> {
        let now = self.began.elapsed();
        self.machine.due(now).map(|due| self.began + due.max(now + Duration::from_millis(1)))
    }

    /// How it is now.
    pub(super) fn status(&mut self, operator: Operator) -> ServiceStatus {
        let now = self.began.elapsed();
        let held = self.machine.held_down(now).filter(|left| !left.is_zero());
        let (Decision { verb, reason }, since) = self.last.clone();
        let state = match verb {
            Verb::Announce => State::Up,
            Verb::Drain => State::Drained,
            Verb::Withdraw if held.is_some() => State::HeldDown,
            Verb::Withdraw if self.decisions.announce + self.decisions.drain == 0 => State::Init,
            Verb::Withdraw => State::Down,
        };
        let checks = self.stats.iter().zip(&self.watched).enumerate();
        let healthy = |number| self.machine.check(number).is_some_and(|standing| standing.is_ok());
        ServiceStatus {
            name: self.service.name.clone(),
            state,
            why: reason,
            since,
            confirmed: self.journal.is_confirmed(&self.service.name),
            operator,
            checks: checks.map(|(number, (stats, watched))| stats.status(watched, healthy(number))).collect(),
            decisions: self.decisions,
            flaps: u32::try_from(self.machine.flaps(now)).unwrap_or(u32::MAX),
            hold_down: held.map(|left| left.as_secs_f64()),
            missing: self.machine.missing().to_vec(),
        }
    }

    /// Whether every check has had its say.
    pub(super) fn is_judged(&self) -> bool {
        (0..self.watched.len()).all(|number| self.machine.is_judged(number))
    }
}

/// The kinds of failure seen since a check last passed: each goes into the journal once.
#[derive(Debug, Default)]
struct Troubles {
    kinds: BTreeSet<(usize, String)>,
}

impl Troubles {
    fn is_new(&mut self, sample: &Sample) -> bool {
        match sample.verdict {
            Verdict::Healthy => {
                self.kinds.retain(|(check, _)| *check != sample.check);
                false
            }
            // One is lost now and then.
            Verdict::Lost => false,
            // Whatever it is that was refused.
            Verdict::Refused => self.kinds.insert((sample.check, "refused".to_owned())),
            Verdict::Failed | Verdict::Silent => self.kinds.insert((sample.check, sample.reason.clone())),
        }
    }
}
