//! What a node shows when something is wrong: the answer to [`crate::Action::Inspect`].

use serde::{Deserialize, Serialize};

use crate::{Bytes, Exit};

/// A node's state, as an engineer would ask for it. JSON in the detail of the action's `Done`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inspection {
    /// Its daemons, in the order in which they start.
    pub daemons: Vec<DaemonState>,
    /// Its sockets.
    pub sockets: Vec<SocketState>,
    /// Texts by the name of the file that they become, such as `routes` or `nft`. What could not be read says so.
    pub texts: Vec<(String, String)>,
    /// The last packets that it sent.
    pub packets: Vec<SentPacket>,
}

/// A daemon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DaemonState {
    /// Its name.
    pub name: String,
    /// Its process number, while it runs.
    pub pid: Option<i32>,
    /// How its last process ended, if one has.
    pub exit: Option<Exit>,
    /// Its last lines, oldest first.
    pub lines: Vec<String>,
}

/// A TCP or UDP socket (proc(5), /proc/net/tcp).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SocketState {
    /// `tcp` or `udp`.
    pub protocol: String,
    /// Its own address.
    pub local: std::net::SocketAddr,
    /// The other end's; port 0 where there is none.
    pub remote: std::net::SocketAddr,
    /// Such as `LISTEN` or `ESTABLISHED`.
    pub state: String,
}

/// A packet that the node sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SentPacket {
    /// The network.
    pub network: String,
    /// When it left: nanoseconds of CLOCK_MONOTONIC.
    pub at: u64,
    /// Its length on the wire, in octets.
    pub length: u32,
    /// Its first octets, from the Ethernet header on.
    pub data: Bytes,
}
