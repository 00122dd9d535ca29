//! The machine that decides: samples in, decisions out. No clock and no socket.

use std::fmt;

use crate::sample::{Sample, Verdict};

#[cfg(test)]
mod tests;

/// What is to be done about the routes, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What to do.
    pub verb: Verb,
    /// Why, in words.
    pub reason: String,
}

/// What can be done about the routes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verb {
    /// Let the neighbours know the routes.
    Announce,
    /// Take the routes back.
    Withdraw,
}

/// As in the journal, and as ExaBGP spells its commands.
impl fmt::Display for Verb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Announce => "announce",
            Self::Withdraw => "withdraw",
        })
    }
}

/// Announces after `rise` healthy samples in a row; withdraws after `fall` failed ones, or at once when refused.
///
/// It speaks on changes only, and twice besides: it withdraws at the start, because a predecessor that was killed left
/// its routes standing, and at the end.
#[derive(Debug)]
pub struct Machine {
    rise: u32,
    fall: u32,
    state: State,
    /// Samples in a row that speak against the state.
    against: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Withdrawn, and not proven otherwise since the start.
    Init,
    Up,
    Down,
}

impl Machine {
    /// A machine, and its first decision. `rise` and `fall` count from 1.
    #[must_use]
    pub fn start(rise: u32, fall: u32) -> (Self, Decision) {
        let machine = Self { rise, fall, state: State::Init, against: 0 };
        (machine, Decision::withdraw("start: withdrawn until proven healthy"))
    }

    /// Takes a sample in; the decision if it changes the state.
    pub fn step(&mut self, sample: &Sample) -> Option<Decision> {
        let is_up = self.state == State::Up;
        let speaks_against = is_up != (sample.verdict == Verdict::Healthy);
        self.against = if speaks_against { self.against.saturating_add(1) } else { 0 };
        let (needed, verb) = if is_up { (self.fall, Verb::Withdraw) } else { (self.rise, Verb::Announce) };
        let trips = self.against >= needed || sample.verdict == Verdict::Refused;
        if !speaks_against || !trips {
            return None;
        }
        let rounds = match self.against {
            1 => String::new(),
            many => format!(", {many} rounds in a row"),
        };
        self.state = if is_up { State::Down } else { State::Up };
        self.against = 0;
        Some(Decision { verb, reason: format!("{}{rounds}", sample.reason) })
    }

    /// The last decision of all.
    #[must_use]
    pub fn stop(self, reason: &str) -> Decision {
        Decision::withdraw(reason)
    }

    /// Whether the routes are announced and nothing speaks against it: time enough until the next sample.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.state == State::Up && self.against == 0
    }
}

impl Decision {
    /// To withdraw.
    #[must_use]
    pub fn withdraw(reason: &str) -> Self {
        Self { verb: Verb::Withdraw, reason: reason.to_owned() }
    }
}
