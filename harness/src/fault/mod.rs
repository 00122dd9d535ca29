//! FAULT: what breaks and what mends it, as actions of nodes; pure. A new fault is one file here, and its line in `faults!`.

use std::fmt;
use std::time::Duration;

use protocol::Action;
use serde::{Deserialize, Serialize};

use crate::value::Role;

/// A fault of one daemon, named by its role.
macro_rules! about_a_daemon {
    ($name:ident, $verb:literal) => {
        /// The role whose daemon it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Role);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{} {}", $verb, self.0)
            }
        }
    };
}
use about_a_daemon;

mod answers;
mod cut;
mod drop;
mod hang;
mod kill;
mod lose;
mod machine;
mod md5;
mod nft;
mod port;
mod reject;
mod shutdown;
mod stop;

pub use self::{
    answers::Answers,
    cut::Cut,
    drop::Drop,
    hang::Hang,
    kill::Kill,
    lose::{Lose, Percent},
    machine::Machine,
    md5::Md5,
    port::{Port, Protocol, Side},
    reject::Reject,
    shutdown::Shutdown,
    stop::Stop,
};

/// What breaks, and on which node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Fault {
    /// What breaks.
    pub breaks: Breaks,
    /// The node.
    pub on: String,
    /// The other end, of a fault that is about one session.
    pub peer: Option<String>,
}

/// What every fault says of itself.
trait Effect: fmt::Display {
    /// What breaks it; the last action is the one that takes effect.
    fn apply(&self, ground: &dyn Ground) -> Actions;

    /// What mends it.
    fn heal(&self, ground: &dyn Ground) -> Actions;

    /// What routes toward the node take at the most to go, beyond their propagation.
    fn until_withdrawn(&self, timers: &Timers) -> Vec<Term>;

    /// The role whose daemon it is about, if it is about one.
    fn role(&self) -> Option<Role> {
        None
    }

    /// Whether it needs the daemon of this role to run.
    fn needs(&self, role: Role) -> bool {
        self.role() == Some(role)
    }

    /// Whether the daemon of this role has ended once it is in force.
    fn ends(&self, _role: Role) -> bool {
        false
    }

    /// Whether BGP sessions end: as they do with the daemon that holds them.
    fn ends_sessions(&self) -> bool {
        self.role().is_some_and(Role::speaks_bgp)
    }

    /// Whether it is about one session, whose other end `peer` names.
    fn needs_peer(&self) -> bool {
        false
    }
}

/// Actions of the node, in order; or why it cannot be done there.
type Actions = Result<Vec<Action>, String>;

/// A part of a deadline: what is waited for, and for how long at the most.
pub type Term = (&'static str, Duration);

/// The timers that decide when a fault is noticed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timers {
    /// The longest hold time of the lab's sessions (RFC 4271, section 4.2).
    pub hold: Duration,
    /// The longest that the node's watchdog takes to give its name server up.
    pub bad_checks: Duration,
}

/// The node that a fault strikes, and what its daemons can be told.
pub trait Ground {
    /// The daemon of this role, as the node's probe knows it.
    ///
    /// # Errors
    /// No such daemon runs here, or another daemon starts it.
    fn daemon(&self, role: Role) -> Result<String, String>;

    /// What takes the session with `peer` down or up again, by the daemon's own command.
    ///
    /// # Errors
    /// There is no such session, or the daemon has no such command.
    fn session(&self, peer: &str, up: bool) -> Result<Vec<Action>, String>;

    /// What gives the session with `peer` another MD5 key while it runs; none for the one in the topology.
    ///
    /// # Errors
    /// There is no such session, or the daemon cannot change it while it runs.
    fn key(&self, peer: &str, key: Option<&str>) -> Result<Vec<Action>, String>;

    /// What tells a programmable name server how to behave; `reset ...` ends that.
    ///
    /// # Errors
    /// The node's name server is not programmable.
    fn behave(&self, how: &str) -> Result<Action, String>;

    /// Whether the node can fall silent: drop every frame that comes in or leaves.
    ///
    /// # Errors
    /// Its nft(8) is too old.
    fn can_be_silent(&self) -> Result<(), String>;

    /// Whether the node is on this network.
    fn is_on(&self, network: &str) -> bool;

    /// The session's other end that the fault names.
    fn peer(&self) -> Option<&str>;
}

