//! Which cells to run when not all: each two choices that can be had together are together in one of them.
//!
//! Most faults need one choice or two to show (Kuhn, Wallace, Gallo: Software Fault Interactions, 2004).

use std::collections::{BTreeMap, BTreeSet};

use crate::spec::Cell;

/// Greedy depends on which of equals it takes: so many ways are tried, and the smallest set is taken.
const WAYS: usize = 16;

/// The numbers of cells that cover every pair that any cell has. The first cell is one of them; the same cells give the same
/// numbers.
pub(super) fn pairwise(cells: &[Cell]) -> BTreeSet<usize> {
    let mut numbers = BTreeMap::new();
    let pairs: Vec<Vec<usize>> =
        cells.iter().map(|cell| pairs(cell).into_iter().map(|pair| number(&mut numbers, pair)).collect()).collect();
    let ways = (0..WAYS).map(|way| needed(&pairs, greedy(&pairs, numbers.len(), way), numbers.len()));
    // Of equals the first.
    ways.min_by_key(BTreeSet::len).unwrap_or_default()
}

/// Two choices, each as (axis, value).
type Pair = ((String, String), (String, String));

/// A cell with one axis only is covered when its one choice is.
fn pairs(cell: &Cell) -> BTreeSet<Pair> {
    let choices = cell.choices();
    let pairs = choices.iter().enumerate().flat_map(|(nth, one)| {
        let others = choices.iter().skip(nth + 1);
        others.map(|other| (one.clone(), other.clone())).chain([(one.clone(), one.clone())])
    });
    pairs.collect()
}

fn number(numbers: &mut BTreeMap<Pair, usize>, pair: Pair) -> usize {
    let next = numbers.len();
    *numbers.entry(pair).or_insert(next)
}

/// The first cell, and then always one that has most of the pairs that are still open: of equals the one that has the rarest,
/// and of these the first, counted from another cell in each way.
fn greedy(pairs: &[Vec<usize>], all: usize, way: usize) -> Vec<usize> {
    let mut has = vec![0_usize; all];
    pairs.iter().flatten().for_each(|pair| has[*pair] += 1);
    let mut open = vec![true; all];
    let start = pairs.len() * way / WAYS;
    let mut chosen = Vec::new();
    let mut next = (!pairs.is_empty()).then_some(0);
    while let Some(nth) = next {
        chosen.push(nth);
        pairs[nth].iter().for_each(|pair| open[*pair] = false);
        let worth = |nth: usize| {
            let open = pairs[nth].iter().filter(|pair| open[**pair]);
            // A pair that few cells have is worth more; the sum is one of whole numbers, so that it is the same everywhere.
            let rare: usize =
                if way.is_multiple_of(2) { 0 } else { open.clone().map(|pair| pairs.len() / has[*pair]).sum() };
            (open.count(), rare)
        };
        // `max_by_key` gives the last of equals.
        let order = (start..pairs.len()).chain(0..start).rev();
        let best = order.map(|nth| (nth, worth(nth))).max_by_key(|(_, worth)| *worth);
        next = best.filter(|(_, (open, _))| *open > 0).map(|(nth, _)| nth);
    }
    chosen
}

/// Without the cells all of whose pairs others have too, the latest first; the first cell stays.
fn needed(pairs: &[Vec<usize>], chosen: Vec<usize>, all: usize) -> BTreeSet<usize> {
    let mut times = vec![0_usize; all];
    chosen.iter().flat_map(|nth| &pairs[*nth]).for_each(|pair| times[*pair] += 1);
    let mut needed: BTreeSet<usize> = chosen.iter().copied().collect();
    for nth in chosen.into_iter().skip(1).rev() {
        if pairs[nth].iter().all(|pair| times[*pair] > 1) {
            pairs[nth].iter().for_each(|pair| times[*pair] -= 1);
            needed.remove(&nth);
        }
    }
    needed
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The product of axes of these sizes, without the cells that `hole` says.
    fn product(sizes: &[usize], hole: impl Fn(usize) -> bool) -> Vec<Cell> {
        let mut cells = vec![Cell::default()];
        for (axis, size) in sizes.iter().enumerate() {
            let with = |cell: &Cell, value: usize| {
                let mut cell = cell.clone();
                cell.values.insert(format!("axis{axis}"), format!("value{value}"));
                cell
            };
            cells =
                cells.iter().flat_map(|cell| (0..*size).map(|value| with(cell, value)).collect::<Vec<_>>()).collect();
        }
        cells.into_iter().enumerate().filter(|(nth, _)| *nth == 0 || !hole(*nth)).map(|(_, cell)| cell).collect()
    }

    proptest! {
        #[test]
        fn every_possible_pair_is_covered(sizes in prop::collection::vec(1_usize..5, 1..5), every in 2_usize..7) {
            let cells = product(&sizes, |nth| nth % every == 1);
            let chosen = pairwise(&cells);
            let all: BTreeSet<Pair> = cells.iter().flat_map(pairs).collect();
            let covered: BTreeSet<Pair> = chosen.iter().flat_map(|nth| pairs(&cells[*nth])).collect();
            prop_assert_eq!(all, covered);
            prop_assert!(chosen.contains(&0));
            prop_assert_eq!(chosen, pairwise(&cells));
        }

        #[test]
        fn a_full_product_needs_few(sizes in prop::collection::vec(2_usize..6, 2..5)) {
            let cells = product(&sizes, |_| false);
            let mut largest = sizes;
            largest.sort_unstable();
            // No set can be smaller than the product of the two largest axes.
            let floor: usize = largest.iter().rev().take(2).product();
            let chosen = pairwise(&cells).len();
            prop_assert!((floor..=floor * 3 / 2).contains(&chosen), "{chosen} of {}, floor {floor}", cells.len());
        }

        #[test]
        fn no_cell_is_there_for_nothing(sizes in prop::collection::vec(1_usize..5, 1..5), every in 2_usize..7) {
            let cells = product(&sizes, |nth| nth % every == 1);
            let chosen = pairwise(&cells);
            for without in chosen.iter().filter(|nth| **nth != 0) {
                let others = chosen.iter().filter(|nth| *nth != without);
                let covered: BTreeSet<Pair> = others.flat_map(|nth| pairs(&cells[*nth])).collect();
                prop_assert!(!pairs(&cells[*without]).is_subset(&covered));
            }
        }
    }

    #[test]
    fn nothing_needs_nothing_and_one_needs_itself() {
        assert_eq!(pairwise(&[]), BTreeSet::new());
        assert_eq!(pairwise(&[Cell::default()]), BTreeSet::from([0]));
    }
}
