//! A share of what comes in to a port, or from that port of another machine, is lost at random, as on a bad line.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::port::{BGP, Port};
use super::{Actions, Effect, Ground, Term, Timers, nft};

/// How much of what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Lose {
    /// So many packets of a hundred.
    pub percent: Percent,
    /// Of these.
    pub of: Port,
}

/// 1 to 100.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "u8", into = "u8")]
pub struct Percent(u8);

impl Effect for Lose {
    fn apply(&self, _: &dyn Ground) -> Actions {
        let lose = format!("numgen random mod 100 < {} drop", self.percent.0);
        Ok(vec![nft::add("lose", &self.of, |_| lose.clone())])
    }

    fn heal(&self, _: &dyn Ground) -> Actions {
        Ok(vec![nft::delete("lose", &self.of)])
    }

    /// If at all: what is lost now and then is asked again.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        vec![if self.ends_sessions() { ("hold time", timers.hold) } else { ("bad checks", timers.bad_checks) }]
    }

    fn ends_sessions(&self) -> bool {
        self.of.port == BGP
    }
}

impl TryFrom<u8> for Percent {
    type Error = String;

    fn try_from(percent: u8) -> Result<Self, String> {
        if (1..=100).contains(&percent) { Ok(Self(percent)) } else { Err(format!("{percent} %: expected 1 to 100")) }
    }
}

impl From<Percent> for u8 {
    fn from(percent: Percent) -> Self {
        percent.0
    }
}

impl fmt::Display for Lose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "lose {} % of {}", self.percent.0, self.of)
    }
}
