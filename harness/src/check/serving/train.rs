//! One client's queries to one address.

use crate::check::Doubt;
use crate::check::queries::{Asked, Block, End, Kept, Light, Nodes, dark};
use crate::check::world::sample;

/// One client's queries to one address.
pub(in crate::check) struct Train<'p> {
    want: &'p [&'p str],
    /// The same nodes, as a block of queries names them.
    nodes: Nodes,
    /// From one query to the next, in nanoseconds, if nothing holds the client up.
    pace: u64,
    /// After so many nanoseconds without an answer a query is lost.
    pub(super) timeout: u64,
    /// So many queries without an answer of a certain server are no chance.
    sample: u64,
    doubt: Doubt,
    /// None where it has not asked.
    queries: Option<&'p Kept<'p>>,
}

/// What a query says of an expectation.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    Right,
    Wrong,
    Nothing,
}

impl<'p> Train<'p> {
    /// The queries so far. Some server gets one in `one_in` of them, by the routes, and none gets fewer.
    pub(super) fn new(
        queries: Option<&'p Kept<'p>>,
        want: &'p [&'p str],
        pace: u64,
        timeout: u64,
        one_in: u32,
        doubt: Doubt,
    ) -> Self {
        let one_in = one_in.max(u32::try_from(want.len()).unwrap_or(u32::MAX)).max(1);
        let sample = sample(1.0 / f64::from(one_in));
        let nodes = queries.map(|queries| queries.nodes(want)).unwrap_or_default();
        Self { want, nodes, pace, timeout, sample, doubt, queries }
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

    /// The queries from this number on, without the blocks that `may` rules out.
    fn scan<'t>(
        &'t self,
        from: u64,
        may: impl Fn(&Block) -> bool + 't,
    ) -> impl DoubleEndedIterator<Item = Asked<'p>> + 't {
        self.queries.into_iter().zip(std::iter::once(may)).flat_map(move |(queries, may)| queries.scan(from, may))
    }

    pub(in crate::check) fn within(&self, from: u64, until: u64) -> impl Iterator<Item = Asked<'p>> + '_ {
        self.queries.into_iter().flat_map(move |queries| queries.sent(from, until))
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
        let heard = move |node: &str| self.within(from, until).any(|query| self.is_of(&query, node));
        self.want.iter().copied().filter(move |node| !heard(node))
    }

    /// Whether a block may have a query that is wrong.
    fn may_be_wrong(&self, block: &Block) -> bool {
        let lost = block.lost > 0 && !self.want.is_empty();
        let doubtful = block.unnamed > 0 || (block.unasked > 0 && self.doubt.is_against());
        lost || doubtful || block.names_another(&self.nodes)
    }

    /// The first answer after the last wrong one, and not before every expected node has answered since the origin. That nobody
    /// answers is so from when the first query was sent that gets no answer.
    pub(in crate::check) fn right_since(&self, origin: u64) -> Option<u64> {
        let mut latest = 0;
        let mut wrong = self.scan(0, |block| block.known.1 >= origin && self.may_be_wrong(block)).rev();
        if let Some(wrong) = wrong.find(|query| query.known >= origin && self.says(query) == Says::Wrong) {
            let mut later = self.scan(wrong.number + 1, |_| true);
            let next = later.find(|query| self.says(query) == Says::Right)?;
            latest = if self.want.is_empty() { next.sent } else { next.known };
        }
        for node in self.want {
            let nodes = self.queries?.nodes(&[node]);
            let may = move |block: &Block| block.known.1 >= origin && (block.unnamed > 0 || block.names_one_of(&nodes));
            let mut answers = self.scan(0, may);
            let first = answers.find(|query| query.known >= origin && self.is_of(query, node))?;
            latest = latest.max(first.known);
        }
        Some(latest)
    }

    pub(super) fn known_until(&self, until: u64) -> bool {
        self.queries.and_then(Kept::last_gapless).is_some_and(|query| query.sent >= until)
    }

    pub(super) fn lost(&self, from: u64, until: u64) -> u64 {
        let is_within = |query: &Asked<'_>| query.known >= from && query.sent < until;
        let lost =
            |block: &Block| u64::from(block.lost) + if self.doubt.is_against() { u64::from(block.unasked) } else { 0 };
        let whole = |block: &Block| match block {
            block if block.known.1 < from || block.sent.0 >= until => Some(0),
            block if block.known.0 >= from && block.sent.1 < until => Some(lost(block)),
            _ => None,
        };
        let is_lost = |query: &Asked<'_>| is_within(query) && self.light(query) == Some(Light::Lost);
        self.queries.map_or(0, |queries| queries.count(whole, is_lost))
    }

    /// How many of the queries since the origin could not be sent, and how many got an answer of which nothing tells who gave it.
    pub(super) fn doubtful(&self, origin: u64) -> (u64, u64) {
        let count = |number: fn(&Block) -> u16, end: End<'_>| {
            let whole = |block: &Block| match number(block) {
                0 => Some(0),
                all if block.known.0 >= origin => Some(u64::from(all)),
                _ => None,
            };
            let is = |query: &Asked<'_>| query.known >= origin && query.end == end;
            self.queries.map_or(0, |queries| queries.count(whole, is))
        };
        (count(|block| block.unasked, End::Unasked), count(|block| block.unnamed, End::BySomebody))
    }

    pub(super) fn gap(&self, from: u64, until: u64) -> u64 {
        let light = |query: &Asked<'_>| self.light(query).filter(|_| query.known >= from && query.sent < until);
        let Some(queries) = self.queries else { return 0 };
        let times = dark(queries, |block| block.known.1 >= from && block.sent.0 < until, light, until);
        times.map(|(since, good)| good.max(from).saturating_sub(since.max(from))).max().unwrap_or(0)
    }
}
