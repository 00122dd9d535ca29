//! The machine that decides: samples and the operator's orders in, decisions out. No clock and no socket.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::sample::Sample;
use crate::service::{Judging, Scope};

mod hold_down;
mod tally;
#[cfg(test)]
mod tests;

use hold_down::Flaps;
use tally::{Standing, Tally};

/// What is to be done about the routes, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// What to do.
    pub verb: Verb,
    /// Why, in words.
    pub reason: String,
}

/// What can be done about the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verb {
    /// Let the neighbours know the routes.
    Announce,
    /// Let them know, and prefer others.
    Drain,
    /// Take the routes back.
    Withdraw,
}

/// As in the journal, and as ExaBGP spells its commands.
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announce => "announce",
            Self::Drain => "drain",
            Self::Withdraw => "withdraw",
        })
    }
}

/// What the machine learns.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// A check has an outcome.
    Sampled(Sample),
    /// These addresses ought to be on this machine and are not.
    Missing(Vec<IpAddr>),
    /// The operator wants no traffic here, and why.
    Drain(String),
    /// The operator has changed his mind.
    Resume,
    /// Time has passed.
    Tick,
}

/// Announces what is proven healthy, drains what others suffer from as well, withdraws the rest.
///
/// It speaks on changes only, and twice besides: it withdraws at the start, because a predecessor that was killed left
/// its routes standing, and at the end. Times are since the start, in which we were awake.
#[derive(Debug)]
pub struct Machine {
    judging: Judging,
    drain: Duration,
    checks: Vec<Tally>,
    said: Verb,
    missing: Vec<IpAddr>,
    /// The operator's drain: why, and since when.
    drained: Option<(String, Duration)>,
    flaps: Flaps,
    /// Since when nothing has spoken against announcing.
    fit_since: Option<Duration>,
}

impl Machine {
    /// A machine, and its first decision. The checks are told apart by their number, from 0.
    #[must_use]
    pub fn start(judging: Judging, drain: Duration, checks: impl IntoIterator<Item = Scope>) -> (Self, Decision) {
        let machine = Self {
            judging,
            drain,
            checks: checks.into_iter().map(Tally::new).collect(),
            said: Verb::Withdraw,
            missing: Vec::new(),
            drained: None,
            flaps: Flaps::default(),
            fit_since: None,
        };
        (machine, Decision::withdraw("start: withdrawn until proven healthy"))
    }

    /// Other checks from now on. What is announced stays until one of them fails.
    pub fn reload(&mut self, judging: Judging, drain: Duration, checks: impl IntoIterator<Item = Scope>) {
        self.judging = judging;
        self.drain = drain;
        self.checks = checks.into_iter().map(Tally::new).collect();
    }

    /// Takes an event in; the decision if there is a new one. `now` never goes back.
    pub fn step(&mut self, event: &Event, now: Duration) -> Option<Decision> {
        let mut news = "";
        match event {
            Event::Sampled(sample) => {
                if let Some(check) = self.checks.get_mut(sample.check) {
                    check.count(sample, &self.judging, self.said != Verb::Withdraw);
                }
                news = &sample.reason;
            }
            Event::Missing(addresses) => self.missing.clone_from(addresses),
            Event::Drain(reason) => {
                self.drained.get_or_insert_with(|| (reason.clone(), now));
            }
            Event::Resume => self.drained = None,
            Event::Tick => {}
        }
        let fit = self.fitness(news, now);
        if fit.verb == Verb::Withdraw {
            self.fit_since = None;
        } else {
            let hold = if self.said == Verb::Withdraw {
                self.flaps.hold(&self.judging.hold_down, now)
            } else {
                Duration::ZERO
            };
            if now.saturating_sub(*self.fit_since.get_or_insert(now)) < hold {
                return None;
            }
        }
        if fit.verb == self.said {
            return None;
        }
        if fit.verb == Verb::Withdraw && self.drained.is_none() {
            self.flaps.withdrawn(now);
        }
        self.said = fit.verb;
        Some(fit)
    }

    /// The last decision of all.
    #[must_use]
    pub fn stop(self, reason: &str) -> Decision {
        Decision::withdraw(reason)
    }

