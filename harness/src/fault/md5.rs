//! One end's MD5 key (RFC 2385) is changed while the session is up.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Actions, Effect, Ground, Term, Timers};
use crate::secret::Secret;
use crate::value::Role;

/// The new key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Md5(pub Secret);

impl Effect for Md5 {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        ground.key(peer(ground)?, Some(self.0.reveal()))
    }

    fn heal(&self, ground: &dyn Ground) -> Actions {
        ground.key(peer(ground)?, None)
    }

    /// A daemon that resets the session says so with the new key, which its peer does not hear: the hold time is what is left.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        vec![("hold time", timers.hold)]
    }

    fn needs(&self, role: Role) -> bool {
        role.speaks_bgp()
    }

    fn ends_sessions(&self) -> bool {
        true
    }

    fn needs_peer(&self) -> bool {
        true
    }
}

fn peer(ground: &dyn Ground) -> Result<&str, String> {
    ground.peer().ok_or_else(|| "it names no peer".to_owned())
}

impl fmt::Display for Md5 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("another MD5 key")
    }
}
