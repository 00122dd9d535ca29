//! The same as [`Train`] says, by a look at every query: slow, and plain enough to be seen to be right.

use std::collections::BTreeMap;
use std::sync::Arc;

use proptest::prelude::*;

use super::train::Train;
use crate::check::Doubt;
use crate::check::queries::{Asked, End, Ended, Kept};

const NAMES: [&str; 3] = ["ns1", "ns2", "ns3"];

/// A query's number, when it was sent and known, and what came of it.
type Query = (u64, u64, u64, Ended);

/// Some hundred queries in the order in which their ends came in: a few are lost, many in a row at times, and some have no end.
fn queries() -> impl Strategy<Value = Vec<Query>> {
    let end = prop_oneof![
        20 => (0_u16..3).prop_map(Ended::By),
        2 => Just(Ended::Lost),
        1 => Just(Ended::Unasked),
        1 => Just(Ended::Unnamed),
    ];
    let run = (end, 1_usize..90, 1_u64..6_000_000_000, any::<bool>());
    proptest::collection::vec(run, 1..40).prop_map(|runs| {
        let mut queries = Vec::new();
        for (end, times, waited, missing) in runs {
            for _ in 0..times {
                let number = queries.len() as u64 + u64::from(missing && queries.len() > 600);
                queries.push((number, number * 10_000_000, number * 10_000_000 + waited, end));
            }
        }
        queries.sort_by_key(|(_, _, known, _)| *known);
        queries
    })
}

struct Naive<'n> {
    queries: BTreeMap<u64, Asked<'static>>,
    want: &'n [&'n str],
    against: bool,
}

impl Naive<'_> {
    fn is_right(&self, asked: &Asked<'_>) -> Option<bool> {
        match asked.end {
            End::By(node) => Some(self.want.contains(&node)),
            End::BySomebody => Some(!self.want.is_empty() && !self.against),
            End::Lost => Some(self.want.is_empty()),
            End::Unasked => self.against.then_some(false),
        }
    }

    fn right_since(&self, origin: u64) -> Option<u64> {
        let all = || self.queries.values();
        let mut latest = 0;
        let wrong = all().filter(|asked| asked.known >= origin && self.is_right(asked) == Some(false));
        if let Some(last) = wrong.map(|asked| asked.sent).max() {
            let next = all().filter(|asked| asked.sent > last).find(|asked| self.is_right(asked) == Some(true))?;
            latest = if self.want.is_empty() { next.sent } else { next.known };
        }
        for node in self.want {
            let is_of = |asked: &Asked<'_>| asked.by == Some(node) || (asked.end == End::BySomebody && !self.against);
            latest = latest.max(all().find(|asked| asked.known >= origin && is_of(asked))?.known);
        }
        Some(latest)
    }

    fn is_dark(&self, asked: &Asked<'_>) -> Option<bool> {
        match asked.end {
            End::By(_) | End::BySomebody => Some(false),
            End::Lost => Some(true),
            End::Unasked => self.against.then_some(true),
        }
    }

    fn since(&self, from: u64, until: u64) -> impl Iterator<Item = (u64, bool)> {
        let some = self.queries.values().filter(move |asked| asked.known >= from && asked.sent < until);
        some.filter_map(move |asked| Some((asked.sent.max(from), self.is_dark(asked)?)))
    }

    fn gap(&self, from: u64, until: u64) -> u64 {
        let (mut longest, mut since) = (0, None);
        for (sent, dark) in self.since(from, until).chain([(until, false)]) {
            match dark {
                true => drop(since.get_or_insert(sent)),
                false => longest = longest.max(since.take().map_or(0, |since: u64| sent.saturating_sub(since))),
            }
        }
        longest
    }

    fn known_until(&self, until: u64) -> bool {
        let gapless = self.queries.iter().zip(0_u64..).take_while(|((number, _), expected)| **number == *expected);
        gapless.last().is_some_and(|((_, asked), _)| asked.sent >= until)
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn blocks_that_are_passed_over_change_nothing(
        queries in queries(),
        wanted in proptest::sample::subsequence(NAMES.to_vec(), 0..=3),
        against in any::<bool>(),
        times in (0_u64..30_000_000_000, 0_u64..40_000_000_000),
    ) {
        let mut kept = Kept::new(Arc::from(NAMES));
        let mut all = BTreeMap::new();
        for (number, sent, known, end) in queries {
            kept.insert(number, sent, known, end);
            let end = match end {
                Ended::Lost => End::Lost,
                Ended::Unasked => End::Unasked,
                Ended::Unnamed => End::BySomebody,
                Ended::By(node) => End::By(NAMES[usize::from(node)]),
            };
            let by = if let End::By(node) = end { Some(node) } else { None };
            all.insert(number, Asked { number, sent, known, by, end });
        }
        let doubt = if against { Doubt::Against } else { Doubt::For };
        let train = Train::new(Some(&kept), &wanted, 10_000_000, 1_000_000_000, 1, doubt);
        let naive = Naive { queries: all, want: &wanted, against };
        let (from, until) = times;
        let values: Vec<Asked<'_>> = naive.queries.values().copied().collect();
        prop_assert_eq!(kept.all().collect::<Vec<_>>(), values.clone());
        prop_assert_eq!(train.right_since(from), naive.right_since(from));
        prop_assert_eq!(train.lost(from, until), naive.since(from, until).filter(|(_, dark)| *dark).count() as u64);
        prop_assert_eq!(train.gap(from, until), naive.gap(from, until));
        prop_assert_eq!(train.known_until(until), naive.known_until(until));
        let sent = values.iter().filter(|asked| (from..until).contains(&asked.sent));
        prop_assert_eq!(train.within(from, until).count(), sent.count());
        let count = |end: End<'_>| values.iter().filter(|asked| asked.known >= from && asked.end == end).count() as u64;
        prop_assert_eq!(train.doubtful(from), (count(End::Unasked), count(End::BySomebody)));
    }
}
