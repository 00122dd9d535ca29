//! Nothing leaves a lab: no node reaches the host, another lab, or the world, while it reaches what it should.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};

use futures::future::join_all;
use harness::lab::Lab;
use harness::plan::Plan;
use nix::ifaddrs::getifaddrs;

use crate::inside::{self, Folder};

/// A place that a node tries to reach, and the interface by which, where the address alone does not say.
struct Place {
    what: &'static str,
    at: SocketAddr,
    zone: String,
}

fn place(what: &'static str, at: SocketAddr) -> Place {
    Place { what, at, zone: String::new() }
}

fn port_53(what: &'static str, address: &str) -> Place {
    place(what, SocketAddr::new(address.parse().expect("an address"), 53))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_node_reaches_the_host_another_lab_or_the_world() {
    let _turn = scenarios::turn(2).await;
    let host = TcpListener::bind("[::]:0").expect("a port of both families");
    host.set_nonblocking(true).expect("a listener that can be looked at");
    let port = host.local_addr().expect("it listens").port();
    for address in ["127.0.0.1", "::1"] {
        let to = SocketAddr::new(address.parse().expect("an address"), port);
        TcpStream::connect(to).expect("the host reaches itself, so that the listener listens");
        host.accept().expect("it was counted");
    }

    let folder = Folder::new();
    let (here, elsewhere) = (inside::plan(&scenarios::file("kill-named")), renumbered(&folder));
    scenarios::up(&elsewhere, async |other, _| {
        scenarios::up(&here, async |lab, _| {
            futures::join!(inside::serve(other), inside::serve(lab));
            let theirs = [port_53("its own server", "10.77.53.11"), port_53("its own server", "2001:db8:77::11")];
            let ours = [port_53("its own server", "10.1.53.11"), port_53("its own server", "2001:db8:53::11")];
            let anycast = [port_53("the service", "10.1.53.1"), port_53("the service", "2001:db8:53::1")];
            reached(other, "client", &theirs).await;
            reached(lab, "client", &ours).await;
            reached(lab, "client", &anycast).await;

            let mut forbidden = host_places(port);
            forbidden.extend(theirs.map(|there| Place { what: "a server of another lab", ..there }));
            forbidden.push(port_53("a documentation address", "203.0.113.1"));
            forbidden.push(port_53("a documentation address", "2001:db8:ffff::1"));
            unreached(lab, &here, &forbidden).await;
        })
        .await;
    })
    .await;

    let came = host.accept().map(|(_, from)| from).map_err(|error| error.kind());
    assert_eq!(came, Err(std::io::ErrorKind::WouldBlock), "the host was reached from there");
}

/// The shared topology with other prefixes: labs of the same addresses could not be told apart.
fn renumbered(folder: &Folder) -> Plan {
    let topology = inside::two_servers()
        .replace("10.1.53.", "10.77.53.")
        .replace("192.0.2.", "198.51.100.")
        .replace("2001:db8:53:", "2001:db8:77:")
        .replace("2001:db8:c:", "2001:db8:d:");
    folder.write("topologies/elsewhere.toml", &topology);
    let scenario = r#"
title    = "the same elsewhere"
topology = "elsewhere"

[[step]]
expect = { serving = ["ns1", "ns2"] }
"#;
    inside::plan(&folder.write("elsewhere.toml", scenario))
}

/// Every address of the host, those of the labs' bridges among them; a link-local one by each interface that a node can have.
fn host_places(port: u16) -> Vec<Place> {
    let mut places = Vec::new();
    for interface in getifaddrs().expect("the host's addresses can be listed") {
        let Some(address) = interface.address else { continue };
        let v4 = address.as_sockaddr_in().map(|v4| IpAddr::V4(v4.ip()));
        let Some(ip) = v4.or_else(|| address.as_sockaddr_in6().map(|v6| IpAddr::V6(v6.ip()))) else {
            continue;
        };
        let link_local = matches!(ip, IpAddr::V6(v6) if v6.is_unicast_link_local());
        let zones: &[&str] = if link_local { &["%eth0", "%eth1"] } else { &[""] };
        // A node's loopback is its own.
        let zones = zones.iter().filter(|_| !ip.is_loopback());
        places.extend(zones.map(|zone| Place { zone: (*zone).to_owned(), ..place("the host", (ip, port).into()) }));
    }
    assert!(places.iter().any(|place| place.at.is_ipv4()), "the host has IPv4");
    assert!(places.iter().any(|place| place.zone == "%eth0"), "the labs' bridges have link-local addresses");
    places
}

async fn reached(lab: &Lab<'_>, node: &str, places: &[Place]) {
    for Place { what, at, zone } in places {
        let tried = inside::connect(lab, node, *at, zone).await;
        tried.unwrap_or_else(|error| panic!("{node} does not reach {what} at {at}: {error}"));
    }
}

/// From every node, all at once: what is dropped takes its time to fail.
async fn unreached(lab: &Lab<'_>, plan: &Plan, places: &[Place]) {
    let pairs = plan.nodes.iter().flat_map(|node| places.iter().map(move |place| (node.name.as_str(), place)));
    let attempt = async |(node, Place { what, at, zone }): (&str, &Place)| {
        let tried = inside::connect(lab, node, *at, zone).await;
        tried.is_ok().then(|| format!("{node} reaches {what} at {at}{zone}"))
    };
    let found: Vec<String> = join_all(pairs.map(attempt)).await.into_iter().flatten().collect();
    assert_eq!(found, Vec::<String>::new());
}
