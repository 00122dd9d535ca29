//! How exact the history is: what a program inside a node does at times that it stamps itself, against the stamps of the probe.
//!
//! `ci/bench/accuracy` prints the table of all three.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use harness::history::{Event, Seen};
use harness::lab::Lab;
use harness::observe::processors::Stall;
use harness::plan::Plan;
use protocol::{Action, Daemon, Flow, Outcome, Train};

use crate::inside;
use crate::stalls::{Witness, touches};

const PROBE: &str = "anycast-lab-probe";
const NODE: &str = "client";
/// Of each kind there are twice as many: each comes and goes, or is answered or dropped.
const EVENTS: usize = 200;
/// Of each kind, where no processor stood still.
const ENOUGH: usize = EVENTS / 4;
/// At the 99th percentile, or as [`judged`] says.
const GOAL: Duration = Duration::from_millis(1);
const TRAIN: &str = "truth";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stamp_is_good_to_a_millisecond_beside_two_other_labs() {
    let _turn = scenarios::turn(3).await;
    let witness = Witness::of_all_processors();
    let plan = plan();
    let others = plan.clone();
    let beside = || {
        scenarios::up(&others, async |lab, _| {
            inside::serve(lab).await;
            for _ in 0..2 {
                truth(lab, "routes", EVENTS).await;
            }
        })
    };
    let (measured, (), ()) = futures::join!(scenarios::up(&plan, measure), beside(), beside());
    judge("beside two other labs", &measured, &witness.stalls());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a benchmark: it needs a machine with nothing else to do"]
async fn on_a_quiet_machine() {
    let _turn = scenarios::turn(3).await;
    let witness = Witness::of_all_processors();
    let measured = scenarios::up(&plan(), measure).await;
    judge("on a quiet machine", &measured, &witness.stalls());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "a benchmark: it takes all processors"]
async fn beside_two_busy_loops_on_each_processor() {
    let _turn = scenarios::turn(3).await;
    let witness = Witness::of_all_processors();
    let loops: Vec<Busy> =
        (0..2 * std::thread::available_parallelism().map_or(1, usize::from)).map(|_| Busy::new()).collect();
    let measured = scenarios::up(&plan(), measure).await;
    drop(loops);
    judge("beside two busy loops on each processor", &measured, &witness.stalls());
}

/// A process that takes all of a processor that it gets.
struct Busy(Child);

impl Busy {
    fn new() -> Self {
        Self(Command::new("yes").stdout(Stdio::null()).spawn().expect("yes(1) is in coreutils"))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// One deed: its name, when it was done (right before, right after), and when the probe says that it was.
struct Deed {
    kind: &'static str,
    before: u64,
    after: u64,
    /// None when it does not say so.
    said: Option<u64>,
}

impl Deed {
    /// Whether a processor stood still between the deed and its stamp. What has no stamp is missed whatever stood still.
    fn was_in(&self, stalls: &[Stall]) -> bool {
        self.said
            .is_some_and(|said| stalls.iter().any(|stall| touches(stall, self.before.min(said), self.after.max(said))))
    }

    fn off(&self) -> u64 {
        self.said.map_or(u64::MAX, |said| self.before.saturating_sub(said).max(said.saturating_sub(self.after)))
    }
}

/// A lab in whose client things happen by themselves.
fn plan() -> Plan {
    let mut plan = inside::plan(&scenarios::file("kill-named"));
    let node = plan.nodes.iter_mut().find(|node| node.name == NODE).expect("it has a client");
    let argv = [PROBE, "truth", "exit"].map(str::to_owned).to_vec();
    node.daemons.push(Daemon { name: TRAIN.to_owned(), argv, env: BTreeMap::new() });
    node.trains.push(Train {
        name: TRAIN.to_owned(),
        to: vec![IpAddr::from(Ipv4Addr::new(127, 0, 0, 53))],
        per_second: 200,
        qname: "example.".to_owned(),
        timeout_ms: 200,
        flow: Flow::Each,
    });
    plan
}

async fn truth(lab: &Lab<'_>, what: &str, many: usize) -> String {
    let argv = [PROBE, "truth", what, &many.to_string()].map(str::to_owned).to_vec();
    let done = lab.tell(NODE, Action::Exec { argv, timeout_ms: 120_000 }).await;
    done.unwrap_or_else(|error| panic!("{error}")).1
}

async fn measure(lab: &mut Lab<'_>, _: &str) -> Vec<Deed> {
    inside::serve(lab).await;
    println!("{}", truth(lab, "overflow", 0).await);
    let began = lab.tell(NODE, Action::Mark).await.expect("a mark").0;
    let tables = truth(lab, "routes", EVENTS).await + &truth(lab, "addresses", EVENTS).await;
    let queries = truth(lab, "queries", 2 * EVENTS).await;
    for _ in 0..2 * EVENTS {
        exit_once(lab).await;
    }
    lab.tell(NODE, Action::Mark).await.expect("a mark");

    lab.recorder().with(|history| {
        let here = |event: &&Event| event.node.as_deref() == Some(NODE) && event.at >= began;
        let events: Vec<&Event> = history.events().iter().filter(here).collect();
        assert!(!events.iter().any(|event| matches!(event.saw, Seen::Hole { .. })), "the history has a hole");
        let mut deeds = changes(&tables, &events);
        deeds.extend(asked(&queries, &events));
        deeds.extend(exits(&events));
        pace(&events);
        deeds
    })
}

/// Starts the daemon that kills itself, and waits for its end.
async fn exit_once(lab: &Lab<'_>) {
    // It is started with the lab, and may be there still.
    loop {
        if lab.tell(NODE, Action::Start { daemon: TRAIN.to_owned() }).await.is_ok() {
            return;
        }
        lab.tell(NODE, Action::Exec { argv: vec!["true".to_owned()], timeout_ms: 10_000 }).await.expect("true(1)");
    }
}

/// Lines of the truth: words, then two times.
fn lines(text: &str) -> impl Iterator<Item = (Vec<&str>, u64, u64)> {
    text.lines().map(|line| {
        let mut words: Vec<&str> = line.split_whitespace().collect();
        let mut time = || words.pop().and_then(|word| word.parse().ok()).unwrap_or_else(|| panic!("no truth: {line}"));
        let (after, before) = (time(), time());
        (words, before, after)
    })
}

/// Routes and addresses: the history has each coming and each going, in the order of the truth.
fn changes(text: &str, events: &[&Event]) -> Vec<Deed> {
    let found = |words: &[&str]| {
        let address: IpAddr = words[2].parse().expect("an address");
        let added = words[1] == "added";
        let saw = move |saw: &Seen| match saw {
            Seen::Fib { prefix, next_hops, .. } if words[0] == "route" => {
                prefix.addr() == address && next_hops.is_empty() != added
            }
            Seen::Address { address: seen, present } if words[0] == "address" => *seen == address && *present == added,
            _ => false,
        };
        events.iter().find(|event| saw(&event.saw)).map(|event| event.at)
    };
    let deed = |(words, before, after): (Vec<&str>, u64, u64)| {
        let kind = match (words[0], words[1]) {
            ("route", "added") => "route added",
            ("route", _) => "route removed",
            (_, "added") if words[2].contains(':') => "IPv6 address added",
            (_, "added") => "IPv4 address added",
            _ => "address removed",
        };
        Deed { kind, before, after, said: found(&words) }
    };
    lines(text).map(deed).collect()
}

/// Queries: when each was sent, when its answer came, and that those and only those were lost that the server dropped.
fn asked(text: &str, events: &[&Event]) -> Vec<Deed> {
    let mut deeds = Vec::new();
    let mut current = None;
    for (words, before, after) in lines(text) {
        if words[0] != "reply" {
            let sent = events.iter().filter_map(|event| match &event.saw {
                Seen::Query { service, sent, outcome, .. } if service == TRAIN => Some((*sent, event.at, outcome)),
                _ => None,
            });
            let (sent, known, outcome) =
                sent.min_by_key(|(sent, ..)| sent.abs_diff(before)).expect("queries were sent");
            let answered = words[0] == "answered";
            let right = if answered { matches!(outcome, Outcome::Answer { .. }) } else { *outcome == Outcome::Timeout };
            assert!(right, "the server {}, the history has {outcome:?}", words[0]);
            deeds.push(Deed { kind: "query sent", before, after, said: Some(sent) });
            if !answered {
                let lost = before + 200_000_000;
                deeds.push(Deed { kind: "query lost", before: lost, after: lost, said: Some(known) });
            }
            current = Some(known);
        } else {
            deeds.push(Deed { kind: "answer came", before, after, said: current.take() });
        }
    }
    deeds
}

/// Ends of a daemon that wrote when it killed itself.
fn exits(events: &[&Event]) -> Vec<Deed> {
    let told = events.iter().filter_map(|event| match &event.saw {
        Seen::Line { daemon, text, .. } if daemon == TRAIN => {
            lines(text).next().map(|(_, before, after)| (before, after))
        }
        _ => None,
    });
    let mut told: Vec<(u64, u64)> = told.collect();
    told.sort_unstable();
    let deed = |(before, after)| {
        let ends = events.iter().filter(|event| matches!(&event.saw, Seen::Exited { daemon, .. } if daemon == TRAIN));
        let said = ends.map(|event| event.at).min_by_key(|at| at.abs_diff(after));
        Deed { kind: "process killed", before, after, said }
    };
    told.into_iter().map(deed).collect()
}

/// How even the pace of the train was.
fn pace(events: &[&Event]) {
    let sent = events.iter().filter_map(|event| match &event.saw {
        Seen::Query { service, sent, .. } if service == TRAIN => Some(*sent),
        _ => None,
    });
    let mut sent: Vec<u64> = sent.collect();
    sent.sort_unstable();
    let mut pauses: Vec<u64> = sent.windows(2).map(|two| two[1] - two[0]).collect();
    row("between queries", &mut pauses, 99);
}

/// Prints the quantiles, and returns the one that is judged.
fn row(what: &str, times: &mut [u64], judged: usize) -> u64 {
    times.sort_unstable();
    // The smallest that so many of a hundred do not exceed: of a hundred, the 99th.
    let at = |share: usize| times.get((times.len() * share).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0);
    let shown = |time: u64| if time == u64::MAX { "missed".to_owned() } else { (time / 1_000).to_string() };
    let [p50, p90, p99, max] = [50, 90, 99, 100].map(|share| shown(at(share)));
    println!("{what:<20}{:>8}{p50:>10}{p90:>10}{p99:>10}{max:>10}", times.len());
    at(judged)
}

/// The percentile at which the goal must be reached. A process that was killed needs a processor to die on, and the kernel
/// announces an address of IPv6 from a thread of its own, which needs one too: with other labs beside it these happen later
/// than they were asked for, and the truth does not know when.
fn judged(kind: &str) -> usize {
    if matches!(kind, "process killed" | "IPv6 address added") { 50 } else { 99 }
}

fn judge(where_: &str, deeds: &[Deed], stalls: &[Stall]) {
    let mut kinds: BTreeMap<&str, Vec<u64>> = BTreeMap::new();
    let (halted, deeds): (Vec<&Deed>, Vec<&Deed>) = deeds.iter().partition(|deed| deed.was_in(stalls));
    for deed in &deeds {
        kinds.entry(deed.kind).or_default().push(deed.off());
    }
    println!("{where_}: microseconds between what happened and its stamp");
    println!("{:<20}{:>8}{:>10}{:>10}{:>10}{:>10}", "", "events", "p50", "p90", "p99", "max");
    let worst: Vec<String> = kinds
        .iter_mut()
        .map(|(kind, off)| (kind, off.len(), row(kind, off, judged(kind))))
        .filter(|(_, many, off)| u128::from(*off) > GOAL.as_nanos() || *many < ENOUGH)
        .map(|(kind, many, off)| format!("{kind}: {many} events, p{} {} us", judged(kind), off / 1_000))
        .collect();
    let longest = stalls.iter().map(Stall::taken).max().unwrap_or(0) / 1_000;
    println!(
        "not counted: {} while the host of this machine let a processor stand still ({} times, {longest} us at most)",
        halted.len(),
        stalls.len()
    );
    assert!(worst.is_empty(), "expected at least {ENOUGH} of each, off by at most {GOAL:?}; found {worst:?}");
}
