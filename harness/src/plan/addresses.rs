//! Hardware addresses, and the link-local addresses that follow from them.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::IpNet;

use super::LinkPlan;
use crate::spec::{Node, Topology};

/// The interfaces of the `nth` node.
pub(super) fn links(topology: &Topology, nth: usize, node: &Node) -> Vec<LinkPlan> {
    let link = |(i, (network, addresses)): (usize, (&String, &Vec<IpAddr>))| LinkPlan {
        network: network.clone(),
        mac: text(mac(nth, i)),
        addresses: addresses
            .iter()
            .filter_map(|address| {
                let length = topology.prefix_of(network, *address)?.prefix_len();
                IpNet::new(*address, length).ok()
            })
            .collect(),
    };
    node.on.iter().enumerate().map(link).collect()
}

/// Who has which address on a network.
pub(super) fn owners(topology: &Topology) -> BTreeMap<IpAddr, String> {
    let mut owners = BTreeMap::new();
    for (nth, (name, node)) in topology.nodes.iter().enumerate() {
        for (i, addresses) in node.on.values().enumerate() {
            for address in addresses.iter().copied().chain([link_local(mac(nth, i))]) {
                owners.insert(address, name.clone());
            }
        }
    }
    owners
}

fn mac(node: usize, link: usize) -> [u8; 6] {
    let [a, b] = protocol::MAC_PREFIX;
    let [high, low] = u16::try_from(node + 1).unwrap_or(u16::MAX).to_be_bytes();
    [a, b, 0, high, low, u8::try_from(link).unwrap_or(u8::MAX)]
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|octet| format!("{octet:02x}")).join(":")
}

/// RFC 4291, appendix A: the interface identifier made from a hardware address.
fn link_local(mac: [u8; 6]) -> IpAddr {
    let [a, b, c, d, e, f] = mac;
    Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn link_local_addresses_are_the_kernels() {
        assert_eq!(text(mac(1, 0)), "ae:53:00:00:02:00");
        assert_eq!(link_local(mac(1, 0)).to_string(), "fe80::ac53:ff:fe00:200");
    }
}
