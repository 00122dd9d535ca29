//! How the server misbehaves: commands, what is in force, and what that means for a query; pure.

mod effect;
mod force;
mod names;
mod parse;
mod share;

use std::fmt;

pub use effect::{Delay, Effect, Serial};
pub use force::{Asked, Decision, Force};
pub use names::Names;
pub use parse::{Command, Misread};
pub use share::Share;

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    /// UDP.
    Udp,
    /// TCP.
    Tcp,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

/// One misbehaviour, and which queries it meets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Behaviour {
    /// What becomes of their answers.
    pub effect: Effect,
    /// How many of them.
    pub share: Share,
    /// What draws by chance draws from this; without it a share is spread evenly.
    pub seed: Option<u64>,
    /// Only those over this transport.
    pub transport: Option<Transport>,
    /// Only those for these names.
    pub names: Names,
}

impl Behaviour {
    /// Whether the one replaces the other: only numbers differ.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        std::mem::discriminant(&self.effect) == std::mem::discriminant(&other.effect)
            && self.transport == other.transport
            && self.names == other.names
    }

    /// Whether the query is one of those that are meant.
    #[must_use]
    pub fn meets(&self, asked: &Asked<'_>) -> bool {
        self.transport.is_none_or(|transport| transport == asked.transport)
            && (self.effect != Effect::Truncate || asked.transport == Transport::Udp)
            && self.names.contain(asked.name)
    }
}

/// As it is written in a command.
impl fmt::Display for Behaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.effect {
            Effect::Silence if self.share != Share::ALL => f.write_str("drop")?,
            effect => write!(f, "{effect}")?,
        }
        if self.share != Share::ALL {
            write!(f, " {}", self.share)?;
        }
        if let Some(seed) = self.seed {
            write!(f, " seed {seed}")?;
        }
        if let Some(transport) = self.transport {
            write!(f, " {transport}")?;
        }
        write!(f, "{}", self.names)
    }
}
