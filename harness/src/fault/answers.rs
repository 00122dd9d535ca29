//! A programmable name server misbehaves, in the words that it understands: `mute udp`, `servfail 30%`.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::{Actions, Effect, Ground, Term, Timers};
use crate::value::Role;

/// How it behaves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(pub String);

impl Effect for Answers {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![ground.behave(&self.0)?])
    }

    fn heal(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![ground.behave(&format!("reset {}", self.0))?])
    }

    fn needs(&self, role: Role) -> bool {
        role == Role::Resolver
    }

    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        vec![("bad checks", timers.bad_checks)]
    }
}

impl fmt::Display for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "answers: {}", self.0)
    }
}
