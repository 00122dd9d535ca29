//! What comes in to a port, or from that port of another machine, is rejected: with RST over TCP, with ICMP over UDP.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::port::{BGP, Port};
use super::{Actions, Effect, Ground, Term, Timers, nft};

/// What is rejected.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Reject(pub Port);

impl Effect for Reject {
    fn apply(&self, _: &dyn Ground) -> Actions {
        Ok(vec![nft::add("reject", &self.0, told)])
    }

    fn heal(&self, _: &dyn Ground) -> Actions {
        Ok(vec![nft::delete("reject", &self.0)])
    }

    /// The peer's next segment is answered with RST; either end sends one within a third of the hold time.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        vec![if self.ends_sessions() { ("keepalive", timers.hold / 3) } else { ("bad checks", timers.bad_checks) }]
    }

    fn ends_sessions(&self) -> bool {
        self.0.port == BGP
    }
}

fn told(matched: &str) -> String {
    if matched.contains("tcp") { "reject with tcp reset" } else { "reject" }.to_owned()
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "reject {}", self.0)
    }
}
