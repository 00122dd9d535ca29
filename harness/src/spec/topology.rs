//! What a lab consists of: networks, services, and the nodes on and behind them.

use std::net::IpAddr;

use indexmap::IndexMap;
use ipnet::IpNet;
use protocol::Flow;
use serde::{Deserialize, Serialize};

use crate::secret::Secret;
use crate::value::{Beside, Family, NodePath, Span, Zone};

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
    pub zone: Zone,
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
    pub files: IndexMap<NodePath, Beside>,
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
    /// The command line of the watchdog that is a script of the user's own, one of `files`.
    #[serde(default)]
    pub script: Option<String>,
    /// Who decides that its routes are announced.
    #[serde(default)]
    pub announces: Announces,
    /// The local preference of what it announces, by service (RFC 4271, section 5.1.5: within one AS).
    #[serde(default)]
    pub local_pref: IndexMap<String, u32>,
}

/// One end of a BGP session. What is left open is what the other end says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Peer {
    /// Hold time (RFC 4271, section 4.2): whole seconds, 0 or at least 3.
    pub hold_time: Option<Span>,
    /// Key of the TCP MD5 signature (RFC 2385).
    pub md5: Option<Secret>,
    /// ExaBGP's `md5-base64`: whether it takes the key as base64. This end's own.
    pub md5_base64: Option<bool>,
    /// What this end believes the other's AS number to be. This end's own.
    pub asn: Option<u32>,
    /// How many hops away the other end may be: the TTL of what is sent.
    pub multihop: Option<u8>,
    /// TTL security (RFC 5082): 255 is sent, and what has come further than so many hops is not taken.
    pub ttl_security: Option<u8>,
    /// Graceful restart (RFC 4724): how long the other end is to keep our routes while we are gone. This end's own.
    pub graceful_restart: Option<Span>,
    /// Whether both families share a session.
    pub sessions: Option<Sessions>,
}

/// Which families a session between two nodes carries.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Sessions {
    /// One session carries both (RFC 4760).
    #[default]
    One,
    /// Each family has a session of its own, between addresses of that family.
    PerFamily,
}

impl Peer {
    /// The hold time where neither end declares one.
    pub const HOLD_TIME: Span = Span::ms(10_000);

    /// What this end gets: what it declares, and where it declares nothing, what the other one does.
    #[must_use]
    pub fn merged(mine: Option<&Self>, theirs: Option<&Self>) -> Option<Self> {
        let (Some(mine), theirs) = (mine.or(theirs.map(|_| &Self::NOTHING)), theirs.unwrap_or(&Self::NOTHING)) else {
            return None;
        };
        Some(Self {
            hold_time: mine.hold_time.or(theirs.hold_time),
            md5: mine.md5.clone().or_else(|| theirs.md5.clone()),
            multihop: mine.multihop.or(theirs.multihop),
            ttl_security: mine.ttl_security.or(theirs.ttl_security),
            sessions: mine.sessions.or(theirs.sessions),
            ..mine.clone()
        })
    }

    const NOTHING: Self = Self {
        hold_time: None,
        md5: None,
        md5_base64: None,
        asn: None,
        multihop: None,
        ttl_security: None,
        graceful_restart: None,
        sessions: None,
    };
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
    /// Whether each query is a flow of its own, or all of them to one address are one.
    #[serde(default)]
    pub flow: Flow,
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
        Self { interval: Span::ms(200), fast_interval: Span::ms(50), timeout: Span::ms(250), rise: 1, fall: 3 }
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

    /// Its first address of this family.
    pub(crate) fn first(&self, family: Family) -> Option<IpAddr> {
        self.on.values().flatten().copied().find(|own| Family::of(*own) == family)
    }
}

/// The addresses of a session that carries this family alone, or both: this end's, and the other's. Those of one network; a session
/// over several hops needs none in common, but one family.
pub(crate) fn session_addresses(
    mine: &Node,
    other: &Node,
    multihop: bool,
    family: Option<Family>,
) -> Option<(IpAddr, IpAddr)> {
    let far = |family| Some((mine.first(family)?, other.first(family)?)).filter(|_| multihop);
    let families: Vec<Family> = family.map_or(Family::ALL.to_vec(), |family| vec![family]);
    let near = families.iter().find_map(|family| mine.toward(other, *family == Family::V6));
    near.or_else(|| families.iter().find_map(|family| far(*family)))
}
