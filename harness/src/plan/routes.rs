//! Static routes: how a node reaches the networks that it is not on.

use std::collections::{BTreeSet, VecDeque};
use std::net::IpAddr;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use protocol::Route;

use crate::kind;
use crate::spec::{Node, Topology};

/// The routes of a node: default routes to its gateway; without one, a route to every network that another node forwards to.
/// And those that the topology gives it.
pub(super) fn of(topology: &Topology, name: &str, node: &Node) -> Vec<Route> {
    let given = node.routes.iter().filter_map(|(to, via)| {
        let (_, via) = node.toward(topology.nodes.get(via)?, to.addr().is_ipv6())?;
        Some(Route { to: *to, via })
    });
    let mut routes: Vec<Route> = given.collect();
    // What the topology says of a prefix counts: the kernel takes one route for it.
    for derived in [false, true].into_iter().flat_map(|v6| of_family(topology, name, node, v6)) {
        if routes.iter().all(|route| route.to != derived.to) {
            routes.push(derived);
        }
    }
    routes
}

/// Whether a node passes packets on: the router does, and so does a node without daemons that stands on several networks.
pub(super) fn forwards(node: &Node) -> bool {
    kind::is_router(node) || (node.on.len() > 1 && node.runs.is_empty() && node.asks.is_empty())
}

fn of_family(topology: &Topology, name: &str, node: &Node, v6: bool) -> Vec<Route> {
    if let Some(gateway) = node.gateway.as_ref().and_then(|gateway| topology.nodes.get(gateway)) {
        let default = if v6 { IpNet::V6(Ipv6Net::default()) } else { IpNet::V4(Ipv4Net::default()) };
        let via = node.toward(gateway, v6).map(|(_, theirs)| theirs);
        return via.map(|via| Route { to: default, via }).into_iter().collect();
    }
    // Breadth first over the networks: the first way found is a shortest one.
    let mut reached: BTreeSet<&str> = node.on.keys().map(String::as_str).collect();
    let mut queue: VecDeque<(&str, Option<IpAddr>)> = reached.iter().map(|network| (*network, None)).collect();
    let mut routes = Vec::new();
    while let Some((network, via)) = queue.pop_front() {
        for (other_name, other) in &topology.nodes {
            let Some(addresses) = other.on.get(network).filter(|_| forwards(other) && other_name != name) else {
                continue;
            };
            let Some(address) = addresses.iter().find(|address| address.is_ipv6() == v6) else {
                continue;
            };
            let via = via.unwrap_or(*address);
            for further in other.on.keys() {
                if reached.insert(further) {
                    queue.push_back((further, Some(via)));
                    let prefixes = topology.networks.get(further).into_iter().flatten();
                    routes.extend(
                        prefixes.filter(|prefix| prefix.addr().is_ipv6() == v6).map(|to| Route { to: *to, via }),
                    );
                }
            }
        }
    }
    routes
}
