//! All that the run loop has to do with operators, in one place: it waits for wishes here, and says here what it has decided.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::control::{Control, ControlError};
use super::drains::Drains;
use super::maintenance::{self, Maintenance};
use super::orders::{Answer, Asked, Desk, Order, desk};
use super::scrape::{Scrape, ScrapeError};
use super::status::{Operator, Status};
use super::systemd::Notifier;
use crate::journal::{Format, Journal};

#[cfg(test)]
mod tests;

/// How often the maintenance file is looked at, and the service manager told that we live, if it asks for no more.
const ROUND: Duration = Duration::from_millis(500);

/// What operators can ask for on the command line.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
#[group(id = "office")]
pub struct Options {
    /// Take orders on this Unix socket, as `drain`, `resume` and `status` send them; for the owner and the group
    #[arg(long, value_name = "PATH")]
    pub control: Option<PathBuf>,

    /// Serve metrics for Prometheus there, as /metrics; for example 127.0.0.1:9153
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub metrics: Option<SocketAddr>,

    /// While this file is there all services are drained; its first line is the reason
    #[arg(long, value_name = "PATH")]
    pub maintenance: Option<PathBuf>,

    /// Who reads what goes to stderr [default: text]
    #[arg(long, value_enum)]
    pub journal: Option<Format>,
}

impl Options {
    /// These, and what they leave open as in the others.
    #[must_use]
    pub fn or(self, others: Self) -> Self {
        Self {
            control: self.control.or(others.control),
            metrics: self.metrics.or(others.metrics),
            maintenance: self.maintenance.or(others.maintenance),
            journal: self.journal.or(others.journal),
        }
    }
}

/// Why there is no office.
#[derive(Debug, thiserror::Error)]
pub enum OfficeError {
    /// No control socket.
    #[error(transparent)]
    Control(#[from] ControlError),
    /// No metrics.
    #[error(transparent)]
    Scrape(#[from] ScrapeError),
}

/// Where wishes come in.
#[derive(Debug)]
pub struct Office {
    desk: Desk,
    /// Open until they are dropped.
    _doors: (Option<Control>, Option<Scrape>),
    drains: Option<Drains>,
    maintenance: Option<Maintenance>,
    /// Why all services are drained by the file.
    maintained: Option<String>,
    services: Vec<Wished>,
    notifier: Notifier,
    round: Interval,
    journal: Journal,
}

#[derive(Debug)]
struct Wished {
    name: String,
    /// Why it is drained by an order.
    ordered: Option<String>,
    /// What the run loop was told last.
    told: bool,
}

/// What the run loop is to do: the changes, then the answer.
#[derive(Debug, Default)]
pub struct Wish {
    /// What has changed. Never empty, unless somebody asks.
    pub changes: Vec<Change>,
    /// Who waits for the status as it is after the changes.
    pub asked: Option<Asked>,
}

/// What the operator wants of a service from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Its number, in the order in which the office was told of the services, from 0.
    pub service: usize,
    /// No traffic, and why; `None`: as the checks say.
    pub drain: Option<String>,
}

impl Office {
    /// Opens what the options ask for. Needs a runtime.
    ///
    /// # Errors
    /// When the control socket or the metrics cannot be there.
    pub async fn open(
        options: &Options,
        services: impl IntoIterator<Item = String>,
        notifier: Notifier,
        journal: &Journal,
    ) -> Result<Self, OfficeError> {
        let (desk, orders) = desk();
        let scrape = match options.metrics {
            Some(address) => Some(Scrape::open(address, orders.clone()).await?),
            None => None,
        };
        let control = options.control.as_deref().map(|path| Control::open(path, orders)).transpose()?;
        let mut drains = None;
        if let Some(path) = &options.control {
            let (left, read) = Drains::beside(path);
            note(journal, read);
            drains = Some(left);
        }
        let services = services.into_iter().map(|name| {
            let ordered = drains.as_ref().and_then(|drains| drains.reason(&name)).map(str::to_owned);
            Wished { name, ordered, told: false }
        });
        let mut round = interval(notifier.ping_interval().map_or(ROUND, |ping| ping.min(ROUND)));
        round.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Self {
            services: services.collect(),
            desk,
            _doors: (control, scrape),
            drains,
            maintenance: options.maintenance.as_deref().map(Maintenance::new),
            maintained: None,
            notifier,
            round,
            journal: journal.clone(),
        })
    }

