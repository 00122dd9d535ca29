//! One flow, one instance: a router may move a flow to another server only when its routes change.

use std::net::IpAddr;

use protocol::Flow;

use super::queries::Asked;
use super::routes::{NOTICE, next_hops};
use super::serving::{Layer, wants};
use super::{Case, millis};

/// What is told of flows that moved while no route did, from the origin to `end`; a line for each flow.
pub(super) fn broken(case: &Case<'_>, end: u64) -> Vec<String> {
    let wants = wants(case.plan, case.expectation);
    let client = &case.expectation.expect.client;
    let in_scope = |node: &str, to: IpAddr| {
        client.as_ref().is_none_or(|client| client == node) && wants.iter().any(|want| want.target.address == to)
    };
    let is_one = |node: &str, to: IpAddr| {
        let trains = case.plan.node(node).into_iter().flat_map(|client| &client.trains);
        trains.filter(|train| train.flow == Flow::One).any(|train| train.to.contains(&to))
    };
    let fib = next_hops(case.plan, &case.facts.world, Layer::Fib);
    let moved = |address: IpAddr, from: u64, until: u64| {
        let here = fib.iter().filter(|routed| routed.address == address);
        here.flat_map(|routed| &routed.changes).any(|(at, _)| (from..=until + NOTICE).contains(at))
    };
    let mut found = Vec::new();
    for ((node, address), queries) in case.facts.queries.each() {
        if !in_scope(node, address) || !is_one(node, address) {
            continue;
        }
        let jump = |(one, other): (Asked<'_>, Asked<'_>)| {
            let jumped = one.by != other.by && !moved(address, one.sent, other.known);
            if jumped { Some((one.by?.to_owned(), other.by?.to_owned(), other.known)) } else { None }
        };
        let answered = || queries.sent(case.origin, end).filter(|asked| asked.by.is_some());
        let jumps: Vec<_> = answered().zip(answered().skip(1)).filter_map(jump).collect();
        if let Some((one, other, at)) = jumps.first() {
            let (times, after) = (jumps.len(), millis(at - case.origin));
            found.push(format!(
                "{node}'s flow to {address} went from {one} to {other} at +{after} while no route changed ({times} in all)"
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use protocol::Flow;

    use crate::check::story::{FAULT, MS, Story, answer};
    use crate::outcome::{Finding, Verdict};

    fn one_flow(mut story: Story) -> Story {
        let trains = story.plan.nodes.iter_mut().flat_map(|node| &mut node.trains);
        trains.for_each(|train| train.flow = Flow::One);
        story
    }

    fn judge(story: &Story) -> Finding {
        story.judge_with(|expectation| expectation.expect.sticky = true)
    }

    /// Each flow is answered by ns1 until the failover, then by ns2.
    fn steady() -> Story {
        let mut story = Story::of_both(0);
        story.rib(FAULT + 10 * MS, &["12"]);
        story.fib(FAULT + 11 * MS, &["12"]);
        story.ask(0, FAULT + 10 * MS, |_| answer("ns1"));
        story.ask(FAULT + 20 * MS, FAULT + 1500 * MS, |_| answer("ns2"));
        // Numbers go on without a gap.
        story.events.iter_mut().for_each(|event| {
            if let crate::history::Seen::Query { number, sent, .. } = &mut event.saw {
                *number = if *sent >= FAULT + 20 * MS { *number - 1 } else { *number };
            }
        });
        one_flow(story)
    }

    #[test]
    fn a_flow_may_move_with_its_route() {
        let finding = judge(&steady());
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn a_flow_that_moves_while_no_route_does_is_named() {
        let mut story = Story::of_both(0);
        story.rib(FAULT + MS, &["12"]);
        story.fib(FAULT + MS, &["12"]);
        story.ask(0, FAULT + 200 * MS, |n| answer(if (110..=115).contains(&n) { "ns1" } else { "ns2" }));
        story.ask(FAULT + 200 * MS, FAULT + 1500 * MS, |_| answer("ns2"));
        let finding = judge(&one_flow(story));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        let told = "client's flow to 10.1.53.1 went from ns2 to ns1 at +101 ms while no route changed (2 in all)";
        assert_eq!(finding.found.first().map(String::as_str), Some(told));
    }

    #[test]
    fn queries_that_are_flows_of_their_own_may_go_anywhere() {
        let finding = judge(&Story::of_failover());
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn it_is_too_early_before_the_rest_holds() {
        let mut story = steady();
        story.events.retain(|event| event.at < FAULT + 900 * MS);
        assert_eq!(judge(&story).verdict, None);
    }
}
