//! The machine fails: nothing of it is heard any more, no FIN and no RST.
//!
//! The node's probe lives on, as the one who looks at the wreck.

use std::fmt;

use protocol::{Action, Signal};
use serde::{Deserialize, Serialize};

use super::{Actions, Effect, Ground, Term, Timers};
use crate::value::Role;

/// How the machine fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Machine {
    /// Its power is cut: all its processes are gone. Healed, it boots.
    Crash,
    /// It stands still, and knows nothing of it: as a virtual machine that is being moved. Healed, it goes on.
    Freeze,
}

impl Effect for Machine {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        ground.can_be_silent()?;
        let signal = match self {
            Self::Crash => Signal::SigKill,
            Self::Freeze => Signal::SigStop,
        };
        Ok(vec![Action::Silence { network: None }, Action::SignalAll { signal }])
    }

    fn heal(&self, _: &dyn Ground) -> Actions {
        let speak = Action::Speak { network: None };
        Ok(match self {
            // A machine that boots has none of the routes that its daemons had.
            Self::Crash => vec![Action::FlushRoutes, speak, Action::StartAll],
            Self::Freeze => vec![speak, Action::SignalAll { signal: Signal::SigCont }],
        })
    }

    /// Nobody says anything: the hold time is what is left.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        vec![("hold time", timers.hold)]
    }

    fn ends(&self, _: Role) -> bool {
        matches!(self, Self::Crash)
    }

    fn ends_sessions(&self) -> bool {
        true
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Crash => "crash",
            Self::Freeze => "freeze",
        })
    }
}
