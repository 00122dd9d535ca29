//! What happened since the last inject or heal, in which order.

use std::net::IpAddr;

use super::conclude::{answers_are_in, spent};
use super::routes::routed;
use super::serving::{Answers, Layer, longest_wait, wants};
use super::sessions::{Turn, turns};
use super::{Case, millis, nanos};
use crate::history::{BgpMessage, Event, Seen};
use crate::outcome::{Finding, Verdict};
use crate::plan::host;
use crate::spec::Happening;

pub(super) fn judge(case: &Case<'_>, happenings: &[Happening]) -> Finding {
    let times: Vec<(&Happening, Option<u64>)> = happenings.iter().map(|one| (one, time(case, one))).collect();
    let wants = wants(case.plan, case.expectation);
    let answers = Answers::of(case, &wants);
    let deadline = case.origin.saturating_add(nanos(case.expectation.deadline.0));
    let last = times.iter().map(|(_, at)| *at).try_fold(case.origin, |last, at| Some(last.max(at?)));
    let after = |at: u64| millis(at.saturating_sub(case.origin));

    let pairs = times.iter().zip(times.iter().skip(1));
    let disorder = pairs.into_iter().find_map(|((one, before), (other, then))| {
        let (before, then) = ((*before)?, (*then)?);
        (then < before).then(|| format!("`{other}` (+{}) came before `{one}` (+{})", after(then), after(before)))
    });
    let mut finding = spent(case, &answers, last.unwrap_or(case.now));
    finding.held_from = last.filter(|_| disorder.is_none());
    if let Some(disorder) = disorder {
        finding.found = vec![disorder];
        finding.verdict = Some(Verdict::Fail);
    } else if let Some(last) = last {
        if last > deadline {
            let since = &case.expectation.since;
            finding
                .found
                .insert(0, format!("it took {} from {since}, allowed {}", after(last), case.expectation.deadline));
        }
        let verdict = if finding.found.is_empty() { Verdict::Pass } else { Verdict::Fail };
        finding.verdict = answers_are_in(case, &answers, last).then_some(verdict);
    } else {
        // What happened just before the deadline may still be on its way here.
        finding.found.clear();
        if case.now > deadline.saturating_add(nanos(longest_wait(case.plan))) {
            let missing = times.iter().filter(|(_, at)| at.is_none());
            finding.found = missing.map(|(happening, _)| format!("`{happening}` has not happened")).collect();
            finding.first.clone_from(&finding.found.first().cloned());
            finding.verdict = Some(Verdict::Fail);
        }
    }
    if finding.verdict.is_none() {
        finding.found.clear();
    }
    finding
}

/// When it happened, if it has.
fn time(case: &Case<'_>, happening: &Happening) -> Option<u64> {
    let since: Vec<&Event> = case.events.iter().filter(|event| event.at >= case.origin).collect();
    let first = |node: &str, wanted: &dyn Fn(&Seen) -> bool| {
        let here = since.iter().filter(|event| event.node.as_deref() == Some(node) && wanted(&event.saw));
        here.map(|event| event.at).min()
    };
    let pair = |one: &str, other: &str, wanted: fn(&Turn) -> bool| {
        let mut turns = turns(case.plan, case.events, one, other).into_iter();
        turns.find(|(at, turn)| *at >= case.origin && wanted(turn)).map(|(at, _)| at)
    };
    match happening {
        Happening::Exited(node, role) => {
            let name = role.to_string();
            first(node, &|saw| matches!(saw, Seen::Exited { daemon, .. } if *daemon == name))
        }
        Happening::Started(node, role) => {
            let name = role.to_string();
            first(node, &|saw| matches!(saw, Seen::Started { daemon, .. } if *daemon == name))
        }
        Happening::Detected(node) => first(node, &super::phases::detects),
        Happening::Withdrawn(node) => last_of(case, node, |address| first(node, &|saw| says(saw, address, false))),
        Happening::Announced(node) => last_of(case, node, |address| first(node, &|saw| says(saw, address, true))),
        Happening::Rib(has, node) => table(case, Layer::Rib, *has, node),
        Happening::Fib(has, node) => table(case, Layer::Fib, *has, node),
        Happening::Established(one, other) => pair(one, other, |turn| *turn == Turn::Up),
        Happening::Ended(one, other) => pair(one, other, |turn| matches!(turn, Turn::Down(_))),
    }
}

/// The latest of the times of all addresses in scope that the node serves; none while one has none.
fn last_of(case: &Case<'_>, node: &str, time: impl Fn(IpAddr) -> Option<u64>) -> Option<u64> {
    let wants = wants(case.plan, case.expectation);
    let served = wants.iter().filter(|want| want.target.served_by.iter().any(|by| by == node));
    served.map(|want| time(want.target.address)).try_fold(None, |last: Option<u64>, at| Some(last.max(Some(at?))))?
}

/// Whether a node says of an address, on the wire, that it can be reached through it, or that it no longer can.
fn says(saw: &Seen, address: IpAddr, announces: bool) -> bool {
    let Seen::Bgp { sent: true, message: BgpMessage::Update { announced, withdrawn }, .. } = saw else {
        return false;
    };
    let prefix = host(address);
    if announces { announced.iter().any(|(one, _)| *one == prefix) } else { withdrawn.contains(&prefix) }
}

/// When the last of the tables in scope gave the node up, or took it in, for the first time since the origin.
fn table(case: &Case<'_>, layer: Layer, has: bool, node: &str) -> Option<u64> {
    let tables = routed(case.plan, case.events, layer);
    let at = |router: &str| case.expectation.expect.at.as_ref().is_none_or(|at| at == router);
    last_of(case, node, |address| {
        let here = tables.iter().filter(|table| table.address == address && at(table.router));
        here.map(|table| {
            let stays = table.stays(case.origin, u64::MAX);
            stays.iter().find(|stay| stay.nodes.contains(node) == has).map(|stay| stay.from)
        })
        .try_fold(None, |last: Option<u64>, at| Some(last.max(Some(at?))))?
    })
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
        story.withdraw(FAULT + 5 * MS);
        story
    }

    #[test]
    fn what_came_in_order_passes() {
        let finding = failover().judge_with(order(&WHOLE));
        assert_eq!((finding.verdict, finding.held_from), (Some(Verdict::Pass), Some(FAULT + 11 * MS)));
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
}
