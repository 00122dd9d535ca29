//! Who answered each client, and since when that is right.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use protocol::Outcome;

use super::Want;
use crate::history::{Event, Seen};
use crate::plan::{Expectation, Plan};

/// What a settled expectation waits for at most beyond its stable time: a query's outcome, reported.
pub(in crate::check) const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// All queries in scope, by client and address.
pub(crate) struct Answers<'p> {
    pub(super) trains: BTreeMap<(&'p str, IpAddr), Train<'p>>,
    origin: u64,
}

/// One client's queries to one address.
pub(super) struct Train<'p> {
    want: &'p [&'p str],
    queries: BTreeMap<u64, Query<'p>>,
}

/// One query.
pub(super) struct Query<'p> {
    pub(super) sent: u64,
    pub(super) known: u64,
    pub(super) outcome: &'p Outcome,
}

impl Query<'_> {
    /// Who gave a good answer.
    pub(in crate::check) fn answered_by(&self) -> Option<&str> {
        crate::check::answered_by(self.outcome)
    }
}

impl<'p> Answers<'p> {
    pub(in crate::check) fn replay(
        plan: &'p Plan,
        events: &'p [Event],
        expectation: &Expectation,
        wants: &'p [Want<'p>],
        origin: u64,
    ) -> Self {
        let mut trains = BTreeMap::new();
        for client in plan.clients() {
            if expectation.expect.client.as_ref().is_some_and(|name| *name != client.name) {
                continue;
            }
            for want in wants.iter().filter(|want| client.trains.iter().any(|t| t.to.contains(&want.target.address))) {
                let train = Train { want: &want.nodes, queries: BTreeMap::new() };
                trains.insert((client.name.as_str(), want.target.address), train);
            }
        }
        for event in events {
            let (Some(node), Seen::Query { number, to, sent, outcome, .. }) = (event.node.as_deref(), &event.saw)
            else {
                continue;
            };
            let mine = |((client, address), _): &(&(&str, IpAddr), &mut Train<'_>)| *client == node && address == to;
            if let Some((_, train)) = trains.iter_mut().find(mine) {
                train.queries.insert(*number, Query { sent: *sent, known: event.at, outcome });
            }
        }
        Self { trains, origin }
    }

    /// Since when every train is right; none when one is not.
    pub(in crate::check) fn right_since(&self) -> Option<u64> {
        self.trains.values().try_fold(0, |latest, train| Some(latest.max(train.right_since(self.origin)?)))
    }

    /// Whether anybody asks.
    pub(in crate::check) fn any(&self) -> bool {
        !self.trains.is_empty()
    }

    /// The client and address whose answers have been right for the shortest time, if at all; the first of several.
    pub(in crate::check) fn first_wrong(&self) -> Option<(&str, IpAddr)> {
        let since = |train: &Train<'_>| Reverse(train.right_since(self.origin).unwrap_or(u64::MAX));
        let wrong = self.trains.iter().min_by_key(|(_, train)| since(train));
        wrong.map(|((client, address), _)| (*client, *address))
    }

    /// Whether every query sent until then has come to its end, and been reported.
    pub(in crate::check) fn known_until(&self, until: u64) -> bool {
        self.trains.values().all(|train| train.known_until(until))
    }

    /// Whether each expected node gave an answer in that window, to every client, from every address.
    pub(in crate::check) fn all_answer_within(&self, from: u64, until: u64) -> bool {
        self.trains.values().all(|train| {
            let answers = |node: &&str| train.within(from, until).any(|query| query.answered_by() == Some(node));
            train.want.iter().all(answers)
        })
    }

    /// Queries without a good answer whose end was not yet known at `from`, sent until `until`.
    pub(in crate::check) fn lost(&self, from: u64, until: u64) -> u64 {
        let lost = |train: &Train<'_>| train.since(from, until).filter(|query| query.answered_by().is_none()).count();
        self.trains.values().map(|train| lost(train) as u64).sum()
    }

    /// The longest time from a lost query to the next good answer, or to the end; by the times of the queries. A client that
    /// paused has lost nothing.
    pub(in crate::check) fn gap(&self, from: u64, until: u64) -> Duration {
        let longest = self.trains.values().map(|train| train.gap(from, until)).max();
        Duration::from_nanos(longest.unwrap_or(0))
    }
}

impl<'p> Train<'p> {
    pub(in crate::check) fn want(&self) -> &[&str] {
        self.want
    }

    pub(in crate::check) fn is_right(&self, query: &Query<'_>) -> bool {
        match query.answered_by() {
            Some(instance) => self.want.contains(&instance),
            None => self.want.is_empty(),
        }
    }

    pub(in crate::check) fn within(&self, from: u64, until: u64) -> impl Iterator<Item = &Query<'p>> {
        self.queries.values().filter(move |query| (from..until).contains(&query.sent))
    }

    fn since(&self, from: u64, until: u64) -> impl Iterator<Item = &Query<'p>> {
        self.queries.values().filter(move |query| query.known >= from && query.sent < until)
    }

    /// The first answer after the last wrong one, and not before every expected node has answered since the origin.
    pub(in crate::check) fn right_since(&self, origin: u64) -> Option<u64> {
        let mut latest = 0;
        let wrong = self.queries.values().filter(|query| query.known >= origin && !self.is_right(query));
        let last_wrong = wrong.map(|query| query.sent).max();
        if let Some(last_wrong) = last_wrong {
            let next = self.queries.values().find(|query| query.sent > last_wrong)?;
            latest = next.known;
        }
        for node in self.want {
            let first =
                self.queries.values().find(|query| query.known >= origin && query.answered_by() == Some(node))?;
            latest = latest.max(first.known);
        }
        Some(latest)
    }

    fn known_until(&self, until: u64) -> bool {
        let gapless = self.queries.iter().zip(0_u64..).take_while(|((number, _), expected)| **number == *expected);
        gapless.last().is_some_and(|((_, query), _)| query.sent >= until)
    }

    fn gap(&self, from: u64, until: u64) -> u64 {
        let (mut longest, mut lost_since) = (0, None);
        for query in self.queries.values().filter(|query| query.known >= from && query.sent < until) {
            if query.answered_by().is_none() {
                lost_since.get_or_insert(query.sent.max(from));
            } else if let Some(since) = lost_since.take() {
                longest = longest.max(query.sent.saturating_sub(since));
            }
        }
        lost_since.map_or(longest, |since| longest.max(until.saturating_sub(since)))
    }
}
