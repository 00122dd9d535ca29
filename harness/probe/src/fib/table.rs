//! What a dump says, as one entry for each prefix.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteMessage, RouteNextHopFlags, RouteType, RouteVia,
};
use protocol::NextHop;

/// The main table.
pub(crate) type Table = BTreeMap<IpNet, Entry>;

/// What the kernel does with a prefix.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) protocol: u8,
    pub(crate) next_hops: Vec<NextHop>,
}

/// The entries of the main table. Where a prefix has several routes, the one with the lowest metric is the one in use.
pub(crate) fn read(routes: &[RouteMessage], name: impl Fn(u32) -> String) -> Table {
    let mut best: BTreeMap<IpNet, (u32, Entry)> = BTreeMap::new();
    for route in routes.iter().filter(|route| is_main(route)) {
        let Some(prefix) = prefix(route) else { continue };
        let Some(next_hops) = next_hops(route, &name) else {
            continue;
        };
        let metric = metric(route);
        let entry = Entry { protocol: route.header.protocol.into(), next_hops };
        match best.entry(prefix) {
            Slot::Vacant(slot) => drop(slot.insert((metric, entry))),
            Slot::Occupied(mut slot) if metric < slot.get().0 => drop(slot.insert((metric, entry))),
            // IPv6 keeps routes to one prefix on several links, such as fe80::/64, side by side; of IPv4's the first is used.
            Slot::Occupied(mut slot) if metric == slot.get().0 && matches!(prefix, IpNet::V6(_)) => {
                slot.get_mut().1.next_hops.extend(entry.next_hops);
            }
            Slot::Occupied(_) => {}
        }
    }
    let mut table: Table = best.into_iter().map(|(prefix, (_, entry))| (prefix, entry)).collect();
    for entry in table.values_mut() {
        entry.next_hops.sort();
        entry.next_hops.dedup();
    }
    table
}

/// The entries that differ; a prefix that is gone has an empty one.
pub(crate) fn changes(known: &Table, found: &Table) -> Vec<(IpNet, Entry)> {
    let gone = known.keys().filter(|prefix| !found.contains_key(prefix)).map(|prefix| (*prefix, Entry::default()));
    let new = found.iter().filter(|(prefix, entry)| known.get(prefix) != Some(entry));
    gone.chain(new.map(|(prefix, entry)| (*prefix, entry.clone()))).collect()
}

fn is_main(route: &RouteMessage) -> bool {
    let table = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Table(table) => Some(*table),
        _ => None,
    });
    table.unwrap_or(route.header.table.into()) == u32::from(RouteHeader::RT_TABLE_MAIN)
        && !route.header.flags.contains(RouteFlags::Cloned)
}

/// The route's destination.
pub(crate) fn prefix(route: &RouteMessage) -> Option<IpNet> {
    let destination = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(address) => ip(address),
        _ => None,
    });
    // A default route has no destination attribute.
    let address = destination.unwrap_or(match route.header.address_family {
        AddressFamily::Inet => Ipv4Addr::UNSPECIFIED.into(),
        _ => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    });
    IpNet::new(address, route.header.destination_prefix_length).ok()
}

fn metric(route: &RouteMessage) -> u32 {
    let metric = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Priority(metric) => Some(*metric),
        _ => None,
    });
    metric.unwrap_or(0)
}

fn next_hops(route: &RouteMessage, name: &impl Fn(u32) -> String) -> Option<Vec<NextHop>> {
    let without_interface = |kind: &str| Some(vec![NextHop { via: None, dev: kind.into() }]);
    match route.header.kind {
        RouteType::Unicast => {}
        RouteType::BlackHole => return without_interface("blackhole"),
        RouteType::Unreachable => return without_interface("unreachable"),
        RouteType::Prohibit => return without_interface("prohibit"),
        RouteType::Throw => return without_interface("throw"),
        _ => return None,
    }
    let several = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::MultiPath(hops) => Some(hops),
        _ => None,
    });
    if let Some(hops) = several {
        // The kernel keeps, but does not use, a next hop whose link is down.
        let alive = hops.iter().filter(|hop| !hop.flags.contains(RouteNextHopFlags::Dead));
        return Some(
            alive.map(|hop| NextHop { via: gateway(&hop.attributes), dev: name(hop.interface_index) }).collect(),
        );
    }
    if route.header.flags.contains(RouteFlags::Dead) {
        return None;
    }
    let index = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Oif(index) => Some(*index),
        _ => None,
    });
    Some(vec![NextHop { via: gateway(&route.attributes), dev: name(index.unwrap_or(0)) }])
}

fn gateway(attributes: &[RouteAttribute]) -> Option<IpAddr> {
    attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Gateway(address) => ip(address),
        RouteAttribute::Via(RouteVia::Inet(address)) => Some((*address).into()),
        RouteAttribute::Via(RouteVia::Inet6(address)) => Some((*address).into()),
        _ => None,
    })
}

fn ip(address: &RouteAddress) -> Option<IpAddr> {
    match address {
        RouteAddress::Inet(address) => Some((*address).into()),
        RouteAddress::Inet6(address) => Some((*address).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