    /// What is wished for already: a file that is there, and what a predecessor was ordered. To be asked before anything is
    /// announced.
    pub fn look(&mut self) -> Vec<Change> {
        match self.maintenance.as_mut().map(Maintenance::look) {
            Some(Ok(Some(maintenance::Change::Begins(reason)))) => self.maintained = Some(reason),
            Some(Ok(Some(maintenance::Change::Ends))) => self.maintained = None,
            Some(Ok(None)) | None => {}
            Some(Err(unknown)) => self.journal.note(format_args!("ERROR: {unknown}")),
        }
        let mut changes = Vec::new();
        for (service, wished) in self.services.iter_mut().enumerate() {
            let drain = wished.ordered.clone().or_else(|| self.maintained.clone());
            if drain.is_some() != wished.told {
                wished.told = drain.is_some();
                let words = drain.as_ref().map_or("resume".to_owned(), |reason| format!("drain: {reason}"));
                self.journal.operator(&wished.name, words);
                changes.push(Change { service, drain });
            }
        }
        changes
    }

    /// The next wish. Meanwhile the service manager is told that the run loop runs, so it must come here again and again.
    /// Dropping the future loses nothing.
    pub async fn next(&mut self) -> Wish {
        loop {
            tokio::select! {
                asked = self.desk.next() => {
                    if let Some(asked) = self.take(asked) {
                        return Wish { changes: self.look(), asked: Some(asked) };
                    }
                }
                _ = self.round.tick() => {
                    self.notifier.ping();
                    let changes = self.look();
                    if !changes.is_empty() {
                        return Wish { changes, asked: None };
                    }
                }
            }
        }
    }

    /// What the operator wants of a service now, for its status.
    #[must_use]
    pub fn operator(&self, service: usize) -> Operator {
        match self.services.get(service) {
            Some(Wished { ordered: Some(_), .. }) => Operator::Drained,
            Some(_) if self.maintained.is_some() => Operator::Maintenance,
            _ => Operator::None,
        }
    }

    /// Something was decided or confirmed: whoever waits for it is told, and the service manager.
    pub fn decided(&self, status: &Status) {
        self.desk.decided();
        self.notifier.status(&status.in_short());
    }

    /// Where the service manager is told the rest.
    #[must_use]
    pub fn notifier(&self) -> &Notifier {
        &self.notifier
    }

    /// An order that cannot be carried out is answered here.
    fn take(&mut self, asked: Asked) -> Option<Asked> {
        match self.obey(&asked.order) {
            Ok(()) => Some(asked),
            Err(reason) => {
                asked.answer(Answer::Refused(reason));
                None
            }
        }
    }

    /// Notes down an order; or why not.
    fn obey(&mut self, order: &Order) -> Result<(), String> {
        let (name, reason) = match order {
            Order::Status => return Ok(()),
            Order::Drain { service, reason } => {
                (service, Some(reason.clone().unwrap_or_else(|| "the operator wants no traffic".to_owned())))
            }
            Order::Resume { service } => (service, None),
        };
        let is_meant = |wished: &Wished| name.as_ref().is_none_or(|name| *name == wished.name);
        if let Some(name) = name.as_ref().filter(|_| !self.services.iter().any(is_meant)) {
            let all: Vec<String> = self.services.iter().map(|service| format!("`{}`", service.name)).collect();
            let all = all.join(", ");
            return Err(format!("expected the name of a service, found `{name}`\nhint: there are {all}"));
        }
        if let (None, Some(file)) = (&reason, &self.maintained) {
            return Err(format!("expected no maintenance file, found one: {file}\nhint: remove it first"));
        }
        for wished in self.services.iter_mut().filter(|wished| is_meant(wished)) {
            if let Some(drains) = &mut self.drains {
                let kept = match &reason {
                    Some(reason) => drains.drain(&wished.name, reason),
                    None => drains.resume(&wished.name),
                };
                note(&self.journal, kept);
            }
            wished.ordered.clone_from(&reason);
        }
        Ok(())
    }
}

fn note(journal: &Journal, outcome: Result<(), impl std::error::Error>) {
    if let Err(error) = outcome {
        journal.note(format_args!("ERROR: {error}"));
    }
}
