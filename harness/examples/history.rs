//! Histories of any size, for `ci/bench/judge`: makes one, reads one, or keeps one in memory as a run does.
//!
//!     cargo run --release -p anycast-lab --example history -- make FOLDER NODES EVENTS
//!     cargo run --release -p anycast-lab --example history -- read FOLDER/RUN/history.jsonl.zst
//!     cargo run --release -p anycast-lab --example history -- keep FOLDER/RUN/history.jsonl.zst
//!
//! `make` records a run as a lab would have: four servers, a router that balances over them, and clients (all other nodes) with 200
//! queries a second to each address. Half way through, a server dies. `cargo lab judge` finds that it passes.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::Path;

use harness::history::{Event, Events, History, Recorder, RibRoute, Seen};
use harness::plan::{Plan, choose, host};
use harness::report::RunFolder;
use harness::spec::Scenario;
use protocol::{NextHop, Outcome};

type Fallible<T> = Result<T, Box<dyn Error>>;

const MS: u64 = 1_000_000;
const SERVERS: usize = 4;
/// Each client asks each address so often.
const PERIOD: u64 = 5 * MS;

fn main() -> Fallible<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["make", folder, nodes, events] => make(Path::new(folder), nodes.parse()?, events.parse()?),
        ["read", file] => {
            report(History::read(Path::new(file))?.events().len());
            Ok(())
        }
        ["keep", file] => {
            let recorder = Recorder::new(None)?;
            for event in Events::open(Path::new(file))? {
                recorder.record(event?);
            }
            report(recorder.snapshot().from(0).count());
            Ok(())
        }
        _ => Err("expected `make FOLDER NODES EVENTS`, `read FILE` or `keep FILE`".into()),
    }
}

/// One line for the script that asked.
#[expect(clippy::print_stdout, reason = "a program's result")]
fn report(events: usize) {
    println!("{events}");
}

#[expect(clippy::print_stdout, reason = "a program's result")]
fn make(folder: &Path, nodes: usize, events: usize) -> Fallible<()> {
    if !(SERVERS + 2..=250).contains(&nodes) {
        return Err(format!("{nodes} nodes: expected {} to 250", SERVERS + 2).into());
    }
    std::fs::create_dir_all(folder)?;
    let file = folder.join("synthetic.toml");
    std::fs::write(&file, scenario(nodes - SERVERS - 1))?;
    let scenario = Scenario::load(&file, None)?;
    let plan = Plan::new(&scenario, choose(&scenario, None)?)?;
    let (record, name) = RunFolder::create(folder, "synthetic", &plan).map_err(|(_, error)| error)?;
    let recorder = Recorder::new(Some(&record.history()))?;
    let begin = Seen::Begin { run: name.name, versions: BTreeMap::new(), images: BTreeMap::new(), seed: name.seed };
    let mut run = Run { plan: &plan, recorder: &recorder, random: fastrand::Rng::with_seed(1), left: events };
    run.lab(START - 1, begin);
    run.play();
    recorder.finish()?;
    println!("{}", record.path().display());
    Ok(())
}

fn scenario(clients: usize) -> String {
    let world = r#"title = "a synthetic history"

[matrix]
resolver = ["bind@9.20"]
speaker  = ["bird@2.17"]
router   = ["bird@2.17"]

[topology.networks]
servers = ["10.1.53.0/24"]
clients = ["192.0.2.0/24"]

[topology.services.one]
addresses = ["10.1.53.1"]
zone      = "example.test"

[topology.services.two]
addresses = ["10.1.53.2"]
zone      = "example.test"

[topology.nodes.router]
on   = { servers = ["10.1.53.254"], clients = ["192.0.2.254"] }
runs = ["router"]
asn  = 64601
"#;
    let server = |n| {
        format!(
            r#"
[topology.nodes.ns{n}]
on           = {{ servers = ["10.1.53.{}"] }}
runs         = ["resolver", "speaker"]
announces    = "always"
serves       = ["one", "two"]
asn          = 64601
peers.router = {{}}
"#,
            10 + n
        )
    };
    let client = |n| {
        format!(
            r#"
[topology.nodes.client{n}]
on      = {{ clients = ["192.0.2.{n}"] }}
gateway = "router"
asks    = [{{ service = "one", per-second = 200 }}, {{ service = "two", per-second = 200 }}]
"#
        )
    };
    let (servers, clients): (String, String) =
        ((1..=SERVERS).map(server).collect(), (1..=clients).map(client).collect());
    let steps = r#"
[[step]]
name   = "all serve"
expect = { serving = ["ns1", "ns2", "ns3", "ns4"] }

[[step]]
inject = { machine = "crash", on = "ns1" }

[[step]]
name   = "three serve"
expect = { serving = ["ns2", "ns3", "ns4"] }
"#;
    [world, &servers, &clients, steps].concat()
}

