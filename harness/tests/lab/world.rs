//! What would go on between the nodes, played by a test: routes follow the resolver of ns1, and queries are answered.

use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

use harness::engine::fake::{FakeEngine, Heard};
use harness::plan::{Action as Step, Plan, host};
use harness::spec::Span;
use protocol::{Action, Bytes, Exit, NextHop, Observation, Outcome};

/// From one round of queries to the next: below the time that a failover may take.
const ROUND: Duration = Duration::from_millis(10);

/// What is expected needs to hold for a moment only.
pub(crate) fn hurry(plan: &mut Plan) {
    for step in &mut plan.steps {
        if let Step::Expect(expectation) = &mut step.action {
            expectation.expect.stable = Span::ms(100);
        }
    }
}

/// The world turns for as long as it is polled.
pub(crate) async fn turns(plan: &Plan, engine: &FakeEngine) {
    let mut rounds = tokio::time::interval(ROUND);
    let mut servers: &[&str] = &[];
    for number in 0.. {
        rounds.tick().await;
        let serving = serving(engine);
        if servers != serving {
            servers = serving;
            if !servers.contains(&"ns1") {
                withdraw(plan, engine);
            }
            route(plan, engine, servers);
        }
        ask(plan, engine, servers, number);
    }
}

/// ns1 serves unless its resolver was killed and not started again.
fn serving(engine: &FakeEngine) -> &'static [&'static str] {
    let heard = engine.heard("ns1");
    let last = heard.iter().rev().find_map(|heard| match heard {
        Heard::Action(Action::Signal { .. }) => Some(false),
        Heard::Action(Action::Revive { .. }) => Some(true),
        _ => None,
    });
    if last.unwrap_or(true) { &["ns1", "ns2"] } else { &["ns2"] }
}

/// ns1's resolver has ended, and ns1 says so to the router: one UPDATE (RFC 4271, section 4.3; RFC 4760, section 4).
fn withdraw(plan: &Plan, engine: &FakeEngine) {
    engine.emit("ns1", Observation::Exited { daemon: "resolver".to_owned(), pid: 13, exit: Exit::Signal(9) });
    let (mut v4, mut v6) = (Vec::new(), vec![0, 2, 1]);
    for service in &plan.services {
        match service.address {
            IpAddr::V4(address) => v4.extend([&[32][..], &address.octets()].concat()),
            IpAddr::V6(address) => v6.extend([&[128][..], &address.octets()].concat()),
        }
    }
    let short = |length: usize| u16::try_from(length).expect("short").to_be_bytes();
    let unreachable = [&[0x80, 15, u8::try_from(v6.len()).expect("short")][..], &v6].concat();
    let body = [&short(v4.len())[..], &v4, &short(unreachable.len()), &unreachable].concat();
    let message = Bytes([&[0xff; 16][..], &short(19 + body.len()), &[2], &body].concat());
    let end = |node| hop(plan, node, Ipv4Addr::UNSPECIFIED.into());
    let (src, dst) = (SocketAddr::new(end("ns1"), 4000), SocketAddr::new(end("router"), 179));
    let said = |src, dst, sent, message| Observation::Bgp { src, dst, sent, signed: false, ao: false, message };
    for (src, dst, sent) in [(src, dst, true), (dst, src, false)] {
        engine.emit("ns1", said(src, dst, sent, open()));
    }
    engine.emit("ns1", said(src, dst, true, message));
}

/// An OPEN (RFC 4271, section 4.2) of a speaker of both families (RFC 4760, section 8).
fn open() -> Bytes {
    let capability = |family: u8| [2, 6, 1, 4, 0, family, 0, 1];
    let options = [capability(1), capability(2)].concat();
    let mut message = [&[0xff; 16][..], &[0, 45, 1, 4], &64_601_u16.to_be_bytes(), &[0, 10, 192, 0, 2, 1, 16]].concat();
    message.extend(options);
    Bytes(message)
}

fn route(plan: &Plan, engine: &FakeEngine, servers: &[&str]) {
    if !engine.runs("router") {
        return;
    }
    let mut text = String::from("1007-Table master:\n");
    for service in &plan.services {
        let hops: Vec<IpAddr> = servers.iter().map(|server| hop(plan, server, service.address)).collect();
        for (server, hop) in servers.iter().zip(&hops) {
            let prefix = host(service.address);
            writeln!(text, " {prefix} unicast [{server} 09:12:33.123] * (100) [i]\n\tvia {hop} on eth0")
                .expect("a string grows");
        }
        let next_hops = hops.iter().map(|hop| NextHop { via: Some(*hop), dev: "eth0".to_owned() }).collect();
        engine.emit("router", Observation::Fib { prefix: host(service.address), protocol: 12, next_hops });
    }
    engine.emit("router", Observation::Rib { daemon: "router".to_owned(), text });
}

/// The server's own address in that family.
fn hop(plan: &Plan, server: &str, like: IpAddr) -> IpAddr {
    let links = plan.node(server).expect("a node").links.iter();
    let mut addresses = links.flat_map(|link| &link.addresses).map(|prefix| prefix.addr());
    addresses.find(|address| address.is_ipv4() == like.is_ipv4()).expect("an address of each family")
}

/// One query to each address, answered by the servers in turn.
fn ask(plan: &Plan, engine: &FakeEngine, servers: &[&str], number: u64) {
    if !engine.runs("client") {
        return;
    }
    let sent = engine.clock().now();
    for service in &plan.services {
        let instance = servers[usize::try_from(number).expect("few rounds") % servers.len()].to_owned();
        engine.emit(
            "client",
            Observation::Query {
                train: service.service.clone(),
                number,
                to: service.address,
                port: 0,
                id: 0,
                sent,
                outcome: Outcome::Answer { instance, rcode: 0, answers: 1, rtt: 0 },
            },
        );
    }
}
