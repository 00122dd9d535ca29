//! One client's queries to one address.

use std::collections::BTreeMap;

use crate::check::Doubt;
use crate::check::queries::{Asked, End, Light, dark};
use crate::check::world::sample;

/// One client's queries to one address.
pub(in crate::check) struct Train<'p> {
    want: &'p [&'p str],
    /// From one query to the next, in nanoseconds, if nothing holds the client up.
    pace: u64,
    /// After so many nanoseconds without an answer a query is lost.
    pub(super) timeout: u64,
    /// So many queries without an answer of a certain server are no chance.
    sample: u64,
    doubt: Doubt,
    pub(super) queries: BTreeMap<u64, Asked<'p>>,
}

/// What a query says of an expectation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Right,
    Wrong,
    Nothing,
}

impl<'p> Train<'p> {
    /// A train without any query yet. Some server gets one in `one_in` of its queries, by the routes, and none gets fewer.
    pub(super) fn new(want: &'p [&'p str], pace: u64, timeout: u64, one_in: u32, doubt: Doubt) -> Self {
        let one_in = one_in.max(u32::try_from(want.len()).unwrap_or(u32::MAX)).max(1);
        let sample = sample(1.0 / f64::from(one_in));
        Self { want, pace, timeout, sample, doubt, queries: BTreeMap::new() }
    }

    pub(in crate::check) fn want(&self) -> &[&str] {
        self.want
    }

    fn says(&self, asked: &Asked<'_>) -> Says {
        let right = match asked.end {
            End::By(node) => self.want.contains(&node),
            End::BySomebody => !self.want.is_empty() && !self.doubt.is_against(),
            End::Lost => self.want.is_empty(),
            End::Unasked if self.doubt.is_against() => false,
            End::Unasked => return Says::Nothing,
        };
        if right { Says::Right } else { Says::Wrong }
    }

    /// Whether a good answer came from a node that is known, and is none of those that are wanted.
    pub(in crate::check) fn is_of_another(&self, asked: &Asked<'_>) -> bool {
        match asked.end {
            End::By(node) => !self.want.contains(&node),
            End::BySomebody => self.want.is_empty(),
            End::Lost | End::Unasked => false,
        }
    }

    /// Whether an answer is one of this node's, or may be.
    fn is_of(&self, asked: &Asked<'_>, node: &str) -> bool {
        asked.by == Some(node) || (asked.end == End::BySomebody && !self.doubt.is_against())
    }

    fn light(&self, asked: &Asked<'_>) -> Option<Light> {
        match asked.end {
            End::By(_) | End::BySomebody => Some(Light::Good),
            End::Lost => Some(Light::Lost),
            End::Unasked => self.doubt.is_against().then_some(Light::Lost),
        }
    }

    pub(in crate::check) fn within(&self, from: u64, until: u64) -> impl Iterator<Item = &Asked<'p>> {
        self.queries.values().filter(move |query| (from..until).contains(&query.sent))
    }

    /// As often as it asks in the stable time, if that is often enough.
    pub(super) fn enough(&self, stable: u64) -> u64 {
        (stable / self.pace.max(1)).max(self.sample)
    }

    /// By when it had asked often enough, from then on, and the stable time was over.
    pub(super) fn watched_until(&self, from: u64, stable: u64) -> Option<u64> {
        let last = usize::try_from(self.enough(stable).saturating_sub(1)).unwrap_or(usize::MAX);
        let last = self.within(from, u64::MAX).nth(last)?;
        Some((last.sent + 1).max(from.saturating_add(stable)))
    }

    /// The expected nodes that gave no answer to what was asked in that window.
    pub(super) fn unheard(&self, from: u64, until: u64) -> impl Iterator<Item = &'p str> {
        let heard = move |node: &str| self.within(from, until).any(|query| self.is_of(query, node));
        self.want.iter().copied().filter(move |node| !heard(node))
    }

    fn since(&self, from: u64, until: u64) -> impl Iterator<Item = &Asked<'p>> {
        self.queries.values().filter(move |query| query.known >= from && query.sent < until)
    }

    /// The first answer after the last wrong one, and not before every expected node has answered since the origin. That nobody
    /// answers is so from when the first query was sent that gets no answer.
    pub(in crate::check) fn right_since(&self, origin: u64) -> Option<u64> {
        let mut latest = 0;
        let wrong = self.queries.values().filter(|query| query.known >= origin && self.says(query) == Says::Wrong);
        let last_wrong = wrong.map(|query| query.sent).max();
        if let Some(last_wrong) = last_wrong {
            let mut later = self.queries.values().filter(|query| query.sent > last_wrong);
            let next = later.find(|query| self.says(query) == Says::Right)?;
            latest = if self.want.is_empty() { next.sent } else { next.known };
        }
        for node in self.want {
            let first = self.queries.values().find(|query| query.known >= origin && self.is_of(query, node))?;
            latest = latest.max(first.known);
        }
        Some(latest)
    }

    pub(super) fn known_until(&self, until: u64) -> bool {
        let gapless = self.queries.iter().zip(0_u64..).take_while(|((number, _), expected)| **number == *expected);
        gapless.last().is_some_and(|((_, query), _)| query.sent >= until)
    }

    pub(super) fn lost(&self, from: u64, until: u64) -> u64 {
        self.since(from, until).filter(|query| self.light(query) == Some(Light::Lost)).count() as u64
    }

    pub(super) fn gap(&self, from: u64, until: u64) -> u64 {
        let queries = self.since(from, until).filter_map(|query| Some((query.sent.max(from), self.light(query)?)));
        dark(queries, until).into_iter().map(|(since, until)| until - since).max().unwrap_or(0)
    }
}
