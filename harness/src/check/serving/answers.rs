//! Who answered each client, and since when that is right.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use protocol::Outcome;

use super::Want;
use crate::history::{Event, Seen};
use crate::plan::{Expectation, Plan};

const SECOND: u64 = 1_000_000_000;

/// So many answers in a row that are none of a certain server are no chance: by chance alone it would be one in 10^12 with four
/// servers. Fifteen, as a client of 50 queries a second asks in 300 ms, are: once in 500 runs it was seen.
const ENOUGH: u64 = 100;

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
    /// From one query to the next, in nanoseconds, if nothing holds the client up.
    pace: u64,
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
            for want in wants {
                let address = want.target.address;
                let Some(asks) = client.trains.iter().find(|train| train.to.contains(&address)) else { continue };
                let pace = SECOND * asks.to.len() as u64 / u64::from(asks.per_second.max(1));
                let train = Train { want: &want.nodes, pace, queries: BTreeMap::new() };
                trains.insert((client.name.as_str(), address), train);
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

    /// Until when it had to be watched, if all is right from then on: until it was so for the stable time, and each expected node has
    /// answered every client from every address; if one has not, until each client has asked as often as it does in that time, as
    /// something may have held it up, and often enough that it is no chance. None while that is to come, and when it did not happen.
    pub(in crate::check) fn proven(&self, from: u64, stable: u64) -> Option<u64> {
        let soonest = from.saturating_add(stable);
        let heard = |until: &u64| self.trains.values().all(|train| train.unheard(from, *until).next().is_none());
        let later = |until: u64, train: &Train<'_>| Some(until.max(train.watched_until(from, stable)?));
        let latest = || self.trains.values().try_fold(soonest, later);
        let until = Some(soonest).filter(heard).or_else(|| latest().filter(heard))?;
        self.known_until(until).then_some(until)
    }

    /// Who asked too seldom for that, in words: nothing can be said then.
    pub(in crate::check) fn too_few(&self, from: u64, stable: u64) -> Option<String> {
        self.trains.iter().find(|(_, train)| train.watched_until(from, stable).is_none()).map(|((client, address), train)| {
            let (asked, needed) = (train.within(from, u64::MAX).count(), train.enough(stable));
            format!(
                "{client} asked {address} {asked} times since all is right, {needed} are needed to tell; hint: a longer `stable`; is \
                 this machine busy?"
            )
        })
    }

    /// Which expected node was not heard in that time, in words.
    pub(in crate::check) fn unheard(&self, from: u64, stable: u64) -> Option<String> {
        self.trains.iter().find_map(|((client, address), train)| {
            let node = train.unheard(from, train.watched_until(from, stable)?).next()?;
            Some(format!("{client} hears too little from {node} at {address}"))
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

    /// As often as it asks in the stable time, if that is often enough.
    fn enough(&self, stable: u64) -> u64 {
        (stable / self.pace).max(ENOUGH)
    }

    /// By when it had asked often enough, from then on, and the stable time was over.
    fn watched_until(&self, from: u64, stable: u64) -> Option<u64> {
        let last = usize::try_from(self.enough(stable) - 1).unwrap_or(usize::MAX);
        let last = self.within(from, u64::MAX).nth(last)?;
        Some((last.sent + 1).max(from.saturating_add(stable)))
    }

    /// The expected nodes that gave no answer to what was asked in that window.
    fn unheard(&self, from: u64, until: u64) -> impl Iterator<Item = &'p str> {
        let heard = move |node: &str| self.within(from, until).any(|query| query.answered_by() == Some(node));
        self.want.iter().copied().filter(move |node| !heard(node))
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
