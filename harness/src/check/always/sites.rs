//! `sites`: every router's kernel has routes to so many nodes, for every address, all the time.

use crate::check::millis;
use crate::check::routes::routed;
use crate::check::serving::Layer;
use crate::history::Event;
use crate::plan::Plan;
use crate::spec::list;

pub(super) fn fewer(plan: &Plan, events: &[Event], from: u64, now: u64, least: usize) -> Vec<String> {
    let line = |table: &crate::check::routes::Routed<'_>| {
        let stays = table.stays(from, now);
        let poor = stays.iter().find(|stay| stay.nodes.len() < least)?;
        let nodes: Vec<&String> = poor.nodes.iter().collect();
        let (router, address, after) = (table.router, table.address, millis(poor.from - from));
        Some(format!(
            "sites: {router} routed {address} via {} from {after} on, expected at least {least} nodes",
            list(&nodes)
        ))
    };
    routed(plan, events, Layer::Fib).iter().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use crate::check::always::violations;
    use crate::check::story::{FAULT, MS, Story};

    fn judge(story: &mut Story, least: usize, now: u64) -> Vec<String> {
        story.plan.always.sites = Some(least);
        violations(&story.plan, &story.events, MS, now)
    }

    #[test]
    fn enough_is_enough_and_too_few_are_named() {
        let mut story = Story::of_failover();
        assert_eq!(judge(&mut story, 1, u64::MAX), Vec::<String>::new());
        let found = judge(&mut story, 2, u64::MAX);
        assert_eq!(found.len(), 4, "every address: {found:?}");
        let told = "sites: router routed 10.1.53.1 via ns2 from 1.0 s on, expected at least 2 nodes";
        assert_eq!(found.first().map(String::as_str), Some(told));
    }

    #[test]
    fn a_moment_without_a_route_is_found_though_it_came_back() {
        let mut story = Story::of_both(FAULT);
        story.fib(500 * MS, &[]);
        story.fib(501 * MS, &["11", "12"]);
        let found = judge(&mut story, 1, u64::MAX);
        assert!(found.first().is_some_and(|line| line.contains("via none from 499 ms on")), "{found:?}");
    }

    #[test]
    fn it_is_too_early_before_the_route_changes() {
        assert_eq!(judge(&mut Story::of_failover(), 2, FAULT), Vec::<String>::new());
    }
}
