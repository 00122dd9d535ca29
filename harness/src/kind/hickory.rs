//! Our own name server on hickory-server: authoritative like BIND, and misbehaves when `anycast-hickory tell` says so.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use protocol::Daemon;
use serde_json::json;

use super::template::fill;
use super::{Kind, Role, Site};

pub(super) struct Hickory;

const PROGRAM: &str = "/usr/local/bin/anycast-hickory";

const CONFIG: &str = "/etc/hickory/hickory.toml";

impl Kind for Hickory {
    fn name(&self) -> &'static str {
        "hickory"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Resolver]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let zones: BTreeSet<&str> = site.served().map(|(_, zone)| zone).collect();
        let config = json!({ "node": site.name, "listen": addresses(site), "zones": zones });
        let mut files = BTreeMap::from([(CONFIG.to_owned(), fill(include_str!("templates/hickory.toml"), config)?)]);
        for zone in zones {
            let text = fill(include_str!("templates/zone"), json!({ "zone": zone }))?;
            files.insert(format!("/etc/hickory/{zone}.zone"), text);
        }
        Ok(files)
    }

    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        vec![site.run(&[PROGRAM, "serve", "--config", CONFIG])]
    }

    fn behave(&self, how: &str) -> Option<Vec<String>> {
        Some([PROGRAM, "tell", how].map(str::to_owned).to_vec())
    }
}

/// All addresses of the machine: those of its services, its own, and the loopback's.
fn addresses(site: &Site<'_>) -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = Vec::new();
    let own = site.node.on.values().flatten().copied();
    let loopback = [IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)];
    for address in site.served().map(|(address, _)| address).chain(own).chain(loopback) {
        if !addresses.contains(&address) {
            addresses.push(address);
        }
    }
    addresses
}
