//! The whole watchdog: checks, machines and announcers, from the first withdraw to the last.

use std::future::pending;
use std::net::IpAddr;
use std::pin::pin;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

use crate::announcer::{self, Announcer};
use crate::compat::healthcheck::{Runner, Turn};
use crate::config::{self, ConfigError};
use crate::ending::{Ending, Endings};
use crate::journal::Journal;
use crate::keeper::Lease;
use crate::lines::NobodyReads;
use crate::machine::{Decision, Event};
use crate::operate::office::{Change, Office, Wish};
use crate::operate::orders::Answer;
use crate::operate::status::{Operator, State, Status};
use crate::options::Options;
use crate::service::Service;
use crate::watch::{Report, watched};

mod addresses;
mod running;
mod stats;

use addresses::Missing;
use running::Running;

/// Watches the services, and has their routes announced and withdrawn, until an ending comes.
#[derive(Debug)]
pub struct Watch {
    /// What was asked for on the command line: read again on SIGHUP.
    pub options: Options,
    /// Where reasons go.
    pub journal: Journal,
    /// Where operators' wishes come in.
    pub office: Office,
    /// What is run when the first service changes.
    pub hooks: Runner,
    /// The lease that we live by.
    pub lease: Option<Lease>,
}

/// What the loop has in its hands.
struct Loop {
    options: Options,
    journal: Journal,
    office: Office,
    hooks: Runner,
    running: Vec<Running>,
    reports: mpsc::UnboundedSender<Report>,
    since: u64,
    is_ready: bool,
}

