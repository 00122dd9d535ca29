//! The machine's link to a network is cut, at the far end of the switch: its own port stays up.

use std::fmt;

use protocol::Action;
use serde::{Deserialize, Serialize};

use super::{Actions, Effect, Ground, Term, Timers};

/// The network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cut(pub String);

impl Effect for Cut {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        self.on_its_network(ground, |network| Action::Silence { network })
    }

    fn heal(&self, ground: &dyn Ground) -> Actions {
        self.on_its_network(ground, |network| Action::Speak { network })
    }

    /// Nobody hears anybody: the hold time is what is left.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        vec![("hold time", timers.hold)]
    }

    fn ends_sessions(&self) -> bool {
        true
    }
}

impl Cut {
    fn on_its_network(&self, ground: &dyn Ground, action: impl Fn(Option<String>) -> Action) -> Actions {
        ground.can_be_silent()?;
        if !ground.is_on(&self.0) {
            return Err(format!("it is not on network `{}`", self.0));
        }
        Ok(vec![action(Some(self.0.clone()))])
    }
}

impl fmt::Display for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cut the link to {}", self.0)
    }
}
