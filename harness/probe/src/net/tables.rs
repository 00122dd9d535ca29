//! Addresses, routes and neighbours of the node, in lines for a person.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context as _;
use futures::TryStreamExt as _;
use netlink_packet_route::link::LinkAttribute;
use netlink_packet_route::neighbour::{NeighbourAddress, NeighbourAttribute, NeighbourMessage};
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteMessage, RouteNextHop, RouteVia};
use rtnetlink::{Handle, RouteMessageBuilder};

use super::{addresses, routes};

/// Texts, by name.
pub(crate) async fn tables(handle: &Handle) -> anyhow::Result<Vec<(&'static str, String)>> {
    let names = names(handle).await?;
    let name = |index: u32| names.get(&index).cloned().unwrap_or_else(|| format!("if{index}"));
    let mut held = String::new();
    for address in addresses::list(handle).await? {
        writeln!(held, "{:<6} {}", name(address.index), address.address).ok();
    }
    let mut text = String::new();
    let families = [RouteMessageBuilder::<Ipv4Addr>::new().build(), RouteMessageBuilder::<Ipv6Addr>::new().build()];
    for family in families {
        let all: Vec<RouteMessage> =
            handle.route().get(family).execute().try_collect().await.context("rtnetlink: could not list the routes")?;
        for route in all {
            writeln!(text, "{}", described(&route, &name)).ok();
        }
    }
    let mut neighbours = String::new();
    let all: Vec<NeighbourMessage> =
        handle.neighbours().get().execute().try_collect().await.context("rtnetlink: could not list the neighbours")?;
    for neighbour in all {
        writeln!(neighbours, "{}", neighbour_words(&neighbour, &name)).ok();
    }
    Ok(vec![("addresses", held), ("routes", text), ("neighbours", neighbours)])
}

async fn names(handle: &Handle) -> anyhow::Result<BTreeMap<u32, String>> {
    let links: Vec<_> =
        handle.link().get().execute().try_collect().await.context("rtnetlink: could not list the links")?;
    let named = links.into_iter().filter_map(|link| {
        let name = link.attributes.into_iter().find_map(|attribute| match attribute {
            LinkAttribute::IfName(name) => Some(name),
            _ => None,
        })?;
        Some((link.header.index, name))
    });
    Ok(named.collect())
}

fn described(route: &RouteMessage, name: &impl Fn(u32) -> String) -> String {
    let to = routes::destination(route).map_or_else(|| "?".to_owned(), |to| to.to_string());
    let mut table = u32::from(route.header.table);
    let mut words = String::new();
    for attribute in &route.attributes {
        match attribute {
            RouteAttribute::Table(number) => table = *number,
            RouteAttribute::MultiPath(hops) => hops.iter().for_each(|hop| words.push_str(&hop_words(hop, name))),
            RouteAttribute::Priority(metric) => words += &[" metric ", &metric.to_string()].concat(),
            attribute => words.push_str(&part(attribute, name)),
        }
    }
    format!("table {table:<5} {to:<28} {:?} proto {:?}{words}", route.header.kind, route.header.protocol)
}

fn hop_words(hop: &RouteNextHop, name: &impl Fn(u32) -> String) -> String {
    let via: String = hop.attributes.iter().map(|attribute| part(attribute, name)).collect();
    format!(" [{} dev {} weight {}]", via.trim_start(), name(hop.interface_index), u16::from(hop.hops) + 1)
}

fn part(attribute: &RouteAttribute, name: &impl Fn(u32) -> String) -> String {
    let gateway = match attribute {
        RouteAttribute::Gateway(RouteAddress::Inet(address)) => IpAddr::from(*address),
        RouteAttribute::Gateway(RouteAddress::Inet6(address)) => IpAddr::from(*address),
        RouteAttribute::Via(RouteVia::Inet(address)) => IpAddr::from(*address),
        RouteAttribute::Via(RouteVia::Inet6(address)) => IpAddr::from(*address),
        RouteAttribute::Oif(index) => return format!(" dev {}", name(*index)),
        _ => return String::new(),
    };
    format!(" via {gateway}")
}

fn neighbour_words(neighbour: &NeighbourMessage, name: &impl Fn(u32) -> String) -> String {
    let mut words = String::new();
    for attribute in &neighbour.attributes {
        match attribute {
            NeighbourAttribute::Destination(NeighbourAddress::Inet(address)) => words.push_str(&address.to_string()),
            NeighbourAttribute::Destination(NeighbourAddress::Inet6(address)) => words.push_str(&address.to_string()),
            NeighbourAttribute::LinkLayerAddress(octets) => {
                let octets: Vec<String> = octets.iter().map(|octet| format!("{octet:02x}")).collect();
                words += &[" ", &octets.join(":")].concat();
            }
            _ => {}
        }
    }
    format!("{:<6} {words} {:?}", name(neighbour.header.ifindex), neighbour.header.state)
}
