//! What a dump says of the addresses of `lo`: a service address that is not there is one that no daemon can answer from.

use std::collections::BTreeSet;
use std::net::IpAddr;

use netlink_packet_route::address::{AddressAttribute, AddressMessage};

/// `lo` is the first interface of every network namespace.
const LOOPBACK: u32 = 1;

/// The addresses of `lo`.
pub(crate) fn read(addresses: &[AddressMessage]) -> BTreeSet<IpAddr> {
    addresses.iter().filter_map(own).collect()
}

/// Those that came, with true, and those that went, with false.
pub(crate) fn changes(known: &BTreeSet<IpAddr>, found: &BTreeSet<IpAddr>) -> Vec<(IpAddr, bool)> {
    let gone = known.difference(found).map(|address| (*address, false));
    gone.chain(found.difference(known).map(|address| (*address, true))).collect()
}

/// The address, if it is one of `lo`. IPv4 has the node's own in `Local`; IPv6 has it in `Address` alone.
pub(crate) fn own(message: &AddressMessage) -> Option<IpAddr> {
    if message.header.index != LOOPBACK {
        return None;
    }
    let of = |wanted: fn(&AddressAttribute) -> Option<IpAddr>| message.attributes.iter().find_map(wanted);
    let local = of(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    local.or_else(|| {
        of(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(index: u32, attributes: Vec<AddressAttribute>) -> AddressMessage {
        let mut message = AddressMessage::default();
        message.header.index = index;
        message.attributes = attributes;
        message
    }

    #[test]
    fn only_the_addresses_of_lo_count() {
        let [own, peer, six] = ["10.1.53.1", "10.1.53.2", "2001:db8:53::1"].map(|text| text.parse::<IpAddr>().unwrap());
        let dump = [
            message(LOOPBACK, vec![AddressAttribute::Address(peer), AddressAttribute::Local(own)]),
            message(LOOPBACK, vec![AddressAttribute::Address(six)]),
            message(2, vec![AddressAttribute::Local(peer)]),
            message(LOOPBACK, vec![]),
        ];
        assert_eq!(read(&dump), BTreeSet::from([own, six]));
    }

    #[test]
    fn what_went_and_what_came() {
        let [a, b, c] = [1, 2, 3].map(|last| IpAddr::from([10, 0, 0, last]));
        assert_eq!(changes(&[a, b].into(), &[b, c].into()), [(a, false), (c, true)]);
        assert_eq!(changes(&[a].into(), &[a].into()), []);
    }
}
