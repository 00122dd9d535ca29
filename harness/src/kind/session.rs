//! One node's end of a BGP session, as its daemon is to be told.

use std::net::IpAddr;

use crate::spec::{Family, Peer, Secret, Sessions, Topology, session_addresses};

/// This node's end of a BGP session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// The node at the other end.
    pub peer: String,
    /// The only family that it carries; it carries both where there is none.
    pub family: Option<Family>,
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
    /// A node's end of the sessions that either end declares, if one does: one for both families, or one for each that the two
    /// have in common.
    #[must_use]
    pub fn between(topology: &Topology, name: &str, peer: &str) -> Vec<Self> {
        let ends = topology.nodes.get(name).zip(topology.nodes.get(peer).filter(|_| peer != name));
        let Some((node, other)) = ends else { return Vec::new() };
        let Some(declared) = Peer::merged(node.peers.get(peer), other.peers.get(name)) else { return Vec::new() };
        let families = match declared.sessions.unwrap_or_default() {
            Sessions::One => vec![None],
            Sessions::PerFamily => Family::ALL.map(Some).to_vec(),
        };
        let back = other.peers.get(name);
        let multihop = declared.multihop.is_some();
        let hop = |family: Family| {
            let near = node.toward(other, family == Family::V6).map(|(mine, _)| mine);
            near.or_else(|| node.first(family).filter(|_| multihop))
        };
        let of = |family: Option<Family>| {
            let (local, remote) = session_addresses(node, other, multihop, family)?;
            let carried = Family::ALL.into_iter().filter(|each| family.is_none_or(|only| only == *each));
            let declared = declared.clone();
            Some(Self {
                peer: peer.to_owned(),
                family,
                local,
                remote,
                local_asn: node.asn.or_else(|| back.and_then(|back| back.asn))?,
                remote_asn: declared.asn.or(other.asn)?,
                hold_time: declared.hold_time.unwrap_or(Peer::HOLD_TIME).0.as_secs(),
                next_hops: carried.filter_map(hop).collect(),
                md5: declared.md5,
                md5_base64: declared.md5_base64,
                multihop: declared.multihop,
                ttl_security: declared.ttl_security,
                graceful_restart: declared.graceful_restart.map(|span| span.0.as_secs()),
            })
        };
        families.into_iter().filter_map(of).collect()
    }

    /// The other end, and the family where there is a session for each: not to be confused with any other session of the node.
    #[must_use]
    pub fn name(&self) -> String {
        match self.family {
            None => self.peer.clone(),
            Some(family) => format!("{}_{family}", self.peer),
        }
    }

    /// Whether routes of this family go over it.
    #[must_use]
    pub fn carries(&self, family: Family) -> bool {
        self.family.is_none_or(|only| only == family)
    }

    /// The families that it carries, as daemons call them.
    #[must_use]
    pub fn families(&self) -> Vec<&'static str> {
        let named = [(Family::V4, "ipv4"), (Family::V6, "ipv6")];
        named.into_iter().filter(|(family, _)| self.carries(*family)).map(|(_, name)| name).collect()
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
    topology.nodes.keys().flat_map(|peer| Session::between(topology, name, peer)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(name: &str, options: &str) -> Vec<Session> {
        let text = format!(
            r#"
            [networks]
            servers = ["10.1.53.0/24", "2001:db8:53::/64"]
            [nodes.router]
            on  = {{ servers = ["10.1.53.254", "2001:db8:53::fe"] }}
            asn = 64601
            [nodes.ns1]
            on  = {{ servers = ["10.1.53.11", "2001:db8:53::11"] }}
            asn = 64601
            peers.router = {{ {options} }}
            "#
        );
        sessions(&toml::from_str(&text).expect("a topology"), name)
    }

    #[test]
    fn both_families_share_a_session_unless_each_has_its_own() {
        let told = |session: &Session| {
            (session.name(), session.local.to_string(), session.families(), session.next_hops.len())
        };
        let all = |options: &str| of("ns1", options).iter().map(told).collect::<Vec<_>>();
        let shared = ("router".to_owned(), "10.1.53.11".to_owned(), vec!["ipv4", "ipv6"], 2);
        assert_eq!(all(""), std::slice::from_ref(&shared));
        assert_eq!(all(r#"sessions = "one""#), [shared]);
        let v4 = ("router_v4".to_owned(), "10.1.53.11".to_owned(), vec!["ipv4"], 1);
        let v6 = ("router_v6".to_owned(), "2001:db8:53::11".to_owned(), vec!["ipv6"], 1);
        assert_eq!(all(r#"sessions = "per-family""#), [v4, v6]);
    }

    #[test]
    fn the_other_end_has_the_same() {
        let mirrored = |session: &Session| (session.remote, session.local);
        let here: Vec<_> = of("ns1", r#"sessions = "per-family""#).iter().map(mirrored).collect();
        let there = of("router", r#"sessions = "per-family""#);
        assert_eq!(here, there.iter().map(|session| (session.local, session.remote)).collect::<Vec<_>>());
    }
}
