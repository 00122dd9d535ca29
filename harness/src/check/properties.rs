//! What holds of all checks, whatever they are about: the order in which nodes' reports come in changes no verdict, and a Pass stays one
//! when nothing bad happens later.

use std::collections::{BTreeMap, VecDeque};

use proptest::prelude::*;
use protocol::{Exit, Stream, TcpEvent};

use super::disagree::disagreement;
use super::phases::phases;
use super::story::{FAULT, MS, Story, answer, expectation, violations};
use super::{Facts, judge, millis};
use crate::history::{BgpMessage, Event, Seen};
use crate::outcome::{Finding, Verdict};
use crate::plan::{Expectation, Plan};
use crate::spec::{Always, Family, Span, State, Subject};

const END: u64 = FAULT + 1500 * MS;

/// A failover with all that checks look at, and a session that ends and comes up again; each node's events in the order of its clock.
fn story() -> Story {
    let mut story = Story::of_failover();
    for server in ["ns1", "ns2"] {
        story.session_up(100 * MS, server);
    }
    let (daemon, exit) = ("resolver".to_owned(), Exit::Signal(9));
    story.push(FAULT + MS, "ns1", Seen::Exited { daemon, pid: 13, exit });
    story.detect(FAULT + 2 * MS);
    story.withdraw(FAULT + 5 * MS);
    story.say(FAULT + 6 * MS, "ns2", "router", BgpMessage::Malformed("cut short".to_owned()));
    story.say(FAULT + 7 * MS, "ns2", "router", BgpMessage::Notification { code: 4, subcode: 0 });
    story.segment(FAULT + 8 * MS, "ns2", "router", TcpEvent::Syn, true);
    story.session_up(FAULT + 9 * MS, "ns2");
    let addresses: Vec<_> = story.plan.services.iter().map(|service| service.address).collect();
    for address in addresses {
        story.push(0, "ns1", Seen::Address { address, present: true });
        story.push(FAULT - 100 * MS, "ns1", Seen::Address { address, present: false });
    }
    for event in &mut story.events {
        event.since = matches!(event.saw, Seen::Rib { .. }).then(|| event.at.saturating_sub(MS / 4));
    }
    story.events.sort_by_key(|event| event.at);
    story.plan.always =
        Always { dark: Some(Span::ms(200)), blackhole: Some(Span::ms(200)), sites: Some(2), bound: true, keys: true };
    story
}

fn subjects() -> Vec<Subject> {
    let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let ordered = |words: &[&str]| Subject::Ordered(words.iter().map(|word| word.parse().unwrap()).collect());
    let mut all = vec![
        Subject::Serving(names(&["ns2"])),
        Subject::Serving(names(&["ns1", "ns2"])),
        Subject::Serving(vec![]),
        Subject::AnsweredBy(names(&["ns2"])),
        Subject::AnsweredBy(names(&["ns1"])),
        Subject::Unanswered,
        ordered(&["exited ns1 resolver", "withdrawn ns1", "fib without ns1"]),
        ordered(&["detected ns1", "withdrawn ns1", "rib without ns1"]),
        ordered(&["fib without ns1", "detected ns1"]),
        ordered(&["rib without ns1", "fib without ns1"]),
        ordered(&["ended router ns2", "established router ns2"]),
        ordered(&["announced ns2"]),
        ordered(&["started ns1 resolver"]),
    ];
    for server in ["ns1", "ns2"] {
        for state in [State::Established, State::Down, State::NeverEstablished] {
            for signed in [None, Some(true), Some(false)] {
                all.push(Subject::Session { between: ["router".to_owned(), server.to_owned()], state, signed });
            }
        }
    }
    all
}

/// Each subject; some with budgets, and some of one family.
fn expectations(plan: &Plan) -> Vec<Expectation> {
    let with = |subject: Subject, family: Option<Family>, budgets: bool| {
        let mut one = expectation(plan);
        (one.expect.subject, one.expect.family) = (subject, family);
        (one.expect.lost, one.expect.gap, one.expect.stable) = (None, None, Span::ms(500));
        if budgets {
            (one.expect.lost, one.expect.gap, one.expect.flaps) = (Some(2), Some(Span::ms(20)), Some(1));
            one.expect.sticky = true;
        }
        one
    };
    let each = |subject: Subject| with(subject, None, false);
    let costly = subjects().into_iter().take(4).map(|subject| with(subject, None, true));
    let of_family = subjects().into_iter().skip(6).take(6).map(|subject| with(subject, Some(Family::V6), false));
    subjects().into_iter().map(each).chain(costly).chain(of_family).collect()
}

