//! A port, as the faults of the network name it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::value::Family;

/// Where BGP listens (RFC 4271, section 8.2.1).
pub(super) const BGP: u16 = 179;

/// Which packets.
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
    /// Only what comes from there; else also what the node sends itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Side>,
}

/// A transport protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the names are the protocols'")]
pub enum Protocol {
    Udp,
    Tcp,
}

/// Where packets come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Side {
    /// Another machine: what the node's own checks send goes through.
    Outside,
}

impl Port {
    /// Every port of that number.
    #[must_use]
    pub fn number(port: u16) -> Self {
        Self { port, protocol: None, family: None, from: None }
    }

    /// What a rule of nft(8) says of such packets, one for each protocol; `side` is `dport` or `sport`.
    pub(super) fn matches(&self, side: &str) -> Vec<String> {
        let from = match self.from {
            None => "",
            Some(Side::Outside) => "iifname != \"lo\" ",
        };
        let family = match self.family {
            None => "",
            Some(Family::V4) => "meta nfproto ipv4 ",
            Some(Family::V6) => "meta nfproto ipv6 ",
        };
        let protocols = self.protocol.map_or(vec![Protocol::Tcp, Protocol::Udp], |protocol| vec![protocol]);
        protocols.iter().map(|protocol| format!("{from}{family}{protocol} {side} {}", self.port)).collect()
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
        if let Some(family) = self.family {
            write!(f, " {family}")?;
        }
        self.from.map_or(Ok(()), |Side::Outside| f.write_str(" from outside"))
    }
}
