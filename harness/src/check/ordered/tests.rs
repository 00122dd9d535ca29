//! Order, on histories made by hand.

use super::*;
use crate::check::story::{FAULT, MS, Story};
use crate::plan::{Expectation, host};
use crate::spec::{Role, Subject};

fn order(words: &[&str]) -> impl FnOnce(&mut Expectation) {
    let happenings = words.iter().map(|word| word.parse().expect("a happening")).collect();
    |expectation| {
        expectation.expect.subject = Subject::Ordered(happenings);
        expectation.expect.lost = None;
        expectation.expect.gap = None;
    }
}

const WHOLE: [&str; 4] = ["exited ns1 resolver", "detected ns1", "withdrawn ns1", "fib without ns1"];

fn failover() -> Story {
    let mut story = Story::of_failover();
    let exit = protocol::Exit::Signal(9);
    story.push(FAULT + 2 * MS, "ns1", Seen::Exited { daemon: Role::Resolver.to_string(), pid: 13, exit });
    story.detect(FAULT + 3 * MS);
    // What was polled in the story was known a moment later.
    for event in &mut story.events {
        event.since = matches!(event.saw, Seen::Rib { .. }).then(|| event.at.saturating_sub(MS / 2));
    }
    story.withdraw(FAULT + 5 * MS);
    story
}

#[test]
fn what_came_in_order_passes() {
    let finding = failover().judge_with(order(&WHOLE));
    // A kernel's route may have changed a millisecond after its stamp.
    assert_eq!((finding.verdict, finding.held_from), (Some(Verdict::Pass), Some(FAULT + 12 * MS)));
    assert_eq!(failover().judge_with(order(&["fib without ns1"])).verdict, Some(Verdict::Pass), "one is enough");
}

