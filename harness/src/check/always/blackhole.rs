//! `blackhole`: no client's queries are routed, for longer, to a node that answers none of them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::check::queries::{Asked, Block, End, Kept, Nodes};
use crate::check::world::{Series, Way, sample};
use crate::check::{Facts, millis, nanos};
use crate::plan::ServiceAddress;
use crate::spec::Span;

/// A time in which the routes led a client's queries to a node that answered nobody, and queries were lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Stretch<'p> {
    pub(in crate::check) client: &'p str,
    pub(in crate::check) address: IpAddr,
    pub(in crate::check) node: String,
    /// The first of them was sent.
    pub(in crate::check) from: u64,
    /// The last of them came to its end, the node answered again, or the route was gone.
    pub(in crate::check) until: u64,
    /// Whether it was that node for sure: all ways led there, or it was not heard in so many queries that it is no chance.
    pub(in crate::check) proven: bool,
}

pub(super) fn longer(facts: &Facts<'_>, from: u64, now: u64, longest: Span) -> Vec<String> {
    let too_long = |stretch: &Stretch<'_>| stretch.proven && stretch.until - stretch.from > nanos(longest.0);
    let line = |stretch: Stretch<'_>| {
        let Stretch { client, address, node, .. } = &stretch;
        let (lasted, after) = (millis(stretch.until - stretch.from), millis(stretch.from - from));
        format!(
            "blackhole: {client}'s queries to {address} were routed to {node}, which answered nobody for {lasted}, from {after} on, \
             allowed {longest}"
        )
    };
    stretches(facts, from, now).into_iter().filter(too_long).map(line).collect()
}

/// All such times between `from` and `until`, by what was known at `until`. A query that was lost while the node was balanced with
/// others is the node's only if it answered nobody until its route was gone, or if that is proven.
pub(in crate::check) fn stretches<'p>(facts: &Facts<'p>, from: u64, until: u64) -> Vec<Stretch<'p>> {
    let (plan, queries) = (facts.plan, facts.queries.each());
    let mut found = Vec::new();
    for (client, service) in plan.clients().flat_map(|client| plan.services.iter().map(move |one| (client, one))) {
        let (client, address) = (client.name.as_str(), service.address);
        let (Some(asked), Some(series)) = (queries.get(&(client, address)), facts.world.series(client, address)) else {
            continue;
        };
        let all = || queries.iter().filter(|((_, to), _)| *to == address).map(|(_, kept)| *kept).collect::<Vec<_>>();
        for visit in visits(series, service, from, until) {
            // Most are answered all the time.
            let may = |block: &Block| block.lost > 0 && block.sent.1 >= visit.began && block.sent.0 < visit.ended;
            if asked.scan(0, may).next().is_none() {
                continue;
            }
            found.extend(silences(&visit, asked, &all(), series, until).into_iter().map(|(from, until, proven)| {
                let node = visit.node.to_owned();
                Stretch { client, address, node, from, until, proven }
            }));
        }
    }
    found
}

/// From when to when a node was among those to which the routes led, without a break.
struct Visit<'p> {
    node: &'p str,
    began: u64,
    ended: u64,
}

fn visits<'p>(series: &Series<'p>, service: &ServiceAddress, from: u64, until: u64) -> Vec<Visit<'p>> {
    let ends = series.fib().iter().skip(1).map(|(at, _)| *at).chain([u64::MAX]);
    let stays = series.fib().iter().zip(ends).map(|((at, way), end)| ((*at).max(from), end.min(until), way));
    let mut open: BTreeMap<&str, (u64, u64)> = BTreeMap::new();
    let mut visits = Vec::new();
    for (began, ended, way) in stays.filter(|(began, ended, _)| began < ended) {
        let nodes = led(way, service);
        open.retain(|node, (began, ended)| {
            let stays_on = nodes.contains(node);
            if !stays_on {
                visits.push(Visit { node, began: *began, ended: *ended });
            }
            stays_on
        });
        for node in nodes {
            open.entry(node).or_insert((began, ended)).1 = ended;
        }
    }
    visits.extend(open.into_iter().map(|(node, (began, ended))| Visit { node, began, ended }));
    visits
}

/// The nodes that are to serve, and to which a way leads: whether they have the address or not.
fn led<'p>(way: &Way<'p>, service: &ServiceAddress) -> BTreeSet<&'p str> {
    let led = way.ends.serving.iter().chain(&way.ends.nowhere);
    led.copied().filter(|node| service.served_by.iter().any(|by| by == node)).collect()
}