macro_rules! faults {
    ($($(#[$doc:meta])* $key:ident => $variant:ident,)*) => {
        /// What breaks.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub enum Breaks {
            $($(#[$doc])* $variant($variant),)*
        }

        /// As written: exactly one fault.
        #[derive(Default, Serialize, Deserialize)]
        #[serde(rename_all = "kebab-case", deny_unknown_fields)]
        struct Entry {
            $(#[serde(default, skip_serializing_if = "Option::is_none")] $key: Option<$variant>,)*
            on: String,
            #[serde(default, skip_serializing_if = "Option::is_none")]
            peer: Option<String>,
        }

        /// The keys that say so in a step.
        const KEYS: &[&str] = &[$(stringify!($key)),*];

        impl Entry {
            fn breaks(self) -> Vec<Breaks> {
                let found = [$(self.$key.map(Breaks::$variant)),*];
                found.into_iter().flatten().collect()
            }
        }

        impl From<Breaks> for Entry {
            fn from(breaks: Breaks) -> Self {
                match breaks {
                    $(Breaks::$variant(value) => Self { $key: Some(value), ..Self::default() },)*
                }
            }
        }

        impl Breaks {
            /// The key that says so in a step.
            #[must_use]
            pub fn key(&self) -> &'static str {
                match self { $(Self::$variant(_) => stringify!($key),)* }
            }

            fn effect(&self) -> &dyn Effect {
                match self { $(Self::$variant(value) => value,)* }
            }
        }
    };
}

faults! {
    /// A daemon is killed with SIGKILL.
    kill => Kill,
    /// A daemon is asked to end, with SIGTERM.
    stop => Stop,
    /// A daemon is stopped with SIGSTOP: its port still accepts connections, and nobody answers.
    hang => Hang,
    /// What comes in to a port, or from that port of another machine, is dropped.
    drop => Drop,
    /// The same, and whoever sent it is told so.
    reject => Reject,
    /// A share of the same is lost at random.
    lose => Lose,
    /// A BGP session is taken down by the daemon's own command.
    shutdown => Shutdown,
    /// One end's MD5 key is changed while the session is up.
    md5 => Md5,
    /// The machine fails: it crashes, or freezes.
    machine => Machine,
    /// The machine's link to a network is cut.
    cut => Cut,
    /// A programmable name server misbehaves.
    answers => Answers,
}

impl Fault {
    /// This, on that node.
    #[must_use]
    pub fn on(node: &str, breaks: Breaks) -> Self {
        Self { breaks, on: node.to_owned(), peer: None }
    }

    /// What breaks it, on its node; the last action is the one that takes effect.
    ///
    /// # Errors
    /// Why it cannot be done there.
    pub fn apply(&self, ground: &dyn Ground) -> Result<Vec<Action>, String> {
        self.breaks.effect().apply(ground)
    }

    /// What mends it.
    ///
    /// # Errors
    /// Why it cannot be done there.
    pub fn heal(&self, ground: &dyn Ground) -> Result<Vec<Action>, String> {
        self.breaks.effect().heal(ground)
    }

    /// What routes toward the node take at the most to go, beyond their propagation.
    #[must_use]
    pub fn until_withdrawn(&self, timers: &Timers) -> Vec<Term> {
        self.breaks.effect().until_withdrawn(timers)
    }

    /// The role whose daemon it is about, if it is about one.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        self.breaks.effect().role()
    }

    /// Whether it needs the daemon of this role to run.
    #[must_use]
    pub fn needs(&self, role: Role) -> bool {
        self.breaks.effect().needs(role)
    }

    /// Whether the daemon of this role has ended once it is in force.
    #[must_use]
    pub fn ends(&self, role: Role) -> bool {
        self.breaks.effect().ends(role)
    }

    /// Whether BGP sessions end.
    #[must_use]
    pub fn ends_sessions(&self) -> bool {
        self.breaks.effect().ends_sessions()
    }
}

impl TryFrom<Entry> for Fault {
    type Error = String;

    fn try_from(mut entry: Entry) -> Result<Self, String> {
        let (on, peer) = (std::mem::take(&mut entry.on), entry.peer.take());
        let breaks = <[Breaks; 1]>::try_from(entry.breaks()).map_err(|found| {
            let keys: Vec<String> = KEYS.iter().map(|key| format!("`{key}`")).collect();
            format!("an inject has one fault ({}), found {}", keys.join(", "), found.len())
        });
        let [breaks] = breaks?;
        match (breaks.effect().needs_peer(), &peer) {
            (true, None) => Err(format!("`{}` is about one session: `peer` names its other end", breaks.key())),
            (false, Some(_)) => Err(format!("`{}` is about no session: it has no `peer`", breaks.key())),
            _ => Ok(Self { breaks, on, peer }),
        }
    }
}

impl From<Fault> for Entry {
    fn from(Fault { breaks, on, peer }: Fault) -> Self {
        Self { on, peer, ..Self::from(breaks) }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.breaks.effect(), self.on)?;
        self.peer.as_ref().map_or(Ok(()), |peer| write!(f, " toward {peer}"))
    }
}

#[cfg(test)]
mod tests;