#[test]
fn what_came_in_another_order_fails_and_is_named() {
    let finding = failover().judge_with(order(&["fib without ns1", "withdrawn ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(
        finding.found,
        ["`withdrawn ns1` (+5.000 ms) came before `fib without ns1` (between +11.000 ms and +12.000 ms)"]
    );
}

#[test]
fn what_did_not_happen_fails_after_the_deadline_and_is_too_early_before() {
    let mut story = failover();
    let order_of = || order(&["detected ns1", "exited ns1 speaker"]);
    assert_eq!(story.judge_with(order_of()).verdict, None);
    story.push(FAULT + 60_000 * MS, "router", Seen::Ready);
    let finding = story.judge_with(order_of());
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["`exited ns1 speaker` has not happened"]);
}

#[test]
fn a_withdrawal_is_over_with_its_last_address() {
    let mut story = failover();
    // One address is withdrawn only after the kernel has given up all routes.
    let last = story.plan.services.last().map(|service| host(service.address)).expect("an address");
    for event in &mut story.events {
        if let Seen::Bgp { message: BgpMessage::Update { withdrawn, .. }, .. } = &mut event.saw {
            withdrawn.retain(|prefix| *prefix != last);
        }
    }
    let message = BgpMessage::Update { announced: vec![], withdrawn: vec![last] };
    story.say(FAULT + 50 * MS, "ns1", "router", message);
    let finding = story.judge_with(order(&WHOLE));
    assert_eq!(
        finding.found,
        ["`fib without ns1` (between +11.000 ms and +12.000 ms) came before `withdrawn ns1` (+50.000 ms)"]
    );
}

#[test]
fn sessions_and_tables_have_their_times() {
    let mut story = failover();
    story.session_up(100 * MS, "ns1");
    story.say(FAULT + 20 * MS, "router", "ns1", BgpMessage::Notification { code: 4, subcode: 0 });
    story.session_up(FAULT + 30 * MS, "ns1");
    let words = ["rib without ns1", "ended router ns1", "established router ns1"];
    assert_eq!(story.judge_with(order(&words)).verdict, Some(Verdict::Pass));
    let words = ["fib with ns2", "rib without ns1"];
    assert_eq!(story.judge_with(order(&words)).verdict, Some(Verdict::Pass), "ns2 was there from the outset");
}

/// The RIB's answer that first lacked ns1 was read at `read`, and the one before at `before`; both from the fault, in microseconds.
fn polled(before: u64, read: u64) -> Story {
    let mut story = failover();
    story.events.retain(|event| !matches!(event.saw, Seen::Rib { .. } if event.at > FAULT));
    story.rib(FAULT + read * 1000, &["12"]);
    let answer = story.events.iter_mut().filter(|event| matches!(event.saw, Seen::Rib { .. }));
    answer.filter(|event| event.at > FAULT).for_each(|event| event.since = Some(FAULT + before * 1000));
    story
}

#[test]
fn intervals_that_overlap_are_unknown_and_never_a_failure() {
    for words in [["rib without ns1", "fib without ns1"], ["fib without ns1", "rib without ns1"]] {
        let finding = polled(10_200, 11_300).judge_with(order(&words));
        assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
        let told = finding.found.first().expect("a reason");
        assert!(told.contains("cannot be told apart"), "{told}");
        assert!(told.contains("between +10.200 ms and +11.300 ms"), "{told}");
        assert!(told.contains("+11.000 ms") && told.contains("hint: "), "{told}");
    }
}

#[test]
fn disjoint_intervals_in_the_wrong_order_fail_in_microseconds_where_milliseconds_are_the_same() {
    let finding = polled(12_200, 12_300).judge_with(order(&["rib without ns1", "fib without ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    let told = "`fib without ns1` (between +11.000 ms and +12.000 ms) came before `rib without ns1` (between +12.200 ms and +12.300 ms)";
    assert_eq!(finding.found, [told]);
    let finding = polled(10_200, 10_300).judge_with(order(&["rib without ns1", "fib without ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
}

#[test]
fn what_is_not_next_to_each_other_may_be_wrong_though_neighbours_overlap() {
    let finding = polled(2_000, 20_000).judge_with(order(&["fib without ns1", "rib without ns1", "withdrawn ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(
        finding.found,
        ["`withdrawn ns1` (+5.000 ms) came before `fib without ns1` (between +11.000 ms and +12.000 ms)"]
    );
}

/// The daemon's sockets are closed before its end is reported.
fn detected_before_the_exit_is_reported() -> Story {
    let mut story = failover();
    for event in &mut story.events {
        if matches!(event.saw, Seen::Exited { .. }) {
            event.at = FAULT + 4 * MS;
        }
    }
    story
}

#[test]
fn a_detection_before_the_report_of_an_exit_is_told_as_what_it_is() {
    let story = detected_before_the_exit_is_reported();
    let finding = story.judge_with(order(&["exited ns1 resolver", "detected ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Unknown));
    assert!(
        finding.found.first().is_some_and(|told| told.contains("closes its sockets a moment before")),
        "{finding:?}"
    );
}

#[test]
fn what_is_killed_has_ended_with_the_signal() {
    let mut story = detected_before_the_exit_is_reported();
    let what = serde_json::from_str(r#"{"kill": "resolver", "on": "ns1"}"#).ok();
    let saw = Seen::Injected { number: 1, fault: String::new(), what, detail: String::new() };
    story.events.push(Event { at: FAULT, since: None, node: None, saw });
    let finding = story.judge_with(order(&["exited ns1 resolver", "detected ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    // The signal has its time at its beginning: nothing of before counts.
    story.events.push(Event {
        at: FAULT - 30 * MS,
        since: None,
        node: None,
        saw: Seen::Step { number: 1, name: String::new() },
    });
    let mut polled = story.events.iter_mut().filter(|event| event.at > FAULT);
    let rib = polled.find(|event| matches!(event.saw, Seen::Rib { .. })).expect("the RIB changes");
    rib.since = None;
    let finding = story.judge_with(order(&["exited ns1 resolver", "rib without ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    let finding = story.judge_with(order(&["detected ns1", "exited ns1 resolver"]));
    assert_eq!(finding.found, ["`exited ns1 resolver` (+0 ms) came before `detected ns1` (+3 ms)"]);
}

#[test]
fn a_deadline_within_the_interval_is_unknown() {
    let within = |us| {
        polled(10_200, 11_300).judge_with(move |expectation| {
            order(&["rib without ns1"])(expectation);
            expectation.deadline.0 = std::time::Duration::from_micros(us);
        })
    };
    assert_eq!(within(11_300).verdict, Some(Verdict::Pass));
    let finding = within(10_500);
    assert_eq!(finding.verdict, Some(Verdict::Unknown));
    assert!(
        finding.found.first().is_some_and(|told| told.starts_with("cannot be told whether it took")),
        "{finding:?}"
    );
    let finding = within(10_100);
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert!(finding.found.first().is_some_and(|told| told.starts_with("it took between 10.200 ms and")), "{finding:?}");
}

#[test]
fn a_message_that_cannot_be_read_may_be_what_did_not_happen() {
    let judged = |at: u64, words: &[&str]| {
        let mut story = failover();
        story.events.retain(|event| {
            !matches!(&event.saw, Seen::Bgp { message: BgpMessage::Update { .. }, .. }) || words.len() > 1
        });
        story.say(at, "ns1", "router", BgpMessage::Malformed("attribute 14 is cut short".to_owned()));
        story.push(FAULT + 60_000 * MS, "router", Seen::Ready);
        story.judge_with(order(words))
    };
    let finding = judged(FAULT + 4 * MS, &["withdrawn ns1"]);
    assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
    assert!(finding.found.iter().any(|told| told.ends_with("attribute 14 is cut short")), "{finding:?}");
    assert_eq!(
        judged(FAULT - MS, &["withdrawn ns1"]).verdict,
        Some(Verdict::Fail),
        "what was said before says nothing"
    );
    // It may have been the withdrawal that was seen later.
    let finding = judged(FAULT + 4 * MS, &["withdrawn ns1", "exited ns1 resolver"]);
    assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
    let finding = judged(FAULT + 20 * MS, &["withdrawn ns1", "fib without ns1"]);
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
}

/// A command that takes a session down is stamped when it has ended.
#[test]
fn what_happens_while_the_fault_is_injected_counts() {
    let mut story = Story::of_failover();
    let lab = |at: u64, saw: Seen| Event { at, since: None, node: None, saw };
    story.events.push(lab(FAULT - 30 * MS, Seen::Step { number: 1, name: String::new() }));
    let fault = "stop resolver on ns1".to_owned();
    story.events.push(lab(FAULT, Seen::Injected { number: 1, fault, what: None, detail: String::new() }));
    story.withdraw(FAULT - 20 * MS);
    let finding = story.judge_with(order(&["withdrawn ns1", "fib without ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    let finding = story.judge_with(order(&["fib without ns1", "withdrawn ns1"]));
    assert_eq!(
        finding.found,
        ["`withdrawn ns1` (-20.000 ms) came before `fib without ns1` (between +11.000 ms and +12.000 ms)"]
    );
}

fn withdraws(story: &mut Story, after: u64, to: &str, prefixes: &[&str]) {
    let withdrawn = prefixes.iter().map(|prefix| prefix.parse().expect("a prefix")).collect();
    story.say(FAULT + after * MS, "ns1", to, BgpMessage::Update { announced: vec![], withdrawn });
}

/// An operator announces what the Internet takes, in place of host routes or beside them; to one peer or to two.
#[test]
fn a_covering_prefix_is_withdrawn_with_the_last_one_and_to_the_last_peer() {
    let covering = ["10.1.53.0/24", "2001:db8:53::/48"];
    let mut story = Story::of_failover();
    for to in ["router", "ns2"] {
        let announced = covering.iter().map(|prefix| (prefix.parse().expect("a prefix"), None)).collect();
        story.say(100 * MS, "ns1", to, BgpMessage::Update { announced, withdrawn: vec![] });
    }
    story.push(FAULT + 60_000 * MS, "router", Seen::Ready);
    let held = |story: &Story| {
        let finding = story.judge_with(order(&["withdrawn ns1"]));
        (finding.verdict, finding.held_from.map(|at| (at - FAULT) / MS))
    };
    assert_eq!(held(&story), (Some(Verdict::Fail), None));
    // Host routes of which nobody had heard: the covering prefixes stay.
    story.withdraw(FAULT + 5 * MS);
    withdraws(&mut story, 6, "router", &covering);
    assert_eq!(held(&story), (Some(Verdict::Fail), None), "ns2 was not told");
    let mut ended = story.events.clone();
    withdraws(&mut story, 8, "ns2", &covering);
    assert_eq!(held(&story), (Some(Verdict::Pass), Some(8)));
    // Or its session had ended before.
    std::mem::swap(&mut story.events, &mut ended);
    story.say(FAULT + 4 * MS, "ns2", "ns1", BgpMessage::Notification { code: 6, subcode: 2 });
    assert_eq!(held(&story), (Some(Verdict::Pass), Some(6)));
}

#[test]
fn a_route_that_seems_to_change_just_before_its_cause_is_unknown() {
    let mut story = failover();
    // The stamp is that of the announcement that woke the probe: half a millisecond before the withdrawal.
    for event in &mut story.events {
        if matches!(event.saw, Seen::Fib { .. }) && event.at == FAULT + 11 * MS {
            event.at = FAULT + 5 * MS - MS / 2;
        }
    }
    story.events.sort_by_key(|event| event.at);
    let finding = story.judge_with(order(&["withdrawn ns1", "fib without ns1"]));
    assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
}
