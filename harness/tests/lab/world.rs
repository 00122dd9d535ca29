//! What would go on between the nodes, played by a test: routes follow the resolver of ns1, and queries are answered.

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

use harness::engine::fake::{FakeEngine, Heard};
use harness::history::now;
use harness::plan::{Action as Step, Plan, host};
use harness::spec::Span;
use protocol::{Action, NextHop, Observation, Outcome};

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

fn route(plan: &Plan, engine: &FakeEngine, servers: &[&str]) {
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
    let sent = now();
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
