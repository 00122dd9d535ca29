//! A daemon is asked to end, as its machine's administrator would: SIGTERM.

use protocol::Action;

use super::{Actions, Effect, Ground, Term, Timers};
use crate::value::Role;

super::about_a_daemon!(Stop, "stop");

impl Effect for Stop {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![Action::Stop { daemon: ground.daemon(self.0)? }])
    }

    fn heal(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![Action::Revive { daemon: ground.daemon(self.0)? }])
    }

    /// The action is done when the daemon has ended: its connections are closed by then.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        if self.ends_sessions() { vec![] } else { vec![("bad checks", timers.bad_checks)] }
    }

    fn ends(&self, role: Role) -> bool {
        self.0 == role
    }

    fn role(&self) -> Option<Role> {
        Some(self.0)
    }
}
