//! A daemon hangs: SIGSTOP. Its kernel goes on accepting connections and taking packets in for it.

use protocol::{Action, Signal};

use super::{Actions, Effect, Ground, Term, Timers};
use crate::value::Role;

super::about_a_daemon!(Hang, "hang");

impl Effect for Hang {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![Action::Signal { daemon: ground.daemon(self.0)?, signal: Signal::SigStop }])
    }

    fn heal(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![Action::Signal { daemon: ground.daemon(self.0)?, signal: Signal::SigCont }])
    }

    /// No connection is closed: of a speaker the hold time is what is left.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        vec![if self.ends_sessions() { ("hold time", timers.hold) } else { ("bad checks", timers.bad_checks) }]
    }

    fn role(&self) -> Option<Role> {
        Some(self.0)
    }
}
