//! The state of a running watchdog at one moment: what `status`, the metrics and the service manager are told.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::service::Scope;

use super::moment;
use super::table::Table;

#[cfg(test)]
pub(super) mod tests;

/// A snapshot. Times are Unix times in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    /// The watchdog's version, as in `--version`.
    pub version: String,
    /// When the watchdog was started.
    pub since: u64,
    /// All services, as configured.
    pub services: Vec<ServiceStatus>,
}

/// One service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// Its name in the configuration.
    pub name: String,
    /// What is decided.
    pub state: State,
    /// The reason of the last decision.
    pub why: String,
    /// When the last decision was made.
    pub since: u64,
    /// Whether the daemon has done what was decided.
    pub confirmed: Confirmed,
    /// What the operator wants.
    pub operator: Operator,
    /// In the order of the configuration.
    pub checks: Vec<CheckStatus>,
    /// So many decisions since the start.
    pub decisions: Decisions,
    /// Withdrawals of an announced service that count for hold-down.
    pub flaps: u32,
    /// A healthy service is announced after this time, in seconds; `None`: it is not held back.
    pub hold_down: Option<f64>,
    /// Addresses that ought to be on `lo` and are not.
    pub missing: Vec<IpAddr>,
}

/// What is decided about a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Withdrawn, and nothing is proven yet.
    Init,
    /// Announced.
    Up,
    /// Announced, and others are to be preferred.
    Drained,
    /// Withdrawn.
    Down,
    /// Withdrawn, healthy again, and held back because it flapped.
    HeldDown,
}

/// What the daemon that announces says about the routes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Confirmed {
    /// Whether they are as decided.
    pub is: Answer,
    /// What was asked for and what was found, in words.
    pub detail: String,
}

/// An answer that may not be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is so.
    Yes,
    /// It is not.
    No,
    /// Nobody has said yet, or nobody can.
    Unknown,
}

/// What the operator wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Operator {
    /// Nothing: the checks decide.
    None,
    /// No traffic, by `anycast-watchdog drain`.
    Drained,
    /// No traffic, by the maintenance file.
    Maintenance,
}

/// One check of a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckStatus {
    /// What is asked, and where.
    pub name: String,
    /// Whose failure it would be.
    pub scope: Scope,
    /// Whether it is judged to pass, which one bad answer does not change.
    pub healthy: bool,
    /// The last outcome that was a failure.
    pub last_failure: Option<LastFailure>,
    /// How long passes took; `None` before the first.
    pub latency: Option<Latency>,
    /// So many passes since the start.
    pub passed: u64,
    /// So many failures since the start, by their kind: `refused`, `silent`, `failed`, ...
    pub failed: BTreeMap<String, u64>,
}

/// A failure, and when it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// Unix time in seconds.
    pub at: u64,
    /// In words.
    pub reason: String,
}

/// Quantiles over the recent passes, in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// Decisions by their verb.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Decisions {
    /// To announce.
    pub announce: u64,
    /// To drain.
    pub drain: u64,
    /// To withdraw.
    pub withdraw: u64,
}

impl Status {
    /// For a terminal. `now` is a Unix time in seconds.
    #[must_use]
    pub fn for_people(&self, now: u64) -> String {
        let Self { version, since, services } = self;
        let age = moment::span(now.saturating_sub(*since));
        let mut text = format!("anycast-watchdog {version}, started {}, {age} ago\n", moment::rfc3339(*since));
        for service in services {
            text.push('\n');
            text.push_str(&service.for_people(now));
        }
        text
    }

    /// The state in a few words, for one line: `anycastdns up, dns2 down`.
    #[must_use]
    pub fn in_short(&self) -> String {
        let services: Vec<_> =
            self.services.iter().map(|service| format!("{} {}", service.name, service.state)).collect();
        services.join(", ")
    }
}

impl ServiceStatus {
    /// Whether nobody is told of the service, as far as is known: the end of a drain.
    #[must_use]
    pub fn is_withdrawn(&self) -> bool {
        !matches!(self.state, State::Up | State::Drained) && self.confirmed.is != Answer::No
    }

    fn for_people(&self, now: u64) -> String {
        let age = moment::span(now.saturating_sub(self.since));
        let mut text = format!("{}: {} since {}, {age}\n", self.name, self.state, moment::rfc3339(self.since));
        let mut facts = Table::new(2);
        facts.row(["why", &self.why]);
        facts.row(["routes", &self.confirmed.to_string()]);
        match self.operator {
            Operator::None => {}
            Operator::Drained => facts.row(["operator", "wants no traffic here: `anycast-watchdog resume` ends it"]),
            Operator::Maintenance => {
                facts.row(["operator", "wants no traffic here: removing the maintenance file ends it"]);
            }
        }
        if let Some(left) = self.hold_down {
            facts.row([
                "held down",
                &format!("{} more, if it stays healthy", moment::span(left.max(0.0).ceil() as u64)),
            ]);
        }
        if !self.missing.is_empty() {
            let missing: Vec<_> = self.missing.iter().map(IpAddr::to_string).collect();
            facts.row(["missing", &format!("{} not on lo", missing.join(", "))]);
        }
        let Decisions { announce, drain, withdraw } = self.decisions;
        let flaps = self.flaps;
        facts.row(["decided", &format!("announce {announce}, drain {drain}, withdraw {withdraw}; flaps {flaps}")]);
        text.push_str(&facts.to_string());
        if self.checks.is_empty() {
            return text;
        }
        let mut checks = Table::new(2);
        checks.row(["CHECK", "SCOPE", "NOW", "P50", "P99", "PASSED", "FAILED", "LAST FAILURE"]);
        for check in &self.checks {
            checks.row(check.cells(now).each_ref().map(String::as_str));
        }
        text + &checks.to_string()
    }
}

impl CheckStatus {
    /// All failures since the start.
    #[must_use]
    pub fn failures(&self) -> u64 {
        self.failed.values().sum()
    }

    fn cells(&self, now: u64) -> [String; 8] {
        let milliseconds = |pick: fn(&Latency) -> f64| {
            self.latency.as_ref().map_or("-".to_owned(), |latency| format!("{:.2} ms", pick(latency)))
        };
        let last = self.last_failure.as_ref().map_or(String::new(), |LastFailure { at, reason }| {
            format!("{} ago: {reason}", moment::span(now.saturating_sub(*at)))
        });
        [
            self.name.clone(),
            match self.scope {
                Scope::Local => "local".to_owned(),
                Scope::Shared => "shared".to_owned(),
            },
            if self.healthy { "passes" } else { "FAILS" }.to_owned(),
            milliseconds(|latency| latency.p50),
            milliseconds(|latency| latency.p99),
            self.passed.to_string(),
            self.failures().to_string(),
            last,
        ]
    }
}

impl State {
    /// All of them, in the order of a life.
    pub const ALL: [Self; 5] = [Self::Init, Self::Up, Self::Drained, Self::Down, Self::HeldDown];
}

/// As in JSON.
impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Init => "init",
            Self::Up => "up",
            Self::Drained => "drained",
            Self::Down => "down",
            Self::HeldDown => "held-down",
        })
    }
}

impl fmt::Display for Confirmed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is {
            Answer::Yes => "confirmed",
            Answer::No => "NOT AS DECIDED",
            Answer::Unknown => "not confirmed",
        })?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}
