//! Faults, as a step writes them.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::topology::Role;
use super::value::Family;

/// A fault, and the node on which.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Inject {
    /// What breaks.
    pub fault: Breaks,
    /// The node.
    pub on: String,
}

/// What breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Breaks {
    /// The daemon of this role is killed with SIGKILL.
    Kill(Role),
    /// The daemon of this role is stopped with SIGSTOP: its port still accepts connections, and nobody answers.
    Hang(Role),
    /// What comes in to a port, or from that port of another machine, is dropped; what the node sends itself too.
    Drop(Port),
}

/// What is dropped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Port {
    /// The port, at either end.
    pub port: u16,
    /// Only this protocol; else both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Only this family; else both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub family: Option<Family>,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the protocols'")]
pub enum Protocol {
    Udp,
    Tcp,
}

/// As written: exactly one fault.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    kill: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hang: Option<Role>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    drop: Option<Port>,
    on: String,
}

impl TryFrom<Entry> for Inject {
    type Error = String;

    fn try_from(Entry { kill, hang, drop, on }: Entry) -> Result<Self, String> {
        let faults = [kill.map(Breaks::Kill), hang.map(Breaks::Hang), drop.map(Breaks::Drop)];
        match <[Breaks; 1]>::try_from(faults.into_iter().flatten().collect::<Vec<_>>()) {
            Ok([fault]) => Ok(Self { fault, on }),
            Err(faults) => Err(format!("an inject has one fault (`kill`, `hang` or `drop`), found {}", faults.len())),
        }
    }
}

impl From<Inject> for Entry {
    fn from(Inject { fault, on }: Inject) -> Self {
        let none = Self { kill: None, hang: None, drop: None, on };
        match fault {
            Breaks::Kill(role) => Self { kill: Some(role), ..none },
            Breaks::Hang(role) => Self { hang: Some(role), ..none },
            Breaks::Drop(port) => Self { drop: Some(port), ..none },
        }
    }
}

impl Breaks {
    /// The role whose daemon it is about, if it is about one.
    #[must_use]
    pub fn role(&self) -> Option<Role> {
        match self {
            Self::Kill(role) | Self::Hang(role) => Some(*role),
            Self::Drop(_) => None,
        }
    }

    /// The key that says so in a step.
    #[must_use]
    pub fn key(&self) -> &'static str {
        match self {
            Self::Kill(_) => "kill",
            Self::Hang(_) => "hang",
            Self::Drop(_) => "drop",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
        })
    }
}

impl fmt::Display for Port {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "port {}", self.port)?;
        if let Some(protocol) = self.protocol {
            write!(f, " {protocol}")?;
        }
        self.family.map_or(Ok(()), |family| write!(f, " {family}"))
    }
}

impl fmt::Display for Breaks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kill(role) => write!(f, "kill {role}"),
            Self::Hang(role) => write!(f, "hang {role}"),
            Self::Drop(port) => write!(f, "drop {port}"),
        }
    }
}

impl fmt::Display for Inject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", self.fault, self.on)
    }
}