/// Nobody reads the commands of this announcer any more.
struct Deaf(&'static str);

impl Watch {
    /// Watches until the end. The announcers are those of the services, in their order.
    ///
    /// # Errors
    /// When signals cannot be taken over, or a question not be asked.
    pub async fn run(self, services: Vec<(Service, Announcer)>, endings: Endings) -> std::io::Result<Ending> {
        let Self { options, journal, office, hooks, mut lease } = self;
        let (reports, mut reported) = mpsc::unbounded_channel();
        let mut hangup = signal(SignalKind::hangup())?;
        let mut end = pin!(endings.first());
        let since = stats::unix_now();
        let (tell, mut missing) = mpsc::unbounded_channel();
        let mut all = Loop { options, journal, office, hooks, running: Vec::new(), reports, since, is_ready: false };
        let mut state = all.start(services, &tell)?;
        let ending = loop {
            if let Err(Deaf(reader)) = state {
                break Ending::NobodyReads(reader);
            }
            // Whatever has woken us: we live.
            lease.iter_mut().for_each(Lease::renew);
            let due = all.running.iter_mut().filter_map(Running::due).min();
            state = tokio::select! {
                biased;
                ending = &mut end => break ending,
                Some((index, missing)) = missing.recv() => all.miss(index, missing),
                Some(report) = reported.recv() => all.hear(report),
                () = until(lease.as_ref().map(|lease| lease.due().into())) => Ok(()),
                () = until(due) => all.step_all(&Event::Tick),
                _ = hangup.recv() => {
                    all.reload();
                    Ok(())
                }
                wish = all.office.next() => all.grant(wish),
            };
        };
        let reason = ending.to_string();
        all.office.notifier().stopping(&reason);
        let announcers: Vec<Announcer> = all.running.iter().map(|running| running.announcer.clone()).collect();
        announcer::say_farewell(&announcers, &Decision::withdraw(&reason));
        let services: Vec<&Service> = all.running.iter().map(|running| &running.service).collect();
        addresses::leave(&services, &all.journal).await;
        all.journal.flush(announcer::FAREWELL);
        Ok(ending)
    }
}

impl Loop {
    fn start(
        &mut self,
        services: Vec<(Service, Announcer)>,
        tell: &mpsc::UnboundedSender<Missing>,
    ) -> std::io::Result<Result<(), Deaf>> {
        for (index, (service, announcer)) in services.into_iter().enumerate() {
            let reader = announcer.reader();
            let watched = watched(&service).map_err(std::io::Error::other)?;
            match Running::start(index, (service, watched), announcer, &self.journal, &self.reports) {
                Ok(mut started) => {
                    started.tend(index, tell);
                    self.running.push(started);
                }
                Err(NobodyReads) => return Ok(Err(Deaf(reader))),
            }
        }
        // What is drained already is not announced first.
        let changes = self.office.look();
        Ok(self.change(changes))
    }

    fn hear(&mut self, report: Report) -> Result<(), Deaf> {
        let Some(running) = self.running.get_mut(report.service) else { return Ok(()) };
        let decided = running.hear(report).map_err(|NobodyReads| Deaf(running.announcer.reader()))?;
        self.tell(decided);
        Ok(())
    }

    fn miss(&mut self, index: usize, missing: Vec<IpAddr>) -> Result<(), Deaf> {
        let Some(running) = self.running.get_mut(index) else { return Ok(()) };
        let step = running.step(Event::Missing(missing));
        let decided = step.map_err(|NobodyReads| Deaf(running.announcer.reader()))?;
        self.tell(decided);
        Ok(())
    }

    fn step_all(&mut self, event: &Event) -> Result<(), Deaf> {
        let mut decided = false;
        for running in &mut self.running {
            decided |= running.step(event.clone()).map_err(|NobodyReads| Deaf(running.announcer.reader()))?;
        }
        self.tell(decided);
        Ok(())
    }

    fn grant(&mut self, wish: Wish) -> Result<(), Deaf> {
        let granted = self.change(wish.changes);
        if let Some(asked) = wish.asked {
            asked.answer(Answer::Status(self.status()));
        }
        granted
    }

    fn change(&mut self, changes: Vec<Change>) -> Result<(), Deaf> {
        let mut decided = false;
        for Change { service, drain } in changes {
            let Some(running) = self.running.get_mut(service) else { continue };
            let event = drain.map_or(Event::Resume, Event::Drain);
            decided |= running.step(event).map_err(|NobodyReads| Deaf(running.announcer.reader()))?;
        }
        self.tell(decided);
        Ok(())
    }

    /// Whoever waits for a decision, or for the first verdict on everything.
    fn tell(&mut self, decided: bool) {
        let is_ready = self.is_ready || self.running.iter().all(Running::is_judged);
        if decided || is_ready != self.is_ready {
            let status = self.status();
            self.office.decided(&status);
            if let Some(first) = status.services.first().filter(|_| decided) {
                self.hooks.turn(match (first.operator, first.state) {
                    (_, State::Up) => Turn::Up,
                    (Operator::None, _) => Turn::Down,
                    _ => Turn::Disabled,
                });
            }
            if is_ready && !std::mem::replace(&mut self.is_ready, is_ready) {
                self.office.notifier().ready(&status.in_short());
            }
        }
    }

    fn status(&mut self) -> Status {
        let office = &self.office;
        let services = self.running.iter_mut().enumerate();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            since: self.since,
            services: services.map(|(index, running)| running.status(office.operator(index))).collect(),
        }
    }

    /// Reads the configuration again. One that is of no use changes nothing.
    fn reload(&mut self) {
        self.office.notifier().reloading();
        match self.try_reload() {
            Ok(()) => self.journal.note("reloaded"),
            Err(error) => self.journal.note(format_args!("ERROR: not reloaded, all goes on as before: {error}")),
        }
        let status = self.status().in_short();
        self.office.notifier().ready(&status);
    }

    fn try_reload(&mut self) -> Result<(), ConfigError> {
        let config = config::read(&self.options)?;
        let is_same = |(running, service): (&Running, &Service)| {
            let before = &running.service;
            (&before.name, &before.through, &before.addresses, &before.up, &before.drained)
                == (&service.name, &service.through, &service.addresses, &service.up, &service.drained)
        };
        let services = &config.services;
        if self.running.len() != services.len() || !self.running.iter().zip(services).all(is_same) {
            return Err(ConfigError::Options(
                "expected the same services, each with the same announcer, addresses and attributes; \
                 hint: only checks and timers are reloaded; restart it for the rest"
                    .to_owned(),
            ));
        }
        let watched: Result<Vec<_>, _> = services.iter().map(watched).collect();
        let watched = watched.map_err(|error| ConfigError::Options(error.to_string()))?;
        let next = config.services.into_iter().zip(watched);
        for (index, (running, next)) in self.running.iter_mut().zip(next).enumerate() {
            running.reload(index, next, &self.reports);
        }
        Ok(())
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => pending().await,
    }
}
