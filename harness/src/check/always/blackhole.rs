//! `blackhole`: no router's kernel sends an address's queries, for longer, to a node that answers none of them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::check::queries::{Asked, trains};
use crate::check::routes::routed;
use crate::check::serving::Layer;
use crate::check::{millis, nanos};
use crate::history::Event;
use crate::plan::Plan;
use crate::spec::Span;

/// A time in which a route led to a node that answered nobody, and queries were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Stretch<'p> {
    pub(in crate::check) router: &'p str,
    pub(in crate::check) address: IpAddr,
    pub(in crate::check) node: String,
    /// The first of them was sent.
    pub(in crate::check) from: u64,
    /// The last of them came to its end, the node answered again, or the route was gone.
    pub(in crate::check) until: u64,
}

pub(super) fn longer(plan: &Plan, events: &[Event], from: u64, now: u64, longest: Span) -> Vec<String> {
    let too_long = |stretch: &Stretch<'_>| stretch.until - stretch.from > nanos(longest.0);
    let line = |stretch: Stretch<'_>| {
        let Stretch { router, address, node, .. } = &stretch;
        let (lasted, after) = (millis(stretch.until - stretch.from), millis(stretch.from - from));
        format!(
            "blackhole: {router} routed {address} via {node}, which answered nobody for {lasted}, from {after} on, allowed {longest}"
        )
    };
    stretches(plan, events, from, now).into_iter().filter(too_long).map(line).collect()
}

/// All such times between `from` and `until`, by what was known at `until`.
pub(in crate::check) fn stretches<'p>(plan: &'p Plan, events: &[Event], from: u64, until: u64) -> Vec<Stretch<'p>> {
    let mut queries: BTreeMap<IpAddr, Vec<Asked<'_>>> = BTreeMap::new();
    for ((_, address), asked) in trains(events, |asked| asked.known <= until) {
        queries.entry(address).or_default().extend(asked);
    }
    queries.values_mut().for_each(|queries| queries.sort_unstable());
    let mut found = Vec::new();
    for table in routed(plan, events, Layer::Fib) {
        let asked = queries.get(&table.address).map(Vec::as_slice).unwrap_or_default();
        for (node, began, ended) in visits(&table.stays(from, until)) {
            let mut lost: Option<(u64, u64)> = None;
            let mut end = |lost: &mut Option<(u64, u64)>, by: u64| {
                if let Some((from, until)) = lost.take() {
                    let (router, address, node) = (table.router, table.address, node.to_owned());
                    found.push(Stretch { router, address, node, from, until: until.min(by) });
                }
            };
            for Asked { sent, known, by } in asked.iter().copied().filter(|one| (began..ended).contains(&one.sent)) {
                match by {
                    None => lost = Some(lost.map_or((sent, known), |(first, last)| (first, last.max(known)))),
                    Some(by) if by == node => end(&mut lost, known.min(ended)),
                    Some(_) => {}
                }
            }
            end(&mut lost, ended);
        }
    }
    found
}

/// From when to when each node was among the next hops without a break.
fn visits<'r>(stays: &[crate::check::routes::Stay<'r>]) -> Vec<(&'r str, u64, u64)> {
    let mut open: BTreeMap<&'r str, (u64, u64)> = BTreeMap::new();
    let mut visits = Vec::new();
    for stay in stays {
        open.retain(|node, (began, ended)| {
            let stays_on = stay.nodes.contains(*node);
            if !stays_on {
                visits.push((*node, *began, *ended));
            }
            stays_on
        });
        for node in stay.nodes {
            open.entry(node).or_insert((stay.from, stay.until)).1 = stay.until;
        }
    }
    visits.extend(open.into_iter().map(|(node, (began, ended))| (node, began, ended)));
    visits
}

#[cfg(test)]
mod tests {
    use protocol::Outcome;

    use super::*;
    use crate::check::always::violations;
    use crate::check::story::{FAULT, MS, Story, answer};

    /// ns1 dies with the fault and is routed to for a while; every other query goes to it.
    fn routed_for(ms: u64) -> Story {
        let mut story = Story::of_both(FAULT);
        story.plan.always.blackhole = Some(Span::ms(300));
        story.ask(FAULT, FAULT + ms * MS, |n| if n % 2 == 0 { Outcome::Timeout } else { answer("ns2") });
        story.fib(FAULT + ms * MS, &["12"]);
        story.ask(FAULT + ms * MS, FAULT + ms * MS + 500 * MS, |_| answer("ns2"));
        story
    }

    fn judge(story: &Story, now: u64) -> Vec<String> {
        violations(&story.plan, &story.events, 0, now)
    }

    #[test]
    fn a_short_one_is_allowed_and_a_long_one_is_named() {
        assert_eq!(judge(&routed_for(200), u64::MAX), Vec::<String>::new());
        let found = judge(&routed_for(400), u64::MAX);
        assert_eq!(found.len(), 4, "every address: {found:?}");
        let told = "blackhole: router routed 10.1.53.1 via ns1, which answered nobody for 381 ms, from 1.0 s on, allowed 300ms";
        assert_eq!(found.first().map(String::as_str), Some(told));
    }

    #[test]
    fn a_node_that_answers_now_and_then_is_none() {
        let mut story = Story::of_both(FAULT);
        story.plan.always.blackhole = Some(Span::ms(300));
        let outcome = |n: u64| match n % 10 {
            0 => answer("ns1"),
            1..=4 => Outcome::Timeout,
            _ => answer("ns2"),
        };
        story.ask(FAULT, FAULT + 2000 * MS, outcome);
        assert_eq!(judge(&story, u64::MAX), Vec::<String>::new());
    }

    #[test]
    fn it_is_over_with_the_node_s_next_answer_though_the_lost_query_still_waits() {
        let mut story = Story::of_both(FAULT);
        story.ask(FAULT, FAULT + 10 * MS, |_| Outcome::Timeout);
        // They time out long after both have answered others.
        for event in &mut story.events {
            event.at += if event.at > FAULT { 500 * MS } else { 0 };
        }
        story.ask(FAULT + 10 * MS, FAULT + 1000 * MS, |n| answer(if n % 2 == 0 { "ns1" } else { "ns2" }));
        let longest = stretches(&story.plan, &story.events, 0, u64::MAX).iter().map(|s| s.until - s.from).max();
        assert_eq!(longest, Some(21 * MS));
    }

    #[test]
    fn loss_without_a_route_is_none() {
        let mut story = Story::of_both(FAULT);
        story.plan.always.blackhole = Some(Span::ms(300));
        story.fib(FAULT, &[]);
        story.ask(FAULT, FAULT + 2000 * MS, |_| Outcome::Refused("no route".to_owned()));
        assert_eq!(judge(&story, u64::MAX), Vec::<String>::new());
    }

    #[test]
    fn it_is_too_early_while_it_may_still_end() {
        assert_eq!(judge(&routed_for(400), FAULT + 250 * MS), Vec::<String>::new());
    }
}
