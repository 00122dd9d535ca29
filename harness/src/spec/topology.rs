//! What a lab consists of: networks, services, and the nodes on and behind them.

use std::net::IpAddr;

use indexmap::IndexMap;
use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::value::{Secret, Span};

/// A lab's shape. Maps keep the order of the file.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Topology {
    /// Each network's prefixes, at most one of each family.
    pub networks: IndexMap<String, Vec<IpNet>>,
    /// What clients ask for.
    #[serde(default)]
    pub services: IndexMap<String, Service>,
    /// The machines.
    pub nodes: IndexMap<String, Node>,
}

/// An anycast service: addresses at which the same zone is answered, wherever they are bound.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Service {
    /// Its addresses: bound on `lo` where it is served, announced as /32 and /128.
    pub addresses: Vec<IpAddr>,
    /// The zone for which its servers are authoritative.
    pub zone: String,
}

/// A machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Node {
    /// Its addresses on each network; the first network is `eth0`.
    pub on: IndexMap<String, Vec<IpAddr>>,
    /// The daemons that it runs: roles that the matrix fills, or products such as `bind@9.20`.
    #[serde(default)]
    pub runs: Vec<String>,
    /// The services bound on its loopback.
    #[serde(default)]
    pub serves: Vec<String>,
    /// Its AS number.
    #[serde(default)]
    pub asn: Option<u32>,
    /// Its BGP sessions; one that is declared at the other end only is mirrored.
    #[serde(default)]
    pub peers: IndexMap<String, Peer>,
    /// The node that its default routes point to.
    #[serde(default)]
    pub gateway: Option<String>,
    /// Static routes beyond those that follow from the networks: prefix = the node that it leads to.
    #[serde(default)]
    pub routes: IndexMap<IpNet, String>,
    /// The queries that it asks all the time.
    #[serde(default)]
    pub asks: Vec<Ask>,
    /// Files from beside the scenario, in place of generated ones: path in the node = path here. Byte for byte, but for one
    /// that ends in `.j2`, which is a template of `vars`.
    #[serde(default)]
    pub files: IndexMap<String, String>,
    /// What its templates are filled with.
    #[serde(default)]
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// Environment of its daemons.
    #[serde(default)]
    pub env: IndexMap<String, String>,
    /// Kernel parameters (`net.*`) on top of those that its role sets.
    #[serde(default)]
    pub sysctl: IndexMap<String, String>,
    /// The watchdog's timers.
    #[serde(default)]
    pub watchdog: Watchdog,
    /// Who decides that its routes are announced.
    #[serde(default)]
    pub announces: Announces,
}

/// One end of a BGP session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Peer {
    /// Hold time (RFC 4271, section 4.2): whole seconds, 0 or at least 3.
    #[serde(default = "Peer::default_hold_time")]
    pub hold_time: Span,
    /// The key of TCP MD5 signatures (RFC 2385).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub md5: Option<Secret>,
}

impl Peer {
    fn default_hold_time() -> Span {
        Span::ms(10_000)
    }
}

/// Queries at a fixed rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Ask {
    /// The service asked, at all its addresses in turn.
    pub service: String,
    /// Queries a second over all its addresses.
    pub per_second: u32,
    /// How long a query waits for its answer before it counts as lost.
    #[serde(default = "Ask::default_timeout")]
    pub timeout: Span,
}

impl Ask {
    fn default_timeout() -> Span {
        Span::ms(500)
    }
}

/// How the watchdog checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Watchdog {
    /// From one check to the next while healthy.
    pub interval: Span,
    /// The same while not.
    pub fast_interval: Span,
    /// The longest that one check takes.
    pub timeout: Span,
    /// Good checks in a row before it announces.
    pub rise: u32,
    /// Bad checks in a row before it withdraws.
    pub fall: u32,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self { interval: Span::ms(1000), fast_interval: Span::ms(100), timeout: Span::ms(1000), rise: 1, fall: 1 }
    }
}

/// Who decides that a node's routes are announced.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Announces {
    /// The watchdog: routes are withdrawn from the outset.
    #[default]
    WhenHealthy,
    /// Nobody: routes are announced for as long as the session is up.
    Always,
}

impl Topology {
    /// The node that has this address on a network, if any.
    #[must_use]
    pub fn owner_of(&self, address: IpAddr) -> Option<&str> {
        let owns = |node: &Node| node.on.values().flatten().any(|own| *own == address);
        self.nodes.iter().find(|(_, node)| owns(node)).map(|(name, _)| name.as_str())
    }

    /// The prefix of a network that holds this address.
    #[must_use]
    pub fn prefix_of(&self, network: &str, address: IpAddr) -> Option<IpNet> {
        self.networks.get(network)?.iter().copied().find(|prefix| prefix.contains(&address))
    }
}

impl Node {
    /// Its address in the same network and family as `other`'s, and the other's: how the two reach each other.
    pub fn toward(&self, other: &Self, v6: bool) -> Option<(IpAddr, IpAddr)> {
        self.on.iter().find_map(|(network, mine)| {
            let theirs = other.on.get(network)?;
            let pick = |addresses: &[IpAddr]| addresses.iter().copied().find(|a| a.is_ipv6() == v6);
            Some((pick(mine)?, pick(theirs)?))
        })
    }
}
