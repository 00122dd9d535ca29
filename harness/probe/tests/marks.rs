//! A mark is a barrier: what was done before it is in the reports when it is done.
//!
//! The probe runs as PID 1 of namespaces of its own: `cargo test -p anycast-lab-probe --features lab --test marks`, as root.
#![cfg(feature = "lab")]

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command as Process, Stdio};

use proptest::strategy::{Strategy as _, ValueTree as _};
use proptest::test_runner::TestRunner;
use protocol::{Action, Command, Daemon, Exit, Flow, Observation, Outcome, Report, Setup, Stream, Train};

const PROBE: &str = env!("CARGO_BIN_EXE_anycast-lab-probe");
const CHANGES: usize = 1_000;

/// A probe that is PID 1 of a node without links.
struct Node {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
    next: u64,
}

impl Drop for Node {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Node {
    fn start(setup: &Setup) -> Self {
        let mut child = Process::new("unshare")
            .args(["--net", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc", PROBE])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare(1) is in util-linux");
        let stdin = child.stdin.take().expect("it is piped");
        let stdout = BufReader::new(child.stdout.take().expect("it is piped"));
        let mut node = Self { child, stdin, stdout, next: 0 };
        node.write(&serde_json::to_string(setup).expect("a setup is JSON"));
        node.until(|saw| matches!(saw, Observation::Ready));
        node
    }

    fn write(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").expect("the probe reads");
    }

    /// The reports up to the first one that `is_last` holds for.
    fn until(&mut self, is_last: impl Fn(&Observation) -> bool) -> Vec<Report> {
        let mut reports = Vec::new();
        loop {
            let mut line = String::new();
            assert!(
                self.stdout.read_line(&mut line).expect("the probe writes") > 0,
                "the probe has ended: {reports:?}"
            );
            let report: Report = serde_json::from_str(&line).expect("a report");
            let hole = matches!(report.saw, Observation::Broken { .. } | Observation::Overflow { .. });
            assert!(!hole && !matches!(report.saw, Observation::Unusable { .. }), "{report:?}");
            let last = is_last(&report.saw);
            reports.push(report);
            if last {
                return reports;
            }
        }
    }

    /// Carries the action out; returns what was reported until then, and what the node said.
    fn tell(&mut self, action: Action) -> (Vec<Report>, String) {
        self.next += 1;
        let number = self.next;
        let text = serde_json::to_string(&Command { id: number, action }).expect("a command is JSON");
        self.write(&text);
        let is_answer = |saw: &Observation| matches!(saw, Observation::Done { id, .. } | Observation::Failed { id, .. } if *id == number);
        let reports = self.until(is_answer);
        match &reports.last().expect("an answer").saw {
            Observation::Done { detail, .. } => (reports.clone(), detail.clone()),
            other => panic!("{text}: {other:?}"),
        }
    }

    fn change(&mut self, words: &[&str]) -> Vec<Report> {
        let argv = [PROBE, "truth"].iter().chain(words).map(ToString::to_string).collect();
        self.tell(Action::Exec { argv, timeout_ms: 10_000 }).0
    }
}

fn setup() -> Setup {
    let sleeper = ["sleep", "3600"].map(str::to_owned).to_vec();
    Setup {
        node: "node".into(),
        links: vec![],
        loopback: vec![],
        routes: vec![],
        files: vec![],
        daemons: vec![Daemon { name: "sleeper".into(), argv: sleeper, env: BTreeMap::new() }],
        ribs: vec![],
        trains: vec![Train {
            name: "dns".into(),
            to: vec!["127.0.0.53".parse().expect("an address")],
            per_second: 500,
            qname: "example.".into(),
            timeout_ms: 5_000,
            flow: Flow::Each,
        }],
    }
}

#[test]
fn a_thousand_changes_are_each_in_the_history_when_the_mark_returns() {
    let mut node = Node::start(&setup());
    let (_, pid) = node.tell(Action::Restart { daemon: "sleeper".into() });
    let mut pid = pid.trim_start_matches("pid ").to_owned();
    node.tell(Action::Ask);
    let mut random = TestRunner::deterministic();
    for nth in 0..CHANGES {
        let kind = (0_usize..7).new_tree(&mut random).expect("a number").current();
        let (high, low) = (nth / 250, nth % 250 + 1);
        let address = [format!("203.0.{}.{low}", 113 + high), format!("2001:db8:ffff::{nth:x}")][nth % 2].clone();
        let prefix: ipnet::IpNet = address.parse::<std::net::IpAddr>().expect("an address").into();
        let fib = |there: bool| move |saw: &Observation| matches!(saw, Observation::Fib { prefix: seen, next_hops, .. } if *seen == prefix && next_hops.is_empty() != there);
        let on_lo = |there: bool| move |saw: &Observation| matches!(saw, Observation::Address { address, present } if *address == prefix.addr() && *present == there);
        let (did, seen) = match kind {
            0 => (node.change(&["change", "route", &address, "add"]), vec![has(fib(true))]),
            // It is there for microseconds: only its announcements say so.
            1 => (node.change(&["change", "route", &address, "flash"]), vec![has(fib(true)), has(fib(false))]),
            2 => (node.change(&["change", "address", &address, "add"]), vec![has(on_lo(true))]),
            3 => {
                let text = format!("line {nth}");
                let line = Observation::Line { daemon: "sleeper".into(), stream: Stream::Stdout, text: text.clone() };
                (node.change(&["change", "line", &pid, &text]), vec![has(move |saw| *saw == line)])
            }
            4 => {
                let number: i32 = pid.parse().expect("a pid");
                let exited = Observation::Exited { daemon: "sleeper".into(), pid: number, exit: Exit::Signal(9) };
                (node.change(&["change", "kill", &pid]), vec![has(move |saw| *saw == exited)])
            }
            5 => {
                let to = format!("127.1.{high}.{low}");
                let peer: std::net::IpAddr = to.parse().expect("an address");
                let did = node.change(&["change", "bgp", &to]);
                (did, vec![has(move |saw| matches!(saw, Observation::Bgp { dst, .. } if dst.ip() == peer))])
            }
            _ => {
                let answered = |saw: &Observation| {
                    matches!(saw, Observation::Query { outcome: Outcome::Answer { .. }, port: 1.., .. })
                };
                (node.change(&["queries", "1"]), vec![has(answered)])
            }
        };
        let (marked, _) = node.tell(Action::Mark);
        let all: Vec<&Observation> = did.iter().chain(&marked).map(|report| &report.saw).collect();
        for (which, seen) in seen.iter().enumerate() {
            assert!(
                all.iter().any(|saw| seen(saw)),
                "change {nth} of kind {kind} ({address}), {which}: not in {all:?}"
            );
        }
        if kind == 4 {
            let (_, started) = node.tell(Action::Start { daemon: "sleeper".into() });
            pid = started.trim_start_matches("pid ").to_owned();
        }
    }
}

/// A test of one observation.
type Has<'a> = Box<dyn Fn(&Observation) -> bool + 'a>;

fn has<'a>(seen: impl Fn(&Observation) -> bool + 'a) -> Has<'a> {
    Box::new(seen)
}
