//! One node's end of a BGP session, as its daemon is to be told.

use std::net::IpAddr;

use crate::spec::{Node, Peer, Secret, Topology, session_addresses};

/// This node's end of a BGP session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The node at the other end.
    pub peer: String,
    /// Our address.
    pub local: IpAddr,
    /// Theirs.
    pub remote: IpAddr,
    /// Our AS number.
    pub local_asn: u32,
    /// What we believe theirs to be.
    pub remote_asn: u32,
    /// Seconds.
    pub hold_time: u64,
    /// Our addresses toward them, as next hops: one of each family.
    pub next_hops: Vec<IpAddr>,
    /// Key of the TCP MD5 signature.
    pub md5: Option<Secret>,
    /// Whether ExaBGP takes the key as base64.
    pub md5_base64: Option<bool>,
    /// How many hops away they may be.
    pub multihop: Option<u8>,
    /// How many hops away they may be when they send with TTL 255.
    pub ttl_security: Option<u8>,
    /// Seconds for which they are to keep our routes while we are gone.
    pub graceful_restart: Option<u64>,
}

impl Session {
    /// A node's end of the session that either end declares, if one does.
    #[must_use]
    pub fn between(topology: &Topology, name: &str, peer: &str) -> Option<Self> {
        let (node, other) = (topology.nodes.get(name)?, topology.nodes.get(peer).filter(|_| peer != name)?);
        let back = other.peers.get(name);
        let declared = Peer::merged(node.peers.get(peer), back)?;
        let multihop = declared.multihop.is_some();
        let (local, remote) = session_addresses(node, other, multihop)?;
        let own = |v6: bool| {
            let near = node.toward(other, v6).map(|(mine, _)| mine);
            near.or_else(|| first(node, v6).filter(|_| multihop))
        };
        Some(Self {
            peer: peer.to_owned(),
            local,
            remote,
            local_asn: node.asn.or_else(|| back.and_then(|back| back.asn))?,
            remote_asn: declared.asn.or(other.asn)?,
            hold_time: declared.hold_time.unwrap_or(Peer::HOLD_TIME).0.as_secs(),
            next_hops: [false, true].into_iter().filter_map(own).collect(),
            md5: declared.md5,
            md5_base64: declared.md5_base64,
            multihop: declared.multihop,
            ttl_security: declared.ttl_security,
            graceful_restart: declared.graceful_restart.map(|span| span.0.as_secs()),
        })
    }

    /// Seconds between keepalives (RFC 4271, section 10: a third of the hold time).
    #[must_use]
    pub fn keepalive(&self) -> u64 {
        self.hold_time / 3
    }

    /// The key itself, for the daemon's file.
    #[must_use]
    pub fn key(&self) -> Option<&str> {
        self.md5.as_ref().map(Secret::reveal)
    }

    /// Whether the other end is of another AS.
    #[must_use]
    pub fn external(&self) -> bool {
        self.local_asn != self.remote_asn
    }
}

/// A node's end of each of its sessions.
#[must_use]
pub fn sessions(topology: &Topology, name: &str) -> Vec<Session> {
    topology.nodes.keys().filter_map(|peer| Session::between(topology, name, peer)).collect()
}

fn first(node: &Node, v6: bool) -> Option<IpAddr> {
    node.on.values().flatten().copied().find(|address| address.is_ipv6() == v6)
}
