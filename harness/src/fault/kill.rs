//! A daemon is killed: no last words, but its kernel closes its connections.

use protocol::{Action, Signal};

use super::{Actions, Effect, Ground, Term, Timers};
use crate::value::Role;

super::about_a_daemon!(Kill, "kill");

impl Effect for Kill {
    fn apply(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![Action::Signal { daemon: ground.daemon(self.0)?, signal: Signal::SigKill }])
    }

    fn heal(&self, ground: &dyn Ground) -> Actions {
        Ok(vec![Action::Revive { daemon: ground.daemon(self.0)? }])
    }

    /// A closed connection is noticed at once; graceful restart aside, which keeps routes for its own time.
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