/// The times of a visit in which queries of one client were lost and the node answered nobody, and whether each is proven. `all` are
/// the queries of all clients to the address.
fn silences(
    visit: &Visit<'_>,
    queries: &Kept<'_>,
    all: &[&Kept<'_>],
    series: &Series<'_>,
    now: u64,
) -> Vec<(u64, u64, bool)> {
    let (node, ended) = (visit.node, visit.ended);
    let is_counted = move |one: &Asked<'_>| one.known <= now && one.end != End::Unasked;
    let mut answers: Vec<Answers<'_>> = all.iter().map(|kept| Answers::new(kept, node)).collect();
    let mut silences = Vec::new();
    let (mut from, mut number) = (visit.began, 0);
    loop {
        let mut lost = queries.scan(number, move |block| block.lost > 0 && block.sent.1 >= from);
        let lost = lost.find(|one| one.sent >= from && one.end == End::Lost && is_counted(one));
        let Some(first) = lost.filter(|one| one.sent < ended) else { return silences };
        let next = answers.iter_mut().filter_map(|answers| answers.since(first.sent, now)).min();
        let answer = next.filter(|(sent, _)| *sent < ended);
        let (until, by) = answer.map_or((ended, ended), |(sent, known)| (sent, known.min(ended)));
        let during = queries.scan(first.number, |_| true).take_while(|one| one.sent < until);
        let (mut number_of, mut alone, mut one_in, mut last_known) = (0, false, None, None);
        for one in during.filter(is_counted) {
            number_of += 1;
            if one.end == End::Lost {
                let way = series.fib_at(one.sent).map(Way::one_in);
                alone |= way == Some(1);
                (one_in, last_known) = (one_in.max(way), last_known.max(Some(one.known)));
            }
        }
        let proven = alone || number_of >= sample(1.0 / f64::from(one_in.unwrap_or(1)));
        if proven || answer.is_none() {
            silences.push((first.sent, last_known.unwrap_or(by).min(by), proven));
        }
        (from, number) = (until.max(first.sent + 1), first.number + 1);
    }
}

/// A node's answers to one client, from an ever later time on.
struct Answers<'k> {
    queries: &'k Kept<'k>,
    node: &'k str,
    nodes: Nodes,
    /// No answer since the last time is before this number.
    number: u64,
}

impl<'k> Answers<'k> {
    fn new(queries: &'k Kept<'k>, node: &'k str) -> Self {
        Self { queries, node, nodes: queries.nodes(&[node]), number: 0 }
    }

    /// When the first query since then was sent that the node answered well, and when the answer was known.
    fn since(&mut self, from: u64, now: u64) -> Option<(u64, u64)> {
        let (node, nodes) = (self.node, self.nodes);
        let mut answers =
            self.queries.scan(self.number, move |block| block.sent.1 >= from && block.names_one_of(&nodes));
        let first = answers.find(|one| one.sent >= from && one.by == Some(node) && one.known <= now);
        self.number = first.map_or(u64::MAX, |first| first.number);
        first.map(|first| (first.sent, first.known))
    }
}

#[cfg(test)]
mod tests {
    use protocol::Outcome;

    use super::*;
    use crate::check::story::{FAULT, MS, Story, answer, violations};

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
        let told = "blackhole: client's queries to 10.1.53.1 were routed to ns1, which answered nobody for 381 ms, from 1.0 s on, allowed 300ms";
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
        story.ask(FAULT, FAULT + 500 * MS, |_| Outcome::Timeout);
        // They time out long after both have answered others.
        for event in &mut story.events {
            event.at += if event.at > FAULT { 600 * MS } else { 0 };
        }
        story.ask(FAULT + 500 * MS, FAULT + 1500 * MS, |n| answer(if n % 2 == 0 { "ns1" } else { "ns2" }));
        let longest = stretches(&story.facts(), 0, u64::MAX).iter().map(|s| s.until - s.from).max();
        assert_eq!(longest, Some(511 * MS));
    }

    /// A query a second: the one that was lost may have gone to either, and it takes a while until ns1 is asked again.
    #[test]
    fn a_random_loss_while_the_node_answers_others_is_none() {
        let mut story = Story::of_both(FAULT);
        story.plan.always.blackhole = Some(Span::ms(300));
        let outcome = |n: u64| match n {
            100 => Outcome::Timeout,
            101..=135 => answer("ns2"),
            n => answer(if n % 2 == 0 { "ns1" } else { "ns2" }),
        };
        story.ask(FAULT, FAULT + 2000 * MS, outcome);
        assert_eq!(judge(&story, u64::MAX), Vec::<String>::new());
        assert_eq!(stretches(&story.facts(), 0, u64::MAX), []);
    }

    #[test]
    fn one_loss_is_enough_where_all_ways_lead_to_one_node() {
        let mut story = Story::of_both(FAULT);
        story.plan.always.blackhole = Some(Span::ms(300));
        story.fib(FAULT - MS, &["11"]);
        story.ask(FAULT, FAULT + 10 * MS, |_| Outcome::Timeout);
        for event in &mut story.events {
            event.at += if event.at > FAULT { 500 * MS } else { 0 };
        }
        assert_eq!(judge(&story, u64::MAX).len(), 4, "every address");
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
