//! Small histories for the tests of checks and reports: the plan of `kill-named`, and what happens in it.

use std::path::Path;

use protocol::{NextHop, Outcome, Stream, TcpEvent};

use super::{Facts, always, judge};
use crate::history::{BgpMessage, Event, RibRoute, Seen};
use crate::outcome::Finding;
use crate::plan::{Action, Expectation, Plan, choose, host};
use crate::spec::{Always, Scenario};

pub(crate) const MS: u64 = 1_000_000;

/// When the fault takes effect.
pub(crate) const FAULT: u64 = 1000 * MS;

/// The plan of `kill-named`, whose third step expects ns2 alone after ns1's resolver was killed.
pub(crate) fn plan() -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/kill-named.toml");
    let scenario = Scenario::load(&file, None).expect("a good scenario");
    let mut plan = Plan::new(&scenario, choose(&scenario, None).expect("a cell")).expect("a plan");
    // What holds all the time is each test's own.
    plan.always = Always::default();
    plan
}

pub(crate) fn expectation(plan: &Plan) -> Expectation {
    match plan.steps.get(2).map(|step| &step.action) {
        Some(Action::Expect(expectation)) => (**expectation).clone(),
        other => panic!("the third step expects, found {other:?}"),
    }
}

/// A plan of its own: the node `client` asks for `dns`, and one step expects this.
pub(crate) fn plan_of(topology: &str, expect: &str) -> Plan {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("story.toml");
    let text = format!("title = \"a story\"\n[[step]]\nname = \"it holds\"\nexpect = {{ {expect} }}\n{topology}");
    std::fs::write(&file, text).expect("a file");
    let scenario = Scenario::load(&file, None).unwrap_or_else(|error| panic!("{error}"));
    Plan::new(&scenario, choose(&scenario, None).expect("a cell")).expect("a plan")
}

/// A history in the making.
pub(crate) struct Story {
    pub(crate) plan: Plan,
    pub(crate) events: Vec<Event>,
}

impl Story {
    /// Both serve from 0 on; a query to every address each 10 ms, answered in turn by both until `until`.
    pub(crate) fn of_both(until: u64) -> Self {
        let mut story = Self { plan: plan(), events: Vec::new() };
        for (prefix, via) in [("0.0.0.0/0", "192.0.2.254"), ("::/0", "2001:db8:c::fe")] {
            story.route(0, "client", prefix, &[via]);
        }
        story.rib(0, &["11", "12"]);
        story.fib(0, &["11", "12"]);
        story.ask(0, until, |n| answer(if n % 2 == 0 { "ns1" } else { "ns2" }));
        story
    }

    /// In a lab of its own, in which nothing has happened yet; the first step expects this.
    pub(crate) fn of_topology(topology: &str, expect: &str) -> Self {
        Self { plan: plan_of(topology, expect), events: Vec::new() }
    }

