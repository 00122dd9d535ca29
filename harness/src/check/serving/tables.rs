//! Which nodes each router's RIB and FIB point to, and since when that is right.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::Want;
use crate::history::{Event, Seen};
use crate::plan::{Expectation, Plan, host};

/// One of a router's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Layer {
    /// The routing daemon's.
    Rib,
    /// The kernel's.
    Fib,
}

impl std::fmt::Display for Layer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Rib => "RIB",
            Self::Fib => "FIB",
        })
    }
}

/// All tables, as the history left them.
pub(crate) struct Tables<'p> {
    /// By router, layer and address.
    pub(super) cells: BTreeMap<(&'p str, Layer, IpAddr), Cell<'p>>,
}

/// What one table says of one address.
pub(super) struct Cell<'p> {
    want: &'p [&'p str],
    /// The nodes that it points to; none when the daemon does not answer.
    pub(super) nodes: Option<BTreeSet<String>>,
    right_since: Option<u64>,
}

impl<'p> Tables<'p> {
    pub(super) fn replay(plan: &'p Plan, events: &[Event], expectation: &Expectation, wants: &'p [Want<'p>]) -> Self {
        let mut tables = Self { cells: BTreeMap::new() };
        for router in plan.routers() {
            if expectation.expect.at.as_ref().is_some_and(|at| *at != router.name) {
                continue;
            }
            for want in wants {
                // A RIB is unknown until it was asked; a kernel's table is empty until it is filled.
                let fib = Some(BTreeSet::new());
                let layers = [(Layer::Rib, None, !router.ribs.is_empty()), (Layer::Fib, fib, true)];
                for (layer, nodes, watched) in layers {
                    if watched {
                        let right_since = right(nodes.as_ref(), &want.nodes).then_some(0);
                        let cell = Cell { want: &want.nodes, nodes, right_since };
                        tables.cells.insert((router.name.as_str(), layer, want.target.address), cell);
                    }
                }
            }
        }
        for event in events {
            tables.apply(plan, event);
        }
        tables
    }

    fn apply(&mut self, plan: &Plan, event: &Event) {
        let Some(node) = event.node.as_deref() else { return };
        let name = |hop: IpAddr| plan.owner_of(hop).map_or_else(|| hop.to_string(), str::to_owned);
        match &event.saw {
            Seen::Fib { prefix, next_hops } => {
                let nodes = next_hops.iter().map(|hop| hop.via.map_or_else(|| hop.dev.clone(), name)).collect();
                self.set(node, Layer::Fib, event.at, |address| {
                    (host(address) == *prefix).then(|| Some(&nodes).cloned())
                });
            }
            Seen::Rib { routes, .. } => self.set(node, Layer::Rib, event.at, |address| {
                let of = |routes: &Vec<crate::history::RibRoute>| {
                    let here = routes.iter().filter(|route| route.prefix == host(address));
                    here.flat_map(|route| route.next_hops.iter().copied().map(name)).collect()
                };
                Some(routes.as_ref().map(of))
            }),
            _ => {}
        }
    }

    /// Sets what `look` has an answer for.
    fn set(&mut self, node: &str, layer: Layer, at: u64, look: impl Fn(IpAddr) -> Option<Option<BTreeSet<String>>>) {
        for ((router, its_layer, address), cell) in &mut self.cells {
            if *router != node || *its_layer != layer {
                continue;
            }
            if let Some(nodes) = look(*address) {
                cell.right_since = right(nodes.as_ref(), cell.want).then(|| cell.right_since.unwrap_or(at));
                cell.nodes = nodes;
            }
        }
    }

    /// Since when all tables are right; none when one is not.
    pub(super) fn right_since(&self) -> Option<u64> {
        self.cells.values().try_fold(0, |latest, cell| Some(latest.max(cell.right_since?)))
    }
}

impl Cell<'_> {
    pub(super) fn is_right(&self) -> bool {
        self.right_since.is_some()
    }
}

fn right(nodes: Option<&BTreeSet<String>>, want: &[&str]) -> bool {
    nodes.is_some_and(|nodes| nodes.iter().map(String::as_str).eq(want.iter().copied()))
}
