//! Who answered each client, and since when that is right.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use super::Want;
use super::train::Train;
use crate::check::{Case, Doubt};
use crate::plan::Plan;

const SECOND: u64 = 1_000_000_000;

/// What a report may take from a node to here.
const REPORTED: Duration = Duration::from_millis(4500);

/// What a settled expectation waits for at most beyond its stable time: a query's outcome, reported.
pub(in crate::check) fn longest_wait(plan: &Plan) -> Duration {
    let timeouts = plan.clients().flat_map(|client| &client.trains).map(|train| train.timeout_ms);
    Duration::from_millis(timeouts.max().unwrap_or(0)) + REPORTED
}

/// All queries in scope, by client and address.
pub(crate) struct Answers<'p> {
    pub(super) trains: BTreeMap<(&'p str, IpAddr), Train<'p>>,
    origin: u64,
}

impl<'p> Answers<'p> {
    /// All that was asked of what these wants are about, in the scope of the case's expectation.
    pub(in crate::check) fn of(case: &Case<'p>, wants: &'p [Want<'p>]) -> Self {
        let Case { plan, facts, expectation, origin, .. } = *case;
        let mut trains = BTreeMap::new();
        // Where nobody is balanced between two there is no share to know.
        let balanced = wants.iter().any(|want| want.nodes.len() > 1);
        for client in plan.clients() {
            if expectation.expect.client.as_ref().is_some_and(|name| *name != client.name) {
                continue;
            }
            for want in wants {
                let address = want.target.address;
                let Some(asks) = client.trains.iter().find(|train| train.to.contains(&address)) else { continue };
                let pace = SECOND * asks.to.len() as u64 / u64::from(asks.per_second.max(1));
                let series = facts.world.series(&client.name, address).filter(|_| balanced);
                let one_in = series.and_then(|series| series.fib().last()).map_or(1, |(_, way)| way.one_in());
                let timeout = asks.timeout_ms.saturating_mul(1_000_000);
                let queries = facts.queries.get(&client.name, address);
                let train = Train::new(queries, &want.nodes, pace, timeout, one_in, case.doubt);
                trains.insert((client.name.as_str(), address), train);
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

    /// Whose queries have not come to their ends, in words.
    pub(in crate::check) fn outstanding(&self, until: u64) -> Option<String> {
        let mut out = self.trains.iter().filter(|(_, train)| !train.known_until(until));
        out.next().map(|((client, address), _)| {
            format!("what came of {client}'s queries to {address} is not known: they have not come to their end")
        })
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
        self.trains.values().map(|train| train.lost(from, until)).sum()
    }

    /// The longest time from a lost query to the next good answer, or to the end; by the times of the queries. A client that
    /// paused has lost nothing.
    pub(in crate::check) fn gap(&self, from: u64, until: u64) -> Duration {
        let longest = self.trains.values().map(|train| train.gap(from, until)).max();
        Duration::from_nanos(longest.unwrap_or(0))
    }

    /// What of the queries since the origin says nothing for sure, a line for each client, address and reason.
    pub(in crate::check) fn doubts(&self) -> Vec<String> {
        let mut doubts = Vec::new();
        for ((client, address), train) in &self.trains {
            let (unasked, unnamed) = train.doubtful(self.origin);
            if unasked > 0 {
                doubts.push(format!(
                    "{client} itself could not send {unasked} of its queries to {address}; hint: let it ask less often, or is this \
                     machine out of sockets or memory?"
                ));
            }
            if unnamed > 0 && !train.want().is_empty() {
                doubts.push(format!(
                    "nothing tells who gave {unnamed} of the answers that {client} got from {address}: they name no node, and no \
                     node's probe saw them leave; hint: let each server say its node's name (`server-id hostname;` in named.conf, \
                     RFC 5001)"
                ));
            }
        }
        doubts
    }
}

impl Doubt {
    /// Whether what says nothing for sure counts against the expectation.
    pub(super) fn is_against(self) -> bool {
        self == Self::Against
    }
}
