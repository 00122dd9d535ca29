//! What a node is: the first line on the probe's stdin.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Bytes;

/// All that the probe needs to turn a fresh container into the node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Setup {
    /// The node's name; also its hostname.
    pub node: String,
    /// Its interfaces, in the order in which they are named `eth0`, `eth1`, ...
    pub links: Vec<Link>,
    /// Host addresses (/32, /128) bound on `lo`.
    pub loopback: Vec<IpAddr>,
    /// Static routes, set after the addresses.
    pub routes: Vec<Route>,
    /// Files written before the first daemon starts; parent folders are made.
    pub files: Vec<File>,
    /// Programs started in this order, none waiting for another.
    pub daemons: Vec<Daemon>,
    /// Control sockets of routing daemons whose RIB is reported whenever it changed.
    pub ribs: Vec<ControlSocket>,
    /// Queries that this node asks once [`crate::Action::Ask`] starts them.
    pub trains: Vec<Train>,
}

/// One interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The scenario's name of the network.
    pub network: String,
    /// The subnet from which Docker gave the interface an address: how the probe tells which interface this is. That
    /// address is removed.
    pub carrier: IpNet,
    /// The hardware address to set, six octets in colon notation; begins with [`crate::MAC_PREFIX`].
    pub mac: String,
    /// The scenario's addresses, with prefix lengths; set without duplicate address detection.
    pub addresses: Vec<IpNet>,
}

/// One static route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Route {
    /// The destination; `0.0.0.0/0` and `::/0` are default routes.
    pub to: IpNet,
    /// The next hop, on a connected network.
    pub via: IpAddr,
}

/// One file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct File {
    /// Absolute path.
    pub path: String,
    /// Permission bits, such as 0o644.
    pub mode: u32,
    /// The contents, byte for byte.
    pub content: Bytes,
}

/// One program that the probe runs as its child, in the foreground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Daemon {
    /// The name by which commands and reports refer to it; unique on the node.
    pub name: String,
    /// The program, an absolute path or looked up in PATH, and its arguments.
    pub argv: Vec<String>,
    /// Environment on top of the container's own.
    pub env: BTreeMap<String, String>,
}

/// Where a routing daemon is asked for its RIB, in its own dialect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum ControlSocket {
    /// BIRD 2 and 3: a Unix stream socket, replies with 4-digit codes (BIRD programmer's manual, CLI).
    Bird {
        /// The daemon that answers there.
        daemon: String,
        /// Path of the socket.
        path: String,
        /// The command, such as `show route export`: asked once for each protocol that writes to a kernel's table, whose name
        /// follows it.
        command: String,
    },
    /// FRR's bgpd: a Unix stream socket, commands and replies end in NUL (vtysh's own protocol).
    Frr {
        /// The daemon that answers there.
        daemon: String,
        /// Path of the socket.
        path: String,
        /// The commands, asked in turn.
        commands: Vec<String>,
    },
}

/// Queries at a fixed rate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Train {
    /// The name under which answers are reported: the service's.
    pub name: String,
    /// The addresses asked in turn.
    pub to: Vec<IpAddr>,
    /// Queries a second over all addresses.
    pub per_second: u32,
    /// The name asked for, type SOA, class IN, with an NSID option (RFC 5001).
    pub qname: String,
    /// Milliseconds after which a query without an answer is lost.
    pub timeout_ms: u64,
    /// What a router that balances per flow takes them for.
    #[serde(default)]
    pub flow: Flow,
}

/// What the queries of a train are to a router that balances per flow.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// Each comes from a socket of its own, and is a flow of its own.
    #[default]
    Each,
    /// All to one address come from one socket, and are one flow.
    One,
}