    /// What was decided last.
    #[must_use]
    pub fn said(&self) -> Verb {
        self.said
    }

    /// Whether all is well and was for a while: time enough until the next question.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.said == Verb::Announce && self.checks.iter().all(Tally::is_spotless)
    }

    /// When time alone may bring a decision: the end of a drain, or of a hold-down.
    #[must_use]
    pub fn due(&mut self, now: Duration) -> Option<Duration> {
        let drained =
            self.drained.as_ref().filter(|_| self.said != Verb::Withdraw).map(|(_, since)| *since + self.drain);
        let held = self.held_down(now).map(|left| now + left);
        drained.into_iter().chain(held).min()
    }

    /// How much longer a healthy service is held back for its flaps.
    pub fn held_down(&mut self, now: Duration) -> Option<Duration> {
        let since = self.fit_since.filter(|_| self.said == Verb::Withdraw)?;
        Some((since + self.flaps.hold(&self.judging.hold_down, now)).saturating_sub(now))
    }

    /// Whether a check passes, and if not, why, as far as is known.
    #[must_use]
    pub fn check(&self, number: usize) -> Option<Result<(), &str>> {
        match self.checks.get(number)?.standing() {
            Standing::Healthy => Some(Ok(())),
            Standing::Unproven => Some(Err("not proven healthy yet")),
            Standing::Failing { reason, .. } => Some(Err(reason)),
        }
    }

    /// Whether the operator wants no traffic.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.drained.is_some()
    }

    /// Whether a check has passed or failed so far.
    #[must_use]
    pub fn is_judged(&self, number: usize) -> bool {
        self.checks.get(number).is_some_and(|check| *check.standing() != Standing::Unproven)
    }

    /// Withdrawals that count for hold-down.
    pub fn flaps(&mut self, now: Duration) -> usize {
        self.flaps.count(&self.judging.hold_down, now)
    }

    /// Addresses that ought to be on this machine and are not.
    #[must_use]
    pub fn missing(&self) -> &[IpAddr] {
        &self.missing
    }

    /// What ought to be done now, were it not for hold-down.
    fn fitness(&self, news: &str, now: Duration) -> Decision {
        if let Some((reason, since)) = &self.drained {
            // What is not announced is not announced in order to be drained.
            let is_over = now.saturating_sub(*since) >= self.drain || self.said == Verb::Withdraw;
            let verb = if is_over { Verb::Withdraw } else { Verb::Drain };
            return Decision { verb, reason: reason.clone() };
        }
        if !self.missing.is_empty() {
            let missing: Vec<String> = self.missing.iter().map(IpAddr::to_string).collect();
            return Decision::withdraw(&format!("{} not on this machine", missing.join(", ")));
        }
        let worst = |scope| {
            self.checks.iter().filter(move |check| check.scope == scope).find_map(|check| match check.standing() {
                Standing::Failing { reason, .. } => Some(reason.as_str()),
                _ => None,
            })
        };
        if let Some(reason) = worst(Scope::Local) {
            return Decision::withdraw(reason);
        }
        let is_unproven = self.checks.iter().any(|check| *check.standing() == Standing::Unproven);
        // After a reload what is announced stays, until a check has said otherwise.
        if is_unproven && self.said == Verb::Withdraw {
            return Decision::withdraw("not proven healthy yet");
        }
        if is_unproven {
            return Decision { verb: self.said, reason: String::new() };
        }
        if let Some(reason) = worst(Scope::Shared) {
            return Decision { verb: Verb::Drain, reason: format!("shared: {reason}") };
        }
        let reason = match (self.checks.len(), news) {
            (many, "") => format!("all {many} checks pass"),
            (1, news) => news.to_owned(),
            (many, news) => format!("all {many} checks pass ({news})"),
        };
        Decision { verb: Verb::Announce, reason }
    }
}

impl Decision {
    /// To withdraw.
    #[must_use]
    pub fn withdraw(reason: &str) -> Self {
        Self { verb: Verb::Withdraw, reason: reason.to_owned() }
    }
}
