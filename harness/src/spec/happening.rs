//! What `ordered` puts in order: things that a history shows, in the words of a scenario.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::value::Role;

/// Something that happens after a fault.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Happening {
    /// The daemon of this role ended, for the first time: `exited ns1 resolver`. One that is killed ends with the signal. Of any other
    /// only the report is known: its sockets are closed a moment before that, and a watchdog may have detected it already.
    Exited(String, Role),
    /// The daemon of this role was started, for the first time: `started ns1 resolver`.
    Started(String, Role),
    /// The node's watchdog said that it withdraws, for the first time: `detected ns1`.
    Detected(String),
    /// Each service address that it serves has been withdrawn on the wire by the node: `withdrawn ns1`.
    Withdrawn(String),
    /// Each service address that it serves has been announced on the wire by the node: `announced ns1`.
    Announced(String),
    /// No router's routing daemon points to the node any more: `rib without ns1`; or all do: `rib with ns1`.
    Rib(bool, String),
    /// No router's kernel points to the node any more: `fib without ns1`; or all do: `fib with ns1`.
    Fib(bool, String),
    /// The session between two nodes came up, for the first time: `established router ns1`.
    Established(String, String),
    /// The session between two nodes ended, for the first time: `ended router ns1`.
    Ended(String, String),
}

/// What there is to say, for those who said something else.
const VOCABULARY: &str = "`exited NODE ROLE`, `started NODE ROLE`, `detected NODE`, `withdrawn NODE`, `announced NODE`, \
     `rib with NODE`, `rib without NODE`, `fib with NODE`, `fib without NODE`, `established NODE NODE` or `ended NODE NODE`";

impl Happening {
    /// The nodes that it names.
    #[must_use]
    pub fn nodes(&self) -> Vec<&str> {
        match self {
            Self::Exited(node, _)
            | Self::Started(node, _)
            | Self::Detected(node)
            | Self::Withdrawn(node)
            | Self::Announced(node)
            | Self::Rib(_, node)
            | Self::Fib(_, node) => vec![node],
            Self::Established(one, other) | Self::Ended(one, other) => vec![one, other],
        }
    }
}

impl FromStr for Happening {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let role = |name: &str| Role::named(name).ok_or_else(|| format!("`{text}`: there is no role `{name}`"));
        let name = |word: &str| word.to_owned();
        match text.split_whitespace().collect::<Vec<_>>().as_slice() {
            ["exited", node, daemon] => Ok(Self::Exited(name(node), role(daemon)?)),
            ["started", node, daemon] => Ok(Self::Started(name(node), role(daemon)?)),
            ["detected", node] => Ok(Self::Detected(name(node))),
            ["withdrawn", node] => Ok(Self::Withdrawn(name(node))),
            ["announced", node] => Ok(Self::Announced(name(node))),
            ["rib", "with", node] => Ok(Self::Rib(true, name(node))),
            ["rib", "without", node] => Ok(Self::Rib(false, name(node))),
            ["fib", "with", node] => Ok(Self::Fib(true, name(node))),
            ["fib", "without", node] => Ok(Self::Fib(false, name(node))),
            ["established", one, other] => Ok(Self::Established(name(one), name(other))),
            ["ended", one, other] => Ok(Self::Ended(name(one), name(other))),
            _ => Err(format!("`{text}` is nothing that a history shows: expected {VOCABULARY}")),
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let has = |has: &bool| if *has { "with" } else { "without" };
        match self {
            Self::Exited(node, role) => write!(f, "exited {node} {role}"),
            Self::Started(node, role) => write!(f, "started {node} {role}"),
            Self::Detected(node) => write!(f, "detected {node}"),
            Self::Withdrawn(node) => write!(f, "withdrawn {node}"),
            Self::Announced(node) => write!(f, "announced {node}"),
            Self::Rib(with, node) => write!(f, "rib {} {node}", has(with)),
            Self::Fib(with, node) => write!(f, "fib {} {node}", has(with)),
            Self::Established(one, other) => write!(f, "established {one} {other}"),
            Self::Ended(one, other) => write!(f, "ended {one} {other}"),
        }
    }
}

impl TryFrom<String> for Happening {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Happening> for String {
    fn from(happening: Happening) -> Self {
        happening.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_back() {
        for text in [
            "exited ns1 resolver",
            "started ns1 speaker",
            "detected ns1",
            "withdrawn ns1",
            "announced ns1",
            "rib with ns1",
            "rib without ns1",
            "fib with ns1",
            "fib without ns1",
            "established a b",
            "ended a b",
        ] {
            assert_eq!(text.parse::<Happening>().map(|happening| happening.to_string()), Ok(text.to_owned()));
        }
    }

    #[test]
    fn what_no_history_shows_is_refused() {
        for text in ["", "fib", "gone ns1", "exited ns1", "exited ns1 named", "rib has ns1", "detected ns1 ns2"] {
            assert!(text.parse::<Happening>().is_err(), "{text}");
        }
    }
}
