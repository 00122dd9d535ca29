//! Values that a type takes and no daemon or kernel does, and how much one scenario may have.

use std::net::IpAddr;

use ipnet::IpNet;

use super::super::source::KeyPath;
use super::super::topology::Node;
use super::{Check, Checked};
use crate::secret::Secret;

/// The most nodes, networks and services of a topology.
const MOST: usize = 500;

/// The most networks that a node is on: an octet of its hardware addresses counts them.
const MOST_LINKS: usize = 64;

/// The longest value of a variable or kernel parameter, and the longest `script`, in bytes.
const LONGEST: usize = 4096;

/// AS_TRANS (RFC 6793, section 9): stands for numbers that an old speaker cannot hold.
const AS_TRANS: u32 = 23456;

impl Check<'_> {
    /// How much there is.
    pub(super) fn size(&self) -> Checked {
        let (networks, services) = (self.topology.networks.len(), self.topology.services.len());
        for (what, number) in [("networks", networks), ("services", services), ("nodes", self.topology.nodes.len())] {
            self.that(number <= MOST, &KeyPath::of(&[what]), || format!("{number} {what}: expected {MOST} at most"))?;
        }
        Ok(())
    }

    /// A prefix of a network.
    pub(super) fn prefix(&self, prefix: IpNet, path: &KeyPath) -> Checked {
        let longest = if prefix.addr().is_ipv4() { 31 } else { 127 };
        self.that((1..=longest).contains(&prefix.prefix_len()), path, || {
            format!("{prefix} has no room for hosts: expected a length of 1 to {longest}")
        })?;
        self.unicast(prefix.addr(), path)
    }

    /// An address that a machine or a service has.
    pub(super) fn host(&self, address: IpAddr, path: &KeyPath) -> Checked {
        self.unicast(address, path)?;
        let edge = |net: &&IpNet| {
            let small = if net.addr().is_ipv4() { net.prefix_len() > 30 } else { net.prefix_len() > 126 };
            let broadcast = net.addr().is_ipv4() && net.broadcast() == address;
            !small && (net.network() == address || broadcast)
        };
        let found = self.topology.networks.values().flatten().find(edge);
        self.that(found.is_none(), path, || {
            let net = found.map(ToString::to_string).unwrap_or_default();
            format!("{address} is the first or the last address of {net}: expected a host's")
        })
    }

    fn unicast(&self, address: IpAddr, path: &KeyPath) -> Checked {
        let special = special(address);
        self.that(special.is_none(), path, || {
            format!("{address} is {}: expected a unicast address", special.unwrap_or_default())
        })
    }

    /// An AS number.
    pub(super) fn asn(&self, asn: Option<u32>, path: &KeyPath) -> Checked {
        self.that(asn != Some(0), path, || "AS 0 is reserved: expected 1 to 4294967295 (RFC 7607)".to_owned())?;
        self.that(asn != Some(AS_TRANS), path, || {
            format!("AS {AS_TRANS} stands for other numbers: expected a number of your own (RFC 6793)")
        })
    }

    /// A key of a BGP session. The key itself is not shown. Every daemon's configuration must be able to hold it.
    pub(super) fn key(&self, key: &Secret, path: &KeyPath) -> Checked {
        let key = key.reveal();
        let plain = |c: char| (c.is_ascii_graphic() || c == ' ') && !['"', '\'', '\\'].contains(&c);
        let valid = (1..=80).contains(&key.len()) && key.chars().all(plain) && key.trim() == key;
        self.that(valid, path, || {
            "this key is not possible: expected 1 to 80 printable ASCII characters, without quotes, backslashes and \
             blanks at its ends"
                .to_owned()
        })
    }

    /// What a node's daemons and kernel are given as text.
    pub(super) fn texts(&self, node: &Node, at: &KeyPath) -> Checked {
        self.that(node.on.len() <= MOST_LINKS, &at.key("on"), || {
            format!("{} networks: expected {MOST_LINKS} at most", node.on.len())
        })?;
        for (name, value) in &node.env {
            let path = at.key("env").key(name);
            let word = |c: char| c.is_ascii_alphanumeric() || ['_', '.', '-'].contains(&c);
            let good = name.chars().all(word) && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
            self.that(good, &path, || "not a variable: expected letters, digits, `_`, `.` and `-`".to_owned())?;
            self.that(is_line(value), &path, || "not a variable's value: expected one line of text".to_owned())?;
        }
        for (key, value) in &node.sysctl {
            let path = at.key("sysctl").key(key);
            let word = |part: &str| {
                !part.is_empty() && part.chars().all(|c| c.is_ascii_alphanumeric() || ['_', '-'].contains(&c))
            };
            let good = key.starts_with("net.") && key.split('.').all(word);
            self.that(good, &path, || {
                format!("kernel parameter `{}` is not a node's own: expected `net.*`", key.escape_debug())
            })?;
            self.that(is_line(value), &path, || "not a parameter's value: expected one line of text".to_owned())?;
        }
        if let Some(script) = &node.script {
            // ExaBGP's file quotes nothing.
            let plain = |c: char| !['"', '\'', '\\', ';', '{', '}', '#', '[', ']'].contains(&c);
            let good = is_line(script) && script.chars().all(plain) && !script.trim().is_empty();
            self.that(good, &at.key("script"), || {
                "not a command line: expected one line without quotes, brackets, `;`, `#` and backslashes".to_owned()
            })?;
        }
        Ok(())
    }
}

fn is_line(text: &str) -> bool {
    text.len() <= LONGEST && !text.contains(|c: char| c.is_control() && c != '\t')
}

/// What is special about an address that no host can have.
fn special(address: IpAddr) -> Option<&'static str> {
    match address {
        IpAddr::V4(v4) => match v4.octets() {
            [0, ..] => Some("of this network (RFC 1122)"),
            [127, ..] => Some("a loopback address"),
            [224..=239, ..] => Some("a multicast address"),
            [255, 255, 255, 255] => Some("the broadcast address"),
            _ => None,
        },
        IpAddr::V6(v6) if v6.is_unspecified() => Some("the unspecified address"),
        IpAddr::V6(v6) if v6.is_loopback() => Some("the loopback address"),
        IpAddr::V6(v6) if v6.is_multicast() => Some("a multicast address"),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some() => Some("an IPv4-mapped address"),
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some("a link-local address"),
        IpAddr::V6(_) => None,
    }
}
