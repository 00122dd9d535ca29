//! What happened since the last inject or heal, in which order.
//!
//! Each time is an interval: a log line was written some time before it was read, a routing daemon's table changed between two looks.
//! An order is wrong only where no choice of moments within the intervals is right.

use std::net::IpAddr;

use super::conclude::{answers_are_in, spent};
use super::routes::routed;
use super::serving::{Answers, LONGEST_WAIT, Layer, wants};
use super::sessions::{Pair, Turn};
use super::unread::unread;
use super::{Case, nanos, window};
use crate::fault::{Breaks, Kill};
use crate::history::{BgpMessage, Event, Interval, Order, Seen};
use crate::outcome::{Finding, Verdict};
use crate::plan::host;
use crate::spec::{Happening, Role};

pub(super) fn judge(case: &Case<'_>, happenings: &[Happening]) -> Finding {
    let from = window(case);
    let times: Vec<Option<Interval>> = happenings.iter().map(|one| time(case, from, one)).collect();
    let wants = wants(case.plan, case.expectation);
    let answers = Answers::replay(case.plan, case.events, case.expectation, &wants, case.origin);
    let deadline = case.origin.saturating_add(nanos(case.expectation.deadline.0));
    let known: Vec<(&Happening, Interval)> =
        happenings.iter().zip(&times).filter_map(|(one, at)| Some((one, (*at)?))).collect();
    let all = known.len() == happenings.len();
    let last = known.iter().map(|(_, at)| *at).fold(Interval::exact(case.origin), Interval::later);
    let end = if all { last.at } else { case.now };
    let mut finding = spent(case, &answers, end);
    let unread = |(one, at): (&Happening, &Option<Interval>)| unread_before(case, one, from, *at);

    let disorder = first_pair(&known, Order::After);
    let disorder = disorder.filter(|pair| !pair.iter().any(|(one, at)| unread((one, &Some(*at))).is_some()));
    if let Some([(one, at), (other, then)]) = disorder {
        let (at, then) = distinctly(case.origin, at, then);
        finding.found = vec![format!("`{other}` ({then}) came before `{one}` ({at})")];
        finding.verdict = Some(Verdict::Fail);
        return finding;
    }
    if all {
        let unclear = || Some(cannot_tell(case.origin, first_pair(&known, Order::Unclear)?));
        let unclear = happenings.iter().zip(&times).find_map(unread).or_else(unclear);
        finding.held_from = Some(last.at);
        let verdict = conclude(case, &mut finding, last, deadline, unclear);
        finding.verdict = answers_are_in(case, &answers, last.at).then_some(verdict);
    } else {
        finding.found.clear();
        // What happened just before the deadline may still be on its way here.
        if case.now > deadline.saturating_add(nanos(LONGEST_WAIT)) {
            let missing: Vec<_> = happenings.iter().zip(&times).filter(|(_, at)| at.is_none()).collect();
            finding.found = missing.iter().map(|(one, _)| format!("`{one}` has not happened")).collect();
            if let Some(doubt) = missing.into_iter().find_map(unread) {
                finding.found.push(doubt);
                finding.verdict = Some(Verdict::Unknown);
            } else {
                finding.first.clone_from(&finding.found.first().cloned());
                finding.verdict = Some(Verdict::Fail);
            }
        }
    }
    if finding.verdict.is_none() {
        finding.found.clear();
    }
    finding
}

/// The verdict when all of it has happened, and in no order that is wrong for certain.
fn conclude(case: &Case<'_>, finding: &mut Finding, last: Interval, deadline: u64, unclear: Option<String>) -> Verdict {
    let (since, allowed) = (&case.expectation.since, case.expectation.deadline);
    let took = distinctly(case.origin, last, Interval::exact(deadline)).0.replace('+', "");
    if last.since > deadline {
        finding.found.insert(0, format!("it took {took} from {since}, allowed {allowed}"));
    }
    if !finding.found.is_empty() {
        return Verdict::Fail;
    }
    let in_time = format!("cannot be told whether it took longer than allowed: {took} from {since}, allowed {allowed}");
    finding.found.extend((last.at > deadline).then_some(in_time));
    finding.found.extend(unclear);
    if finding.found.is_empty() { Verdict::Pass } else { Verdict::Unknown }
}

type Timed<'h> = (&'h Happening, Interval);

/// The first two of which this is so; those that are not neighbours may be told apart where neighbours are not.
fn first_pair<'h>(known: &[Timed<'h>], order: Order) -> Option<[Timed<'h>; 2]> {
    let pairs =
        known.iter().enumerate().flat_map(|(nth, one)| known.iter().skip(nth + 1).map(move |other| [*one, *other]));
    pairs.into_iter().find(|[(_, one), (_, other)]| one.order(*other) == order)
}

