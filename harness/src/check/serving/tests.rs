//! The joint oracle, held against small histories: one that passes, and every way in which one does not.

use std::time::Duration;

use protocol::Outcome;

use crate::check::story::{FAULT, MS, Story, answer};
use crate::history::{Event, Seen};
use crate::outcome::Verdict;
use crate::plan::Expectation;
use crate::spec::{Span, Subject};

#[test]
fn a_failover_passes_when_the_last_of_all_is_right() {
    let finding = Story::of_failover().judge();
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    assert_eq!(finding.held_from, Some(FAULT + 11 * MS));
    assert_eq!(finding.lost, 4, "one query to each address");
    assert_eq!(finding.gap, Duration::from_millis(10));
    assert_eq!(finding.found, Vec::<String>::new());
}

#[test]
fn it_is_too_early_before_the_stable_time_is_over() {
    let mut story = Story::of_failover();
    story.events.retain(|event| event.at < FAULT + 900 * MS);
    assert_eq!(story.judge().verdict, None);
}

#[test]
fn it_is_too_early_while_a_query_is_out() {
    let mut story = Story::of_failover();
    let missing = |event: &Event| matches!(event.saw, Seen::Query { number: 150, .. });
    story.events.retain(|event| !missing(event));
    assert_eq!(story.judge().verdict, None, "its outcome might still be bad");
}

#[test]
fn a_rib_that_keeps_the_dead_fails_and_is_named() {
    let mut story = Story::of_both(FAULT);
    story.fib(FAULT + MS, &["12"]);
    story.ask(FAULT, FAULT + 4000 * MS, |_| answer("ns2"));
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["router routes via ns1 and ns2: 4 of 4 addresses (RIB only)"]);
    assert_eq!(finding.first.as_deref(), Some("no withdrawal of 10.1.53.1 by ns1 on the wire"));
}

#[test]
fn a_rib_that_ignores_a_withdrawal_is_told_from_a_withdrawal_that_never_came() {
    let mut story = Story::of_both(FAULT);
    story.withdraw(FAULT + MS);
    story.ask(FAULT, FAULT + 4000 * MS, |_| answer("ns2"));
    let first = story.judge().first;
    assert_eq!(first.as_deref(), Some("ns1 withdrew 10.1.53.1 on the wire, and router's RIB keeps it"));
}

#[test]
fn a_kernel_that_keeps_the_dead_fails_and_is_named() {
    let mut story = Story::of_both(FAULT);
    story.rib(FAULT + MS, &["12"]);
    story.ask(FAULT, FAULT + 4000 * MS, |_| answer("ns2"));
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    let first = "router's RIB is right, and its kernel's route for 10.1.53.1 is not";
    assert_eq!(finding.first.as_deref(), Some(first));
}

#[test]
fn a_routing_daemon_that_does_not_answer_is_not_right() {
    let mut story = Story::of_failover();
    story.push(FAULT + 20 * MS, "router", Seen::Rib { daemon: "router".to_owned(), routes: None });
    story.ask(FAULT + 1500 * MS, FAULT + 4000 * MS, |_| answer("ns2"));
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.first.as_deref(), Some("router's routing daemon does not answer on its control socket"));
}

#[test]
fn an_answer_from_the_wrong_instance_fails() {
    let mut story = Story::of_failover();
    story.ask(FAULT + 1500 * MS, FAULT + 4000 * MS, |n| answer(if n % 3 == 0 { "ns1" } else { "ns2" }));
    story.events.retain(
        |event| !matches!(event.saw, Seen::Query { sent, .. } if (FAULT + 10 * MS..FAULT + 1500 * MS).contains(&sent)),
    );
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert!(finding.found.iter().any(|line| line.starts_with("client is answered by others")), "{:?}", finding.found);
}

#[test]
fn silence_fails() {
    let mut story = Story::of_failover();
    story.events.retain(|event| !matches!(event.saw, Seen::Query { sent, .. } if sent >= FAULT));
    story.ask(FAULT, FAULT + 4000 * MS, |_| Outcome::Timeout);
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["client gets no answer to 100 % of its queries", "client hears nothing from ns2"]);
    assert_eq!(finding.first.as_deref(), Some("every route is right, and client's answers from 10.1.53.1 are not"));
}

#[test]
fn servfail_is_no_answer() {
    let mut story = Story::of_failover();
    story.events.retain(|event| !matches!(event.saw, Seen::Query { sent, .. } if sent >= FAULT));
    let servfail = |_| Outcome::Answer { instance: "ns2".to_owned(), rcode: 2, answers: 0, rtt: MS };
    story.ask(FAULT, FAULT + 4000 * MS, servfail);
    assert_eq!(story.judge().verdict, Some(Verdict::Fail));
}