fn judged(plan: &Plan, events: &[Event], now: u64) -> Vec<Finding> {
    let facts = Facts::of(plan, events);
    expectations(plan).iter().map(|one| judge(&facts, one, FAULT, now)).collect()
}

/// The same events as they may come in: each node's own in its order, those of different nodes in any.
fn arrived(events: &[Event], choices: &[prop::sample::Index]) -> Vec<Event> {
    let mut nodes: BTreeMap<Option<&str>, VecDeque<&Event>> = BTreeMap::new();
    for event in events {
        nodes.entry(event.node.as_deref()).or_default().push_back(event);
    }
    let mut choices = choices.iter().cycle();
    let mut arrived = Vec::new();
    while !nodes.is_empty() {
        let names: Vec<Option<&str>> = nodes.keys().copied().collect();
        let name = choices.next().map_or(names[0], |choice| *choice.get(&names));
        let Some(queue) = nodes.get_mut(&name) else { break };
        arrived.extend(queue.pop_front().cloned());
        if queue.is_empty() {
            nodes.remove(&name);
        }
    }
    arrived
}

/// Something that happens after the verdict, and that is no reason to take it back.
fn harmless() -> impl Strategy<Value = (u64, u8)> {
    (0_u64..2000, 0_u8..5)
}

fn append(story: &mut Story, after: u64, what: u8) {
    let at = END + after * MS;
    match what {
        0 => {
            let (daemon, text) = ("watchdog".to_owned(), "checked".to_owned());
            story.push(at, "ns2", Seen::Line { daemon, stream: Stream::Stderr, text });
        }
        1 => story.say(at, "ns2", "router", BgpMessage::Keepalive),
        2 => story.rib(at, &["12"]),
        3 => story.fib(at, &["12"]),
        _ => {
            let saw = Seen::Stalled { late: 30 * MS, waited: 0, processor: Some(0), of: Some(2) };
            story.events.push(Event { at, since: None, node: None, saw });
        }
    }
}

/// A property of verdicts that are all the same would prove little.
#[test]
fn the_story_has_all_verdicts() {
    let story = story();
    let given: Vec<_> = judged(&story.plan, &story.events, FAULT + 60_000 * MS);
    for verdict in [Verdict::Pass, Verdict::Fail, Verdict::Unknown] {
        assert!(given.iter().any(|finding| finding.verdict == Some(verdict)), "{verdict}");
    }
    assert!(given.iter().all(|finding| finding.verdict.is_some()), "after a minute all is said");
    let early = judged(&story.plan, &story.events, FAULT + 20 * MS);
    assert!(early.iter().any(|finding| finding.verdict.is_none()), "{}", millis(20 * MS));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    #[test]
    fn the_order_of_arrival_changes_no_verdict(choices in prop::collection::vec(any::<prop::sample::Index>(), 1..400)) {
        let story = story();
        let (plan, shuffled) = (&story.plan, arrived(&story.events, &choices));
        let now = FAULT + 60_000 * MS;
        prop_assert_eq!(judged(plan, &story.events, now), judged(plan, &shuffled, now));
        let always = |events: &[Event]| violations(plan, events, 100 * MS, END);
        prop_assert!(always(&story.events).iter().any(|line| line.starts_with("bound")));
        prop_assert_eq!(always(&story.events), always(&shuffled));
        let told = |events: &[Event]| {
            let facts = Facts::of(plan, events);
            (phases(&facts, "ns1", FAULT, END), disagreement(&facts, FAULT, END))
        };
        prop_assert_eq!(told(&story.events), told(&shuffled));
    }

    #[test]
    fn a_pass_stays_a_pass(later in prop::collection::vec(harmless(), 0..20)) {
        let mut story = story();
        let before = judged(&story.plan, &story.events, END);
        let last = later.iter().map(|(after, _)| END + after * MS).max().unwrap_or(END);
        later.into_iter().for_each(|(after, what)| append(&mut story, after, what));
        story.ask(END, last, |_| answer("ns2"));
        story.events.sort_by_key(|event| event.at);
        let after = judged(&story.plan, &story.events, last + 500 * MS);
        for (one, (before, after)) in expectations(&story.plan).iter().zip(before.iter().zip(&after)) {
            if before.verdict == Some(Verdict::Pass) {
                prop_assert_eq!(after.verdict, Some(Verdict::Pass), "{}: {:?}", one.expect.subject, after);
            }
        }
    }
}
