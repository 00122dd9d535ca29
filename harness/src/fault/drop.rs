//! What comes in to a port, or from that port of another machine, is dropped: no error tells anybody.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::port::{BGP, Port};
use super::{Actions, Effect, Ground, Term, Timers, nft};

/// What is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Drop(pub Port);

impl Effect for Drop {
    fn apply(&self, _: &dyn Ground) -> Actions {
        Ok(vec![nft::add("drop", &self.0, |_| "drop".to_owned())])
    }

    fn heal(&self, _: &dyn Ground) -> Actions {
        Ok(vec![nft::delete("drop", &self.0)])
    }

    /// What the node sends still arrives, until its peer's silence stops it: one more keepalive, a third of the hold time
    /// after the one before (RFC 4271, section 4.4), restarts the peer's timer.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        if self.ends_sessions() {
            vec![("last keepalive", timers.hold / 3), ("hold time", timers.hold)]
        } else {
            vec![("bad checks", timers.bad_checks)]
        }
    }

    fn ends_sessions(&self) -> bool {
        self.0.port == BGP
    }
}

impl fmt::Display for Drop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "drop {}", self.0)
    }
}