#[test]
fn an_expected_server_that_nobody_hears_fails() {
    let mut story = Story::of_both(FAULT);
    story.ask(FAULT, FAULT + 6000 * MS, |_| answer("ns2"));
    let both = |expectation: &mut Expectation| {
        expectation.expect.subject = Subject::Serving(vec!["ns1".to_owned(), "ns2".to_owned()]);
    };
    let finding = story.judge_with(both);
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["client hears nothing from ns1"]);
}

#[test]
fn more_lost_than_allowed_fails_though_it_converged() {
    let finding = Story::of_failover().judge_with(|expectation| expectation.expect.lost = Some(3));
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["4 queries lost since kill resolver on ns1, allowed 3"]);
}

#[test]
fn a_longer_gap_than_allowed_fails_though_it_converged() {
    let finding = Story::of_failover().judge_with(|expectation| expectation.expect.gap = Some(Span::ms(9)));
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["no good answer for 10 ms since kill resolver on ns1, allowed 9ms"]);
}

#[test]
fn a_client_that_paused_has_lost_nothing() {
    let mut story = Story::of_failover();
    let during = |event: &Event| matches!(event.saw, Seen::Query { sent, .. } if (FAULT + 100 * MS..FAULT + 300 * MS).contains(&sent));
    story.events.retain(|event| !during(event));
    let finding = story.judge_with(|expectation| expectation.expect.gap = Some(Span::ms(10)));
    assert_eq!(finding.gap, Duration::from_millis(10), "{finding:?}");
}

/// The whole machine stood still, as seen when the host takes its processors away.
#[test]
fn who_could_not_ask_is_waited_for() {
    let both = |expectation: &mut Expectation| {
        expectation.expect.subject = Subject::Serving(vec!["ns1".to_owned(), "ns2".to_owned()]);
        (expectation.expect.lost, expectation.expect.gap) = (None, None);
    };
    let mut story = Story::of_both(FAULT + 4000 * MS);
    let stood = FAULT + 15 * MS..FAULT + 2000 * MS;
    story.events.retain(|event| !matches!(event.saw, Seen::Query { sent, .. } if stood.contains(&sent)));
    for event in &mut story.events {
        if let Seen::Query { number, sent, .. } = &mut event.saw
            && *sent >= stood.end
        {
            *number -= 198;
        }
    }
    let finding = story.judge_with(both);
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    // It still stands.
    story.events.retain(|event| event.at < FAULT + 2500 * MS);
    assert_eq!(story.judge_with(both).verdict, None, "half of the queries are to come");
    // And never goes on.
    story.fib(FAULT + 60_000 * MS, &["11", "12"]);
    let finding = story.judge_with(both);
    assert_eq!(finding.verdict, Some(Verdict::Unknown));
    assert_eq!(
        finding.found,
        [
            "client asked 10.1.53.1 50 times since all is right, 100 are needed to tell; hint: a longer `stable`; is this machine busy?"
        ]
    );
}

/// By chance: twenty times in a row the other one.
#[test]
fn who_is_not_heard_for_a_short_stable_time_is_waited_for() {
    let both = |expectation: &mut Expectation| {
        expectation.expect.subject = Subject::Serving(vec!["ns1".to_owned(), "ns2".to_owned()]);
        expectation.expect.stable = Span::ms(150);
        (expectation.expect.lost, expectation.expect.gap) = (None, None);
    };
    let mut story = Story::of_both(FAULT);
    let first = FAULT / (10 * MS);
    let is_ns1 = |n: u64| n == first || n > first + 20 && n.is_multiple_of(2);
    story.ask(FAULT, FAULT + 3000 * MS, |n| answer(if is_ns1(n) { "ns1" } else { "ns2" }));
    assert_eq!(story.judge_with(both).verdict, Some(Verdict::Pass));
    story.events.retain(|event| event.at < FAULT + 350 * MS);
    assert_eq!(story.judge_with(both).verdict, None);
}

#[test]
fn who_answers_at_first_and_then_hardly_ever_does_not_serve() {
    let both = |expectation: &mut Expectation| {
        expectation.expect.subject = Subject::Serving(vec!["ns1".to_owned(), "ns2".to_owned()]);
    };
    let mut story = Story::of_both(FAULT);
    let first = FAULT / (10 * MS);
    story.ask(FAULT, FAULT + 60_000 * MS, |n| answer(if n == first { "ns1" } else { "ns2" }));
    let finding = story.judge_with(both);
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.found, ["client hears nothing from ns1"]);
    // Nor does who pauses then, and is heard in the end.
    let mut story = Story::of_both(FAULT);
    let is_ns1 = |n: u64| n == first || n > first + 150 && n.is_multiple_of(2);
    story.ask(FAULT, FAULT + 60_000 * MS, |n| answer(if is_ns1(n) { "ns1" } else { "ns2" }));
    let finding = story.judge_with(both);
    assert_eq!(finding.found, ["client hears too little from ns1 at 10.1.53.1"]);
    assert_eq!(finding.verdict, Some(Verdict::Fail), "{finding:?}");
}