struct Run<'r> {
    plan: &'r Plan,
    recorder: &'r Recorder,
    random: fastrand::Rng,
    /// How many events are still to be made.
    left: usize,
}

const START: u64 = 5_909_000 * MS;

impl Run<'_> {
    fn play(&mut self) {
        let clients: Vec<String> =
            self.plan.nodes.iter().map(|node| node.name.clone()).filter(|name| name.starts_with("client")).collect();
        self.lab(START, Seen::Step { number: 0, name: "all serve".to_owned() });
        for server in 1..=SERVERS {
            for service in &self.plan.services {
                self.see(START, &format!("ns{server}"), Seen::Address { address: service.address, present: true });
            }
        }
        self.route(START + MS, 1);
        self.lab(START + 2 * MS, Seen::Up);
        let (half, mut number, mut judged, mut from) = (self.left / 2, 0, false, 1);
        while self.left > 0 {
            let at = START + 10 * MS + number * PERIOD;
            if number == 400 {
                self.judge(at, 0);
            }
            if from == 1 && self.left <= half {
                let fault = || "crash".to_owned();
                self.lab(at, Seen::Step { number: 1, name: fault() });
                self.lab(at, Seen::Injected { number: 1, fault: fault(), detail: String::new(), what: None });
                self.lab(at + 1, Seen::Step { number: 2, name: "three serve".to_owned() });
                self.route(at + 2, 2);
                from = 2;
            }
            self.round(at + 3, &clients, number, from);
            number += 1;
            judged |= number == 400;
        }
        let at = START + 200 * MS + number * PERIOD;
        if judged {
            self.judge(at, 2);
        }
        self.recorder.close(at + 1);
    }

    /// Each client asks each address once, within a period; any of the servers from this one on answers.
    fn round(&mut self, at: u64, clients: &[String], number: u64, from: usize) {
        let mut events = Vec::new();
        for (position, client) in clients.iter().enumerate() {
            for service in &self.plan.services {
                let (sent, rtt) = (at + self.random.u64(..PERIOD / 2), self.random.u64(200_000..2_000_000));
                let instance = format!("ns{}", self.random.usize(from..=SERVERS));
                let (port, id, to) = (self.random.u16(32_768..61_000), self.random.u16(..), service.address);
                let asker = SocketAddr::from(([192, 0, 2, position as u8 + 1], port));
                events.push((sent + rtt / 2, instance.clone(), Seen::Served { to, client: asker, id }));
                let outcome = Outcome::Answer { instance, rcode: 0, answers: 1, rtt };
                let service = service.service.as_str().into();
                let saw = Seen::Query { service, number, to, port, id, sent, outcome };
                events.push((sent + rtt, client.clone(), saw));
            }
        }
        events.sort_by_key(|(at, ..)| *at);
        for (at, node, saw) in events {
            self.see(at, &node, saw);
        }
    }

    /// The router's daemon and kernel have routes to the servers from this one on.
    fn route(&mut self, at: u64, from: usize) {
        let hops: Vec<IpAddr> = (from..=SERVERS).map(|n| IpAddr::from([10, 1, 53, 10 + n as u8])).collect();
        let addresses: Vec<IpAddr> = self.plan.services.iter().map(|service| service.address).collect();
        let mut routes = Vec::new();
        for address in &addresses {
            let prefix = host(*address);
            let next_hops = hops.iter().map(|hop| NextHop { via: Some(*hop), dev: "eth0".to_owned() }).collect();
            self.see(at, "router", Seen::Fib { prefix, protocol: 12, next_hops });
            routes.push(RibRoute { prefix, next_hops: hops.clone(), from: "servers".to_owned() });
        }
        self.see(at, "router", Seen::Rib { daemon: "router".to_owned(), routes: Some(routes) });
    }

    fn judge(&mut self, at: u64, number: usize) {
        self.lab(at, Seen::Judged { number, verdict: "Pass".to_owned() });
    }

    fn lab(&mut self, at: u64, saw: Seen) {
        self.recorder.record(Event { at, since: None, node: None, saw });
    }

    fn see(&mut self, at: u64, node: &str, saw: Seen) {
        self.left = self.left.saturating_sub(1);
        self.recorder.record(Event { at, since: None, node: Some(node.into()), saw });
    }
}
