//! What is said to bgpd, line by line.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::machine::Verb;
use crate::service::{Attributes, FrrBy};

/// Answered in JSON, for all families.
pub(super) const NEIGHBORS: &str = "show bgp summary json";

/// The lines about one service's routes.
#[derive(Debug, Clone)]
pub(super) struct Lines {
    pub(super) asn: u32,
    pub(super) by: FrrBy,
    pub(super) prefixes: Vec<Prefix>,
    /// As they were last seen; only asked for when it is by them.
    pub(super) neighbors: Vec<String>,
    up: Map,
    drained: Map,
}

/// An address as a route of its own.
#[derive(Debug, Clone)]
pub(super) struct Prefix {
    family: &'static str,
    /// As FRR writes it.
    pub(super) text: String,
}

/// A route-map of our own, which gives routes their attributes.
#[derive(Debug, Clone)]
pub(super) struct Map {
    name: String,
    pub(super) attributes: Attributes,
}

impl Lines {
    pub(super) fn new(service: &str, asn: u32, by: FrrBy, addresses: &[IpAddr], carried: [Attributes; 2]) -> Self {
        let prefix = |address: &IpAddr| Prefix {
            family: if address.is_ipv4() { "ipv4" } else { "ipv6" },
            text: super::super::prefix(address),
        };
        let map = |state, attributes| Map { name: format!("anycast-watchdog-{service}-{state}"), attributes };
        let [up, drained] = carried;
        let prefixes = addresses.iter().collect::<BTreeSet<_>>().into_iter().map(prefix).collect();
        Self { asn, by, prefixes, neighbors: Vec::new(), up: map("up", up), drained: map("drained", drained) }
    }

    /// What the routes carry: nothing of ours while they are withdrawn, or come from frr.conf.
    pub(super) fn carried(&self, verb: Verb) -> Option<&Map> {
        let map = match verb {
            Verb::Announce => &self.up,
            Verb::Drain => &self.drained,
            Verb::Withdraw => return None,
        };
        (self.by == FrrBy::Network && map.attributes != Attributes::default()).then_some(map)
    }

    /// What carries the verb out. All begins and ends outside of `configure terminal`, whatever becomes of it in between.
    pub(super) fn command(&self, verb: Verb) -> Vec<String> {
        let mut lines = vec!["configure terminal".to_owned()];
        match self.by {
            FrrBy::Network => self.networks(verb, &mut lines),
            FrrBy::NeighborShutdown => {
                lines.push(format!("router bgp {}", self.asn));
                lines.extend(self.sessions(verb));
            }
        }
        lines.push("end".to_owned());
        lines
    }

    fn networks(&self, verb: Verb, lines: &mut Vec<String>) {
        let mut tail = String::new();
        if let Some(map) = self.carried(verb) {
            lines.push(format!("route-map {} permit 10", map.name));
            lines.extend(self.sets(&map.attributes));
            tail = format!(" route-map {}", map.name);
        }
        lines.push(format!("router bgp {}", self.asn));
        let word = if verb == Verb::Withdraw { "no network" } else { "network" };
        for family in self.prefixes.chunk_by(|a, b| a.family == b.family) {
            lines.extend(family.first().map(|prefix| format!("address-family {} unicast", prefix.family)));
            lines.extend(family.iter().map(|prefix| format!("{word} {}{tail}", prefix.text)));
            lines.push("exit-address-family".to_owned());
        }
        if verb == Verb::Withdraw {
            // Nothing is left behind, and nothing of an earlier configuration is found again.
            lines.push("exit".to_owned());
            lines.extend([&self.up, &self.drained].map(|map| format!("no route-map {}", map.name)));
        }
    }

    /// Each session of the bgpd: `bgp shutdown` would do for all, but after its end FRR 8.4 begins none of them again.
    /// A drain is that of RFC 8326, for all routes of this bgpd.
    fn sessions(&self, verb: Verb) -> Vec<String> {
        let (first, word) = match verb {
            Verb::Announce => (Some("no bgp graceful-shutdown"), "no neighbor"),
            Verb::Drain => (Some("bgp graceful-shutdown"), "no neighbor"),
            Verb::Withdraw => (None, "neighbor"),
        };
        let each = self.neighbors.iter().map(|neighbor| format!("{word} {neighbor} shutdown"));
        first.map(str::to_owned).into_iter().chain(each).collect()
    }

    fn sets(&self, Attributes { med, local_pref, communities, prepend }: &Attributes) -> Vec<String> {
        let mut sets = Vec::new();
        sets.extend(med.map(|med| format!("set metric {med}")));
        sets.extend(local_pref.map(|preference| format!("set local-preference {preference}")));
        if !communities.is_empty() {
            sets.push(format!("set community {}", communities.join(" ")));
        }
        if *prepend > 0 {
            sets.push(format!("set as-path prepend{}", format!(" {}", self.asn).repeat(usize::from(*prepend))));
        }
        sets
    }

    /// About each prefix; about the sessions too, if it is by them.
    pub(super) fn question(&self) -> Vec<String> {
        let mut lines: Vec<_> = self.prefixes.iter().map(Prefix::question).collect();
        if self.by == FrrBy::NeighborShutdown {
            lines.push(NEIGHBORS.to_owned());
        }
        lines
    }
}

impl Prefix {
    pub(super) fn question(&self) -> String {
        format!("show bgp {} unicast {} json", self.family, self.text)
    }
}