fn cannot_tell(origin: u64, [(one, at), (other, then)]: [Timed<'_>; 2]) -> String {
    let inexact = [(one, at), (other, then)].into_iter().filter(|(_, when)| when.since < when.at);
    let why = inexact.map(|(happening, _)| happening).find_map(|happening| match happening {
        Happening::Exited(..) => {
            Some("a process closes its sockets a moment before its parent learns that it has ended")
        }
        Happening::Rib(..) => {
            Some("a routing daemon's table is asked for again and again: it changed between two answers")
        }
        Happening::Detected(_) => Some("a log line was written some time before it was read"),
        _ => None,
    });
    let (at, then) = distinctly(origin, at, then);
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    format!(
        "`{one}` and `{other}` cannot be told apart: {at} and {then}{why}; hint: events of the wire and of the kernel (`withdrawn`, \
         `fib`) have exact times"
    )
}

/// Two times in words that differ where the times do: in milliseconds, or where these are the same in microseconds.
fn distinctly(origin: u64, one: Interval, other: Interval) -> (String, String) {
    let coarse = (words(origin, one, 1_000_000), words(origin, other, 1_000_000));
    if coarse.0 != coarse.1 && one.since == one.at && other.since == other.at {
        return coarse;
    }
    (words(origin, one, 1000), words(origin, other, 1000))
}

fn words(origin: u64, interval: Interval, unit: u64) -> String {
    let ms = |at: u64| {
        let (sign, span) = if at < origin { ('-', origin - at) } else { ('+', at - origin) };
        match (span / 1_000_000, span / 1000 % 1000) {
            (ms, _) if unit == 1_000_000 => format!("{sign}{ms} ms"),
            (ms, us) => format!("{sign}{ms}.{us:03} ms"),
        }
    };
    if interval.since == interval.at {
        ms(interval.at)
    } else {
        format!("between {} and {}", ms(interval.since), ms(interval.at))
    }
}

/// When it happened, if it has, for the first time since `from`.
fn time(case: &Case<'_>, from: u64, happening: &Happening) -> Option<Interval> {
    let first = |node: &str, wanted: &dyn Fn(&Seen) -> bool| {
        let here = case.events.iter().filter(|event| event.node.as_deref() == Some(node) && wanted(&event.saw));
        let since = here.map(Interval::of).filter(|when| when.at >= from);
        since.min_by_key(|when| when.at).map(|when| when.not_before(from))
    };
    let pair = |one: &str, other: &str, wanted: fn(&Turn) -> bool| {
        let pair = Pair::new(case.plan, one, other, case.expectation.expect.family);
        let mut turns = pair.turns(case.events).into_iter();
        turns.find(|(at, turn)| *at >= from && wanted(turn)).map(|(at, _)| Interval::exact(at))
    };
    match happening {
        Happening::Exited(node, role) => {
            let name = role.to_string();
            let ended = first(node, &|saw| matches!(saw, Seen::Exited { daemon, .. } if *daemon == name))?;
            // It ends before its parent is told: its sockets are closed by then. What is killed runs no further.
            Some(killed(case, node, *role).map_or(Interval { since: from, ..ended }, Interval::exact))
        }
        Happening::Started(node, role) => {
            let name = role.to_string();
            first(node, &|saw| matches!(saw, Seen::Started { daemon, .. } if *daemon == name))
        }
        Happening::Detected(node) => first(node, &super::phases::detects),
        Happening::Withdrawn(node) => {
            last_of(case, node, |address| first(node, &|saw| says(case, node, saw, address, false)))
        }
        Happening::Announced(node) => {
            last_of(case, node, |address| first(node, &|saw| says(case, node, saw, address, true)))
        }
        Happening::Rib(has, node) => table(case, from, Layer::Rib, *has, node),
        Happening::Fib(has, node) => table(case, from, Layer::Fib, *has, node),
        Happening::Established(one, other) => pair(one, other, |turn| *turn == Turn::Up),
        Happening::Ended(one, other) => pair(one, other, |turn| matches!(turn, Turn::Down(_))),
    }
}

/// When the fault at the origin killed this daemon, if it did: the time is that of the signal.
fn killed(case: &Case<'_>, node: &str, role: Role) -> Option<u64> {
    let kills = |event: &&Event| match &event.saw {
        Seen::Injected { what: Some(fault), .. } => fault.on == node && fault.breaks == Breaks::Kill(Kill(role)),
        _ => false,
    };
    case.events.iter().find(|event| event.at == case.origin && kills(event)).map(|event| event.at)
}

/// The later of the times of all addresses in scope that the node serves; none while one has none.
fn last_of(case: &Case<'_>, node: &str, time: impl Fn(IpAddr) -> Option<Interval>) -> Option<Interval> {
    let wants = wants(case.plan, case.expectation);
    let served = wants.iter().filter(|want| want.target.served_by.iter().any(|by| by == node));
    latest(served.map(|want| time(want.target.address)))
}

/// The last of them; none where one has not happened, or there is none.
fn latest(mut times: impl Iterator<Item = Option<Interval>>) -> Option<Interval> {
    let first = times.next()??;
    times.try_fold(first, |last, at| Some(last.later(at?)))
}

/// Whether a node says of an address, on the wire, that it can be reached through it, or that it no longer can.
fn says(case: &Case<'_>, node: &str, saw: &Seen, address: IpAddr, announces: bool) -> bool {
    let Seen::Bgp { src, sent: true, message: BgpMessage::Update { announced, withdrawn }, .. } = saw else {
        return false;
    };
    let prefix = host(address);
    case.plan.owner_of(src.ip()) == Some(node)
        && if announces { announced.iter().any(|(one, _)| *one == prefix) } else { withdrawn.contains(&prefix) }
}

/// When the last of the tables in scope gave the node up, or took it in, for the first time since `from`.
fn table(case: &Case<'_>, from: u64, layer: Layer, has: bool, node: &str) -> Option<Interval> {
    let tables = routed(case.plan, case.events, layer);
    let at = |router: &str| case.expectation.expect.at.as_ref().is_none_or(|at| at == router);
    last_of(case, node, |address| {
        let here = tables.iter().filter(|table| table.address == address && at(table.router));
        latest(here.map(|table| {
            let stays = table.stays(from, u64::MAX);
            let changed = stays.iter().find(|stay| stay.nodes.contains(node) == has)?.from;
            Some(when(case.events, table.router, layer, changed).not_before(from))
        }))
    })
}

/// The interval of the change of a router's table that has this time.
fn when(events: &[Event], router: &str, layer: Layer, at: u64) -> Interval {
    let is_it = |event: &&Event| {
        let of_layer = match event.saw {
            Seen::Fib { .. } => layer == Layer::Fib,
            Seen::Rib { .. } => layer == Layer::Rib,
            _ => false,
        };
        of_layer && event.at == at && event.node.as_deref() == Some(router)
    };
    events.iter().find(is_it).map_or(Interval::exact(at), Interval::of)
}

/// Why it may have happened before it was seen, or though it was not seen: a message could not be read.
fn unread_before(case: &Case<'_>, happening: &Happening, from: u64, seen: Option<Interval>) -> Option<String> {
    let until = seen.map_or(u64::MAX, |seen| seen.at);
    match happening {
        Happening::Withdrawn(node) | Happening::Announced(node) => unread(case.plan, case.events, node, from, until),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::story::{FAULT, MS, Story};
    use crate::plan::Expectation;
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
        assert_eq!((finding.verdict, finding.held_from), (Some(Verdict::Pass), Some(FAULT + 11 * MS)));
        assert_eq!(failover().judge_with(order(&["fib without ns1"])).verdict, Some(Verdict::Pass), "one is enough");
    }

    #[test]
    fn what_came_in_another_order_fails_and_is_named() {
        let finding = failover().judge_with(order(&["fib without ns1", "withdrawn ns1"]));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(finding.found, ["`withdrawn ns1` (+5 ms) came before `fib without ns1` (+11 ms)"]);
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
        assert_eq!(finding.found, ["`fib without ns1` (+11 ms) came before `withdrawn ns1` (+50 ms)"]);
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
        let finding = polled(11_200, 11_300).judge_with(order(&["rib without ns1", "fib without ns1"]));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        let told = "`fib without ns1` (+11.000 ms) came before `rib without ns1` (between +11.200 ms and +11.300 ms)";
        assert_eq!(finding.found, [told]);
        let finding = polled(10_200, 10_300).judge_with(order(&["rib without ns1", "fib without ns1"]));
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn what_is_not_next_to_each_other_may_be_wrong_though_neighbours_overlap() {
        let finding = polled(2_000, 20_000).judge_with(order(&["fib without ns1", "rib without ns1", "withdrawn ns1"]));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(finding.found, ["`withdrawn ns1` (+5 ms) came before `fib without ns1` (+11 ms)"]);
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
        assert!(
            finding.found.first().is_some_and(|told| told.starts_with("it took between 10.200 ms and")),
            "{finding:?}"
        );
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
        assert_eq!(finding.found, ["`withdrawn ns1` (-20 ms) came before `fib without ns1` (+11 ms)"]);
    }
}
