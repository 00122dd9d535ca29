//! A BGP session is taken down by the daemon's own command, as an administrator would (RFC 8203).

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Actions, Effect, Ground, Term, Timers};
use crate::value::Role;

/// The session with this node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Shutdown(pub String);

impl Effect for Shutdown {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        ground.session(&self.0, false)
    }

    fn heal(&self, ground: &dyn Ground) -> Actions {
        ground.session(&self.0, true)
    }

    /// The peer is told.
    fn until_withdrawn(&self, _: &Timers) -> Vec<Term> {
        vec![]
    }

    fn needs(&self, role: Role) -> bool {
        role.speaks_bgp()
    }

    fn ends_sessions(&self) -> bool {
        true
    }
}

impl fmt::Display for Shutdown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shutdown of the session with {}", self.0)
    }
}