/// The answers of ns2 that name no node, or another one than there is.
fn unnamed(names: &'static str) -> Story {
    let mut story = Story::of_failover();
    story.events.retain(|event| !matches!(event.saw, Seen::Query { sent, .. } if sent >= FAULT));
    story.ask(FAULT, FAULT + 4000 * MS, |_| answer(names));
    story
}

#[test]
fn answers_of_an_unknown_node_are_unknown_and_never_somebody_else_s() {
    for names in ["", "ns2.example.net"] {
        let mut story = unnamed(names);
        story.push(FAULT + 60_000 * MS, "router", Seen::Ready);
        let finding = story.judge();
        assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
        let told = finding.found.first().expect("a reason");
        assert!(told.contains("nothing tells who gave 400 of the answers") && told.contains("server-id"), "{told}");
    }
}

#[test]
fn a_failure_that_the_unknown_node_does_not_explain_is_one() {
    let mut story = unnamed("");
    story.fib(FAULT + 3000 * MS, &["11", "12"]);
    story.push(FAULT + 60_000 * MS, "router", Seen::Ready);
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Fail), "{finding:?}");
    assert!(!finding.found.iter().any(|line| line.contains("others than expected")), "{finding:?}");
}

#[test]
fn the_servers_own_probes_tell_who_answered() {
    let served = |node: &str| {
        let mut story = unnamed("");
        let mut served = Vec::new();
        for event in &mut story.events {
            let Seen::Query { port, id, to, number, .. } = &mut event.saw else { continue };
            (*port, *id) = (4000, *number as u16);
            let client = if to.is_ipv4() { "192.0.2.10" } else { "2001:db8:c::10" };
            let client = std::net::SocketAddr::new(client.parse().unwrap(), 4000);
            served.push((event.at, Seen::Served { to: *to, client, id: *id }));
        }
        served.into_iter().filter(|(at, _)| *at >= FAULT).for_each(|(at, saw)| story.push(at, node, saw));
        story.judge().verdict
    };
    assert_eq!(served("ns2"), Some(Verdict::Pass));
    assert_eq!(served("ns1"), Some(Verdict::Fail));
}

/// What the client's own machine refused is no server's fault, and proves nothing.
#[test]
fn what_could_not_be_asked_is_unknown_where_it_matters() {
    let could_not = |n: u64| n == 120;
    let unasked = || Outcome::Unasked("Too many open files".to_owned());
    let mut story = Story::of_failover();
    story.events.retain(|event| !matches!(event.saw, Seen::Query { sent, .. } if sent >= FAULT + 10 * MS));
    story.ask(FAULT + 10 * MS, FAULT + 4000 * MS, |n| if could_not(n) { unasked() } else { answer("ns2") });
    let lost = |most: u64| story.judge_with(|expectation| expectation.expect.lost = Some(most));
    assert_eq!(lost(8).verdict, Some(Verdict::Pass), "four were lost, and four not asked");
    let finding = lost(4);
    assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
    assert!(finding.found.iter().all(|line| line.contains("itself could not send 1 of its queries")), "{finding:?}");
    assert_eq!(lost(3).verdict, Some(Verdict::Fail), "four were lost for sure");
}

#[test]
fn too_late_fails_and_tells_when_it_held() {
    let finding = Story::of_failover().judge_with(|expectation| expectation.deadline = Span::ms(5));
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    assert_eq!(finding.held_from, Some(FAULT + 11 * MS));
    assert_eq!(finding.found, ["it held 11 ms after kill resolver on ns1, allowed 5ms"]);
}

#[test]
fn a_flap_starts_the_stable_time_anew() {
    let mut story = Story::of_failover();
    story.rib(FAULT + 800 * MS, &["11", "12"]);
    story.rib(FAULT + 801 * MS, &["12"]);
    assert_eq!(story.judge().verdict, None);
    story.ask(FAULT + 1500 * MS, FAULT + 2500 * MS, |_| answer("ns2"));
    assert_eq!(story.judge().held_from, Some(FAULT + 801 * MS));
    assert_eq!(story.judge().verdict, Some(Verdict::Pass));
}

#[test]
fn a_hole_is_unknown_whatever_else_was_seen() {
    let mut story = Story::of_failover();
    story.push(FAULT, "router", Seen::Hole { reason: "its probe has ended".to_owned() });
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Unknown));
    assert_eq!(finding.found, ["router: its probe has ended"]);
}

#[test]
fn scope_narrows_what_is_looked_at() {
    let mut story = Story::of_failover();
    // IPv6 is broken; IPv4 alone was asked about.
    let v6 = |event: &Event| matches!(event.saw, Seen::Query { to, sent, .. } if to.is_ipv6() && sent >= FAULT);
    story.events.retain(|event| !v6(event));
    assert_eq!(story.judge().verdict, None);
    let finding = story.judge_with(|expectation| expectation.expect.family = Some(crate::spec::Family::V4));
    assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
}
