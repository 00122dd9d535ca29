//! Which cells to run when not all: each two choices that can be had together are together in one of them.
//!
//! Most faults need one choice or two to show (Kuhn, Wallace, Gallo: Software Fault Interactions, 2004).

use std::collections::BTreeSet;

use crate::spec::Cell;

/// Two choices, each as (axis, value).
type Pair = ((String, String), (String, String));

/// The numbers of cells that cover every pair that any cell has. The first cell is one of them; the same cells give the same
/// numbers.
pub(super) fn pairwise(cells: &[Cell]) -> BTreeSet<usize> {
    let pairs: Vec<BTreeSet<Pair>> = cells.iter().map(pairs).collect();
    let mut open: BTreeSet<&Pair> = pairs.iter().flatten().collect();
    let mut chosen = BTreeSet::new();
    let mut next = (!cells.is_empty()).then_some(0);
    while let Some(nth) = next {
        chosen.insert(nth);
        for pair in pairs.get(nth).into_iter().flatten() {
            open.remove(pair);
        }
        // Of equals the first.
        let covers = |of: &BTreeSet<Pair>| of.iter().filter(|pair| open.contains(pair)).count();
        let best = pairs.iter().map(covers).enumerate().rev().max_by_key(|(_, covers)| *covers);
        next = best.filter(|(_, covers)| *covers > 0).map(|(nth, _)| nth);
    }
    chosen
}

/// A cell with one axis only is covered when its one choice is.
fn pairs(cell: &Cell) -> BTreeSet<Pair> {
    let choices = cell.choices();
    let pairs = choices.iter().enumerate().flat_map(|(nth, one)| {
        let others = choices.iter().skip(nth + 1);
        others.map(|other| (one.clone(), other.clone())).chain([(one.clone(), one.clone())])
    });
    pairs.collect()
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
        }

        #[test]
        fn a_full_product_needs_few(sizes in prop::collection::vec(2_usize..5, 2..5)) {
            let cells = product(&sizes, |_| false);
            let mut largest = sizes;
            largest.sort_unstable();
            // No set can be smaller than the product of the two largest axes.
            let floor: usize = largest.iter().rev().take(2).product();
            let chosen = pairwise(&cells).len();
            prop_assert!((floor..=2 * floor).contains(&chosen), "{chosen} of {}, floor {floor}", cells.len());
        }
    }

    #[test]
    fn nothing_needs_nothing_and_one_needs_itself() {
        assert_eq!(pairwise(&[]), BTreeSet::new());
        assert_eq!(pairwise(&[Cell::default()]), BTreeSet::from([0]));
    }
}
