//! How often a router's kernel changed the next hops of an address.

use super::routes::next_hops;
use super::serving::{Layer, wants};
use super::{Case, millis};

/// What is told of the routes that changed more often than allowed from the origin to `end`; a line each.
pub(super) fn above(case: &Case<'_>, end: u64, allowed: u64) -> Vec<String> {
    let expectation = case.expectation;
    let at = |router: &str| expectation.expect.at.as_ref().is_none_or(|at| at == router);
    let wants = wants(case.plan, expectation);
    let in_scope = |address| wants.iter().any(|want| want.target.address == address);
    let mut found = Vec::new();
    for routed in next_hops(case.plan, &case.facts.world, Layer::Fib) {
        if !at(routed.router) || !in_scope(routed.address) {
            continue;
        }
        let changes = routed.changes.iter().filter(|(at, _)| (case.origin..end).contains(at));
        let times: Vec<String> = changes.map(|(at, _)| format!("+{}", millis(at - case.origin))).collect();
        if times.len() as u64 > allowed {
            let (router, address, count) = (routed.router, routed.address, times.len());
            let times = times.join(", ");
            found.push(format!(
                "{router}'s kernel changed its route for {address} {count} times ({times}), allowed {allowed}"
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::story::{FAULT, MS, Story, answer};
    use crate::outcome::Verdict;

    /// A failover in which ns1 comes back for a moment.
    fn flapping() -> Story {
        let mut story = Story::of_failover();
        for (at, hosts) in [(300, ["11", "12"].as_slice()), (310, ["12"].as_slice())] {
            story.rib(FAULT + at * MS, hosts);
            story.fib(FAULT + at * MS, hosts);
        }
        story
    }

    #[test]
    fn one_change_is_what_a_failover_takes() {
        let finding = Story::of_failover().judge_with(|expectation| expectation.expect.flaps = Some(1));
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn a_route_that_came_back_for_a_moment_is_named() {
        let finding = flapping().judge_with(|expectation| expectation.expect.flaps = Some(1));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        let told = "router's kernel changed its route for 10.1.53.1 3 times (+11 ms, +300 ms, +310 ms), allowed 1";
        assert_eq!(finding.found.first().map(String::as_str), Some(told));
        assert_eq!(finding.found.len(), 4, "every address");
    }

    #[test]
    fn what_changed_before_the_fault_does_not_count() {
        let mut story = Story::of_both(500 * MS);
        story.fib(100 * MS, &["12"]);
        story.fib(101 * MS, &["11", "12"]);
        story.rib(FAULT + MS, &["12"]);
        story.fib(FAULT + MS, &["12"]);
        story.ask(500 * MS, FAULT + 1500 * MS, |_| answer("ns2"));
        let finding = story.judge_with(|expectation| expectation.expect.flaps = Some(1));
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn it_is_too_early_before_the_rest_holds() {
        let mut story = flapping();
        story.events.retain(|event| event.at < FAULT + 900 * MS);
        assert_eq!(story.judge_with(|expectation| expectation.expect.flaps = Some(1)).verdict, None);
    }
}
