//! Where each router's RIB and FIB lead, and since when that is right.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Want;
use crate::check::Facts;
use crate::check::world::{Layer, Series, Way};
use crate::plan::Expectation;

/// All tables, as the history left them.
pub(crate) struct Tables<'p> {
    /// By router, layer and address.
    pub(super) cells: BTreeMap<(&'p str, Layer, IpAddr), Cell<'p>>,
}

/// What one table says of one address.
pub(super) struct Cell<'p> {
    /// Where it leads; none when the daemon does not answer.
    pub(super) way: Option<Way<'p>>,
    /// Whether it leads to the right nodes.
    pub(super) leads_right: bool,
    /// Since when it has done so, with the next hops of the router's other table.
    pub(super) right_since: Option<u64>,
}

impl<'p> Tables<'p> {
    pub(super) fn of(facts: &Facts<'p>, expectation: &Expectation, wants: &[Want<'p>]) -> Self {
        let (plan, world) = (facts.plan, &facts.world);
        let mut cells = BTreeMap::new();
        for router in plan.routers() {
            if expectation.expect.at.as_ref().is_some_and(|at| *at != router.name) {
                continue;
            }
            for want in wants {
                let (name, address) = (router.name.as_str(), want.target.address);
                let Some(series) = world.series(name, address) else { continue };
                let asked = !router.ribs.is_empty();
                if asked {
                    cells.insert((name, Layer::Rib, address), of_daemon(series, want));
                }
                cells.insert((name, Layer::Fib, address), of_kernel(series, want, asked));
            }
        }
        Self { cells }
    }

    /// Since when all tables are right; none when one is not.
    pub(super) fn right_since(&self) -> Option<u64> {
        self.cells.values().try_fold(0, |latest, cell| Some(latest.max(cell.right_since?)))
    }
}

fn of_daemon<'p>(series: &Series<'p>, want: &Want<'_>) -> Cell<'p> {
    let right = |way: Option<&Way<'_>>| way.is_some_and(|way| leads(way, want));
    let way = series.rib().last().and_then(|(_, way)| way.clone());
    let steps = series.rib().iter().map(|(at, way)| (*at, right(way.as_ref())));
    Cell { leads_right: right(way.as_ref()), way, right_since: since(steps) }
}

/// The kernel's table must lead to the right nodes, over the next hops that its daemon has for the same prefix. Where the daemon does
/// not answer, or is wrong itself, that is the other cell's fault.
fn of_kernel<'p>(series: &Series<'p>, want: &Want<'_>, asked: bool) -> Cell<'p> {
    let same = |fib: &Way<'_>, rib: &Way<'_>| (fib.prefix, &fib.hops) == (rib.prefix, &rib.hops);
    let at = |time: u64| {
        let rib = series.rib().iter().rfind(|(at, _)| *at <= time).and_then(|(_, way)| way.as_ref());
        let fib = series.fib_at(time);
        fib.is_some_and(|fib| leads(fib, want) && (!asked || rib.is_none_or(|rib| !leads(rib, want) || same(fib, rib))))
    };
    let times = series.fib().iter().map(|(at, _)| *at).chain(series.rib().iter().map(|(at, _)| *at));
    let times: BTreeSet<u64> = times.collect();
    let way = series.fib().last().map(|(_, way)| way.clone());
    let leads_right = way.as_ref().is_some_and(|way| leads(way, want));
    Cell { way, leads_right, right_since: since(times.into_iter().map(|time| (time, at(time)))) }
}

fn leads(way: &Way<'_>, want: &Want<'_>) -> bool {
    way.ends.are(&want.nodes, &want.target.served_by)
}

/// Since when it has been right, in the end.
fn since(steps: impl DoubleEndedIterator<Item = (u64, bool)>) -> Option<u64> {
    steps.rev().take_while(|(_, right)| *right).last().map(|(at, _)| at)
}

impl Cell<'_> {
    pub(super) fn is_right(&self) -> bool {
        self.right_since.is_some()
    }
}
