use netlink_packet_route::route::{RouteNextHop, RouteProtocol};
use rtnetlink::{RouteMessageBuilder, RouteNextHopBuilder};

use super::*;

fn route(to: &str, metric: u32) -> RouteMessageBuilder<IpAddr> {
    let to: IpNet = to.parse().unwrap();
    RouteMessageBuilder::<IpAddr>::new()
        .destination_prefix(to.addr(), to.prefix_len())
        .unwrap()
        .priority(metric)
        .protocol(RouteProtocol::Bird)
}

fn single(to: &str, metric: u32, via: &str, interface: u32) -> RouteMessage {
    route(to, metric).output_interface(interface).gateway(via.parse().unwrap()).unwrap().build()
}

fn hop(via: &str, interface: u32) -> RouteNextHop {
    let via: IpAddr = via.parse().unwrap();
    let family = if via.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    RouteNextHopBuilder::new(family).interface(interface).via(via).unwrap().build()
}

fn table(routes: &[RouteMessage]) -> Vec<String> {
    let table = read(routes, |index| format!("eth{index}"));
    table.iter().map(|(prefix, entry)| line(prefix, entry)).collect()
}

fn line(prefix: &IpNet, entry: &Entry) -> String {
    let hops = entry.next_hops.iter().map(|hop| match hop.via {
        Some(via) => format!("{via} {}", hop.dev),
        None => hop.dev.clone(),
    });
    format!("{prefix} {} [{}]", entry.protocol, hops.collect::<Vec<_>>().join(", "))
}

#[test]
fn next_hops_of_a_multipath_route_are_sorted_and_dead_ones_left_out() {
    let mut dead = hop("10.0.0.9", 2);
    dead.flags.insert(RouteNextHopFlags::Dead);
    let routes = [
        route("10.1.53.1/32", 0).multipath(vec![hop("10.0.0.3", 1), hop("10.0.0.2", 1), dead]).build(),
        route("2001:db8::53/128", 32).multipath(vec![hop("fe80::2", 1), hop("fe80::2", 0)]).build(),
    ];
    assert_eq!(
        table(&routes),
        ["10.1.53.1/32 12 [10.0.0.2 eth1, 10.0.0.3 eth1]", "2001:db8::53/128 12 [fe80::2 eth0, fe80::2 eth1]"]
    );
}

#[test]
fn the_lowest_metric_is_in_use() {
    let routes = [
        single("10.1.53.1/32", 32, "10.0.0.2", 0),
        single("10.1.53.1/32", 20, "10.0.0.3", 0),
        single("10.1.53.1/32", 20, "10.0.0.4", 0),
        single("2001:db8::53/128", 20, "fe80::2", 0),
        single("2001:db8::53/128", 20, "fe80::1", 0),
        single("2001:db8::53/128", 32, "fe80::9", 0),
    ];
    assert_eq!(table(&routes), ["10.1.53.1/32 12 [10.0.0.3 eth0]", "2001:db8::53/128 12 [fe80::1 eth0, fe80::2 eth0]"]);
}

#[test]
fn routes_without_an_interface_have_their_type() {
    let routes = [
        route("10.9.0.0/16", 0).kind(RouteType::BlackHole).build(),
        route("2001:db8:9::/48", 0).kind(RouteType::Unreachable).output_interface(1).build(),
    ];
    assert_eq!(table(&routes), ["10.9.0.0/16 12 [blackhole]", "2001:db8:9::/48 12 [unreachable]"]);
}

#[test]
fn other_tables_local_routes_and_cached_ones_are_no_entries() {
    let mut cloned = single("10.1.53.1/32", 0, "10.0.0.2", 0);
    cloned.header.flags.insert(RouteFlags::Cloned);
    let routes = [
        cloned,
        route("10.0.0.1/32", 0).table_id(255).kind(RouteType::Local).build(),
        route("10.0.0.1/32", 0).table_id(1000).build(),
        route("10.0.0.255/32", 0).kind(RouteType::Broadcast).build(),
    ];
    assert_eq!(table(&routes), [""; 0]);
}

#[test]
fn a_default_route_has_no_destination_attribute() {
    let gateway = RouteAttribute::Gateway(RouteAddress::Inet("10.0.0.2".parse().unwrap()));
    let mut message = RouteMessageBuilder::<Ipv4Addr>::new().output_interface(0).build();
    message.attributes.push(gateway);
    assert_eq!(table(&[message]), ["0.0.0.0/0 4 [10.0.0.2 eth0]"]);
}

#[test]
fn changes_are_what_is_gone_new_or_different() {
    let name = |index| format!("eth{index}");
    let known = read(
        &[
            single("10.1.0.0/24", 0, "10.0.0.1", 0),
            single("10.2.0.0/24", 0, "10.0.0.1", 0),
            single("10.3.0.0/24", 0, "10.0.0.1", 0),
        ],
        name,
    );
    let found = read(
        &[
            single("10.2.0.0/24", 0, "10.0.0.1", 0),
            single("10.3.0.0/24", 0, "10.0.0.2", 0),
            single("10.4.0.0/24", 0, "10.0.0.1", 0),
        ],
        name,
    );
    let changes: Vec<_> = changes(&known, &found).iter().map(|(prefix, entry)| line(prefix, entry)).collect();
    assert_eq!(changes, ["10.1.0.0/24 0 []", "10.3.0.0/24 12 [10.0.0.2 eth0]", "10.4.0.0/24 12 [10.0.0.1 eth0]"]);
}
