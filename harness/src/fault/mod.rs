//! FAULT: what breaks, and what mends it, as actions of nodes; pure data.

use protocol::{Action, Signal};

use crate::spec::{Inject, Role};

/// A fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A daemon is killed with SIGKILL, its machine lives.
    Kill {
        /// The daemon's role.
        role: Role,
        /// The node.
        node: String,
    },
}

/// What a node is told to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Move {
    /// The node.
    pub node: String,
    /// The action.
    pub action: Action,
}

impl From<&Inject> for Fault {
    fn from(inject: &Inject) -> Self {
        Self::Kill { role: inject.kill, node: inject.on.clone() }
    }
}

impl Fault {
    /// What breaks it; the last move is the one that takes effect.
    #[must_use]
    pub fn apply(&self) -> Vec<Move> {
        match self {
            Self::Kill { role, node } => {
                let action = Action::Signal { daemon: role.to_string(), signal: Signal::SigKill };
                vec![Move { node: node.clone(), action }]
            }
        }
    }

    /// What mends it.
    #[must_use]
    pub fn heal(&self) -> Vec<Move> {
        match self {
            Self::Kill { role, node } => {
                let action = Action::Start { daemon: role.to_string() };
                vec![Move { node: node.clone(), action }]
            }
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Kill { role, node } => write!(f, "kill {role} on {node}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_kill_breaks_its_heal_starts() {
        let fault = Fault::Kill { role: Role::Resolver, node: "ns1".to_owned() };
        let (daemon, node) = ("resolver".to_owned(), "ns1".to_owned());
        let kill = Action::Signal { daemon: daemon.clone(), signal: Signal::SigKill };
        assert_eq!(fault.apply(), [Move { node: node.clone(), action: kill }]);
        assert_eq!(fault.heal(), [Move { node, action: Action::Start { daemon } }]);
    }
}
