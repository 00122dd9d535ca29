//! The ways from one node to one address over time.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::{Ends, Hop, Layer};

/// A way to an address.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Way<'p> {
    /// The prefix of the route that the first node uses; none when it has no route.
    pub(crate) prefix: Option<IpNet>,
    /// The nodes that it is given to next.
    pub(crate) hops: BTreeSet<Hop<'p>>,
    /// Where it leads in the end.
    pub(crate) ends: Ends<'p>,
    /// Of how many packets the node that gets the fewest gets one, if each router balances evenly; 0 where it leads to nobody.
    pub(super) thin: u32,
}

impl Way<'_> {
    /// Of how many packets any end of the way gets at least one.
    pub(crate) fn one_in(&self) -> u32 {
        let ends = self.ends.serving.len() + self.ends.nowhere.len() + self.ends.loops.len();
        self.thin.max(u32::try_from(ends).unwrap_or(u32::MAX)).max(1)
    }
}

/// The ways from one node to one address over time; times in nanoseconds of the history's clock, in order.
#[derive(Debug, Default)]
pub(crate) struct Series<'p> {
    fib: Vec<(u64, Way<'p>)>,
    /// None for a daemon that does not answer.
    rib: Vec<(u64, Option<Way<'p>>)>,
    read: BTreeSet<(&'p str, IpAddr)>,
}

impl<'p> Series<'p> {
    /// The way by the kernel's table, from each of these times on; the first is 0.
    pub(crate) fn fib(&self) -> &[(u64, Way<'p>)] {
        &self.fib
    }

    /// The way by the routing daemon's table; none while it does not answer.
    pub(crate) fn rib(&self) -> &[(u64, Option<Way<'p>>)] {
        &self.rib
    }

    /// The ways by one of the two, without the times at which the daemon did not answer: it has not said that its routes are gone.
    pub(crate) fn of(&self, layer: Layer) -> Vec<(u64, &Way<'p>)> {
        match layer {
            Layer::Fib => self.fib.iter().map(|(at, way)| (*at, way)).collect(),
            Layer::Rib => self.rib.iter().filter_map(|(at, way)| Some((*at, way.as_ref()?))).collect(),
        }
    }

    /// The way by the kernel's table at that time.
    pub(crate) fn fib_at(&self, at: u64) -> Option<&Way<'p>> {
        let next = self.fib.partition_point(|(since, _)| *since <= at);
        next.checked_sub(1).and_then(|last| self.fib.get(last)).map(|(_, way)| way)
    }

    /// Remembers which tables were read; returns which were before.
    pub(super) fn reads(&mut self, read: BTreeSet<(&'p str, IpAddr)>) -> BTreeSet<(&'p str, IpAddr)> {
        std::mem::replace(&mut self.read, read)
    }

    /// Appends what is new; whether anything is. Events of different nodes may come a little out of order: a change is never before the one before it.
    pub(super) fn push(&mut self, at: u64, fib: Way<'p>, rib: Option<Way<'p>>) -> bool {
        let last = self.fib.last().map(|(at, _)| *at).max(self.rib.last().map(|(at, _)| *at));
        let at = at.max(last.unwrap_or(0));
        let before = self.fib.len() + self.rib.len();
        if self.fib.last().is_none_or(|(_, before)| *before != fib) {
            self.fib.push((at, fib));
        }
        if self.rib.last().is_none_or(|(_, before)| *before != rib) {
            self.rib.push((at, rib));
        }
        self.fib.len() + self.rib.len() > before
    }
}
