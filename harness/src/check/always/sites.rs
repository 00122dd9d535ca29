//! `sites`: every router's kernel has a way to so many nodes that serve, for every address, all the time.

use crate::check::{Facts, millis};
use crate::spec::list;

pub(super) fn fewer(facts: &Facts<'_>, from: u64, now: u64, least: usize) -> Vec<String> {
    let (plan, world) = (facts.plan, &facts.world);
    let mut found = Vec::new();
    for (router, service) in plan.routers().flat_map(|router| plan.services.iter().map(move |one| (router, one))) {
        let Some(series) = world.series(&router.name, service.address) else { continue };
        let ends = series.fib().iter().skip(1).map(|(at, _)| *at).chain([u64::MAX]);
        let mut stays = series.fib().iter().zip(ends).map(|((began, way), ended)| (*began, ended, way));
        let during = |began: u64, ended: u64| began.max(from) < ended.min(now);
        let poor = stays.find(|(began, ended, way)| during(*began, *ended) && way.ends.serving.len() < least);
        if let Some((began, _, way)) = poor {
            let (nodes, after) = (list(&way.ends.serving.iter().collect::<Vec<_>>()), millis(began.max(from) - from));
            let (router, address) = (&router.name, service.address);
            found.push(format!(
                "sites: {router} routed {address} via {nodes} from {after} on, expected at least {least} nodes"
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use crate::check::story::{FAULT, MS, Story, violations};

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