    /// What all of it shows.
    pub(crate) fn facts(&self) -> Facts<'_> {
        Facts::of(&self.plan, &self.events)
    }

    /// The judgement of the first step as of the end, counted from 0.
    pub(crate) fn judge_first(&self) -> Finding {
        let Some(Action::Expect(expectation)) = self.plan.steps.first().map(|step| &step.action) else {
            panic!("the first step expects nothing");
        };
        let now = self.events.iter().map(|event| event.at).max().unwrap_or(0);
        judge(&self.facts(), expectation, 0, now)
    }

    /// A router's daemon has these routes, and no others: prefixes and their next hops.
    pub(crate) fn rib_of(&mut self, at: u64, router: &str, routes: &[(&str, &[&str])]) {
        let route = |(prefix, hops): &(&str, &[&str])| RibRoute {
            prefix: prefix.parse().expect("a prefix"),
            next_hops: hops.iter().map(|hop| hop.parse().expect("an address")).collect(),
            from: "bgp".to_owned(),
        };
        let routes = Some(routes.iter().map(route).collect());
        self.push(at, router, Seen::Rib { daemon: "router".to_owned(), routes });
    }

    /// ns1 is withdrawn 10 ms after the fault; its queries of that time are lost; then ns2 answers everything.
    pub(crate) fn of_failover() -> Self {
        let mut story = Self::of_both(FAULT);
        story.ask(FAULT, FAULT + 10 * MS, |n| {
            if n % 2 == 0 { Outcome::Refused("closed".to_owned()) } else { answer("ns2") }
        });
        story.rib(FAULT + 10 * MS, &["12"]);
        story.fib(FAULT + 11 * MS, &["12"]);
        story.ask(FAULT + 10 * MS, FAULT + 1500 * MS, |_| answer("ns2"));
        story
    }

    pub(crate) fn rib(&mut self, at: u64, hosts: &[&str]) {
        let route = |address: std::net::IpAddr, last: &str| RibRoute {
            prefix: host(address),
            next_hops: vec![hop(address, last)],
            from: format!("ns{last}"),
        };
        let addresses = self.plan.services.iter().map(|service| service.address);
        let routes = addresses.flat_map(|address| hosts.iter().map(move |last| route(address, last))).collect();
        self.push(at, "router", Seen::Rib { daemon: "router".to_owned(), routes: Some(routes) });
    }

    pub(crate) fn fib(&mut self, at: u64, hosts: &[&str]) {
        let addresses: Vec<_> = self.plan.services.iter().map(|service| service.address).collect();
        for address in addresses {
            let next = |last: &&str| NextHop { via: Some(hop(address, last)), dev: "eth0".to_owned() };
            let next_hops = hosts.iter().map(next).collect();
            self.push(at, "router", Seen::Fib { prefix: host(address), protocol: 12, next_hops });
        }
    }

    /// A node's kernel has a route over these next hops, or none: BIRD's.
    pub(crate) fn route(&mut self, at: u64, node: &str, prefix: &str, via: &[&str]) {
        self.route_by(12, at, node, prefix, via);
    }

    /// The same, installed by that protocol (`rtm_protocol`).
    pub(crate) fn route_by(&mut self, protocol: u8, at: u64, node: &str, prefix: &str, via: &[&str]) {
        let hop = |via: &&str| NextHop { via: Some(via.parse().expect("an address")), dev: "eth0".to_owned() };
        let next_hops = via.iter().map(hop).collect();
        self.push(at, node, Seen::Fib { prefix: prefix.parse().expect("a prefix"), protocol, next_hops });
    }

    pub(crate) fn ask(&mut self, from: u64, until: u64, outcome: impl Fn(u64) -> Outcome) {
        let addresses: Vec<_> = self.plan.services.iter().map(|s| (s.service.clone(), s.address)).collect();
        for sent in (from..until).step_by(10 * MS as usize) {
            for (service, to) in &addresses {
                let number = sent / (10 * MS);
                let (service, outcome) = (service.as_str().into(), outcome(number));
                self.push(sent + MS, "client", Seen::Query { service, number, to: *to, port: 0, id: 0, sent, outcome });
            }
        }
    }

    /// What a node says to another one, as both see it.
    pub(crate) fn say(&mut self, at: u64, from: &str, to: &str, message: BgpMessage) {
        for (node, sent) in [(from, true), (to, false)] {
            let (src, dst, message) = (socket(from), socket(to), message.clone());
            self.push(at, node, Seen::Bgp { src, dst, sent, signed: false, ao: false, message });
        }
    }

    /// A session of a server with the router comes up; the last of its messages is 3 ns after the first.
    pub(crate) fn session_up(&mut self, at: u64, server: &str) {
        self.say(at, server, "router", BgpMessage::Open { asn: 64601, hold_time: 10 });
        self.say(at + 1, "router", server, BgpMessage::Open { asn: 64601, hold_time: 10 });
        self.say(at + 2, "router", server, BgpMessage::Keepalive);
        self.say(at + 3, server, "router", BgpMessage::Keepalive);
    }

    /// A segment of TCP from one node to another, as both see it.
    pub(crate) fn segment(&mut self, at: u64, from: &str, to: &str, event: TcpEvent, signed: bool) {
        for (node, sent) in [(from, true), (to, false)] {
            let (src, dst) = (socket(from), socket(to));
            self.push(at, node, Seen::Tcp { src, dst, sent, signed, ao: false, event });
        }
    }

    /// ns1's watchdog says that it withdraws.
    pub(crate) fn detect(&mut self, at: u64) {
        let text = "withdraw anycastdns: connection to 10.1.53.1:53 closed, re-check refused".to_owned();
        self.push(at, "ns1", Seen::Line { daemon: "watchdog".to_owned(), stream: Stream::Stderr, text });
    }

    /// ns1 withdraws all its prefixes.
    pub(crate) fn withdraw(&mut self, at: u64) {
        let withdrawn = self.plan.services.iter().map(|service| host(service.address)).collect();
        self.say(at, "ns1", "router", BgpMessage::Update { announced: vec![], withdrawn });
    }

    pub(crate) fn push(&mut self, at: u64, node: &str, saw: Seen) {
        self.events.push(Event { at, since: None, node: Some(node.into()), saw });
    }

    /// The judgement as of the end, on an expectation that was changed a little.
    pub(crate) fn judge_with(&self, change: impl FnOnce(&mut Expectation)) -> Finding {
        let mut expectation = expectation(&self.plan);
        change(&mut expectation);
        let now = self.events.iter().map(|event| event.at).max().unwrap_or(0);
        judge(&self.facts(), &expectation, FAULT, now)
    }

    pub(crate) fn judge(&self) -> Finding {
        self.judge_with(|_| {})
    }
}

/// What the invariants of a plan say of these events.
pub(crate) fn violations(plan: &Plan, events: &[Event], from: u64, now: u64) -> Vec<String> {
    always::violations(&Facts::of(plan, events), from, now)
}

pub(crate) fn answer(instance: &str) -> Outcome {
    Outcome::Answer { instance: instance.to_owned(), rcode: 0, answers: 1, rtt: MS }
}

fn hop(address: std::net::IpAddr, last: &str) -> std::net::IpAddr {
    let text = if address.is_ipv4() { format!("10.1.53.{last}") } else { format!("2001:db8:53::{last}") };
    text.parse().expect("address")
}

/// Where a node speaks BGP: servers connect, the router listens.
fn socket(node: &str) -> std::net::SocketAddr {
    std::net::SocketAddr::from(match node {
        "ns1" => ([10, 1, 53, 11], 4000),
        "ns2" => ([10, 1, 53, 12], 4000),
        _ => ([10, 1, 53, 254], 179),
    })
}
