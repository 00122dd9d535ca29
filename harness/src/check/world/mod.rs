//! The one model of routes: every node's own table, and where it leads, from hop to hop, at any time.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use prefix_trie::joint::JointPrefixMap;
use protocol::NextHop;

use crate::history::{Event, Interval, RibRoute, Seen};
use crate::plan::Plan;

mod sample;
mod series;
#[cfg(test)]
mod tests;
mod walk;

pub(in crate::check) use sample::sample;
pub(crate) use series::{Series, Way};

/// A routing table: the route of each prefix.
type Table = JointPrefixMap<IpNet, Route>;

/// A route of a table.
#[derive(Default)]
struct Route {
    /// Who installed it in the kernel (`rtm_protocol`); 0 in a daemon's table, and where the record does not say.
    protocol: u8,
    hops: Vec<NextHop>,
}

/// One of a node's tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// What a node does with the packets to an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hop<'p> {
    /// It gives them to this node.
    Node(&'p str),
    /// It gives them to nobody of the lab: the unknown gateway, or the kind of the route, such as `unreachable`.
    Nobody(String),
}

impl std::fmt::Display for Hop<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Node(name) => f.write_str(name),
            Self::Nobody(text) => f.write_str(text),
        }
    }
}

/// Where the packets to an address end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Ends<'p> {
    /// Nodes that have the address.
    pub(crate) serving: BTreeSet<&'p str>,
    /// Nodes that drop some of them: they have neither the address nor a way to it.
    pub(crate) nowhere: BTreeSet<&'p str>,
    /// Nodes to which some of them come back.
    pub(crate) loops: BTreeSet<&'p str>,
}

/// What is known of a node.
struct Node<'p> {
    /// The networks that it is on.
    links: Vec<IpNet>,
    /// Its static routes, as planned.
    planned: Vec<(IpNet, IpAddr)>,
    /// The addresses of its loopback.
    lo: BTreeSet<IpAddr>,
    fib: Table,
    /// None until the daemon has answered, and while it does not.
    rib: Option<Table>,
    /// Which series read this node's table, by the address that they looked up.
    readers: BTreeMap<IpAddr, BTreeSet<(&'p str, IpAddr)>>,
}

/// Every node's tables as the events so far left them, and the ways of every router and client to every service address over time.
pub(crate) struct World<'p> {
    plan: &'p Plan,
    /// What changed a table, in the order of time; of different nodes it may come in late.
    changes: Vec<Event>,
    /// Whether one came late, and the ways are those of another order.
    late: bool,
    nodes: HashMap<&'p str, Node<'p>>,
    /// Who has which address on a network.
    owners: HashMap<IpAddr, &'p str>,
    /// By the node that the packets start from, and their address.
    series: BTreeMap<(&'p str, IpAddr), Series<'p>>,
    /// When a table was seen to change, and what is known of the moment, where that changed a way.
    moments: HashMap<(Layer, u64), Interval>,
}

impl<'p> World<'p> {
    /// The lab before anything has happened: no routes, and on each loopback what is planned.
    pub(crate) fn new(plan: &'p Plan) -> Self {
        let node = |node: &'p crate::plan::NodePlan| {
            let known = Node {
                links: node.links.iter().flat_map(|link| link.addresses.iter().copied()).collect(),
                planned: node.routes.iter().map(|route| (route.to, route.via)).collect(),
                lo: node.loopback.iter().copied().collect(),
                fib: Table::new(),
                rib: None,
                readers: BTreeMap::new(),
            };
            (node.name.as_str(), known)
        };
        let starts = plan.routers().chain(plan.clients()).map(|node| node.name.as_str());
        let each = starts.flat_map(|start| plan.services.iter().map(move |service| (start, service.address)));
        let series: BTreeMap<_, _> = each.map(|key| (key, Series::default())).collect();
        let mut world = Self {
            plan,
            changes: Vec::new(),
            late: false,
            nodes: plan.nodes.iter().map(node).collect(),
            owners: plan.owners.iter().map(|(address, name)| (*address, name.as_str())).collect(),
            series,
            moments: HashMap::new(),
        };
        let all: Vec<_> = world.series.keys().copied().collect();
        for key in all {
            world.settle(key, 0);
        }
        world
    }

    /// The lab after these events.
    #[cfg(test)]
    pub(crate) fn after(plan: &'p Plan, events: &[Event]) -> Self {
        let mut world = Self::new(plan);
        events.iter().for_each(|event| world.take(event));
        world.catch_up();
        world
    }

    /// Takes the next event in; only the ways that it changes are followed anew. One that comes late waits for [`World::catch_up`].
    pub(crate) fn take(&mut self, event: &Event) {
        if !matches!(event.saw, Seen::Fib { .. } | Seen::Rib { .. } | Seen::Address { .. }) {
            return;
        }
        let key = |event: &Event| (event.at, event.node.clone());
        let place = match self.changes.last().is_none_or(|last| key(last) <= key(event)) {
            true => self.changes.len(),
            false => self.changes.partition_point(|other| key(other) <= key(event)),
        };
        self.late |= place < self.changes.len();
        self.changes.insert(place, event.clone());
        if !self.late {
            self.take_as_latest(event);
        }
    }

    /// Puts what came late in its place: from then on the ways are those that there were.
    pub(crate) fn catch_up(&mut self) {
        if self.late {
            let changes = std::mem::take(&mut self.changes);
            *self = Self::new(self.plan);
            changes.iter().for_each(|event| self.take_as_latest(event));
            self.changes = changes;
        }
    }

    /// Takes an event in as the latest one, whenever it happened: for readers who are told of it as it comes in.
    pub(crate) fn take_as_latest(&mut self, event: &Event) {
        let Some(name) = event.node.as_deref() else { return };
        let Some(node) = self.nodes.get_mut(name) else { return };
        let affected: Vec<(&'p str, IpAddr)> = match &event.saw {
            Seen::Fib { prefix, protocol, next_hops } => {
                if next_hops.is_empty() {
                    node.fib.remove(prefix);
                } else {
                    node.fib.insert(*prefix, Route { protocol: *protocol, hops: next_hops.clone() });
                }
                let readers = node.readers.range(prefix.network()..=prefix.broadcast());
                readers.flat_map(|(_, readers)| readers).copied().collect()
            }
            Seen::Address { address, present } => {
                if *present {
                    node.lo.insert(*address);
                } else {
                    node.lo.remove(address);
                }
                node.readers.get(address).into_iter().flatten().copied().collect()
            }
            Seen::Rib { routes, .. } => {
                node.rib = routes.as_deref().map(table);
                self.starting(name).map(|(key, _)| *key).collect()
            }
            _ => return,
        };
        let affected: BTreeSet<_> = affected.into_iter().collect();
        let changed = affected.into_iter().map(|key| self.settle(key, event.at)).filter(|changed| *changed).count();
        let layer = match event.saw {
            Seen::Fib { .. } => Layer::Fib,
            Seen::Rib { .. } => Layer::Rib,
            _ => return,
        };
        if changed > 0 {
            self.moments.entry((layer, event.at)).or_insert(Interval::of(event));
        }
    }

    /// What is known of the moment at which a table was seen to change: the router's own, or that of one on the way.
    pub(crate) fn changed(&self, layer: Layer, at: u64) -> Interval {
        self.moments.get(&(layer, at)).copied().unwrap_or(Interval::exact(at))
    }

    /// The ways from a node to an address over time; of routers and clients to service addresses.
    pub(crate) fn series(&self, start: &str, address: IpAddr) -> Option<&Series<'p>> {
        let (start, _) = self.nodes.get_key_value(start)?;
        self.series.get(&(*start, address))
    }

    /// The ways from a node to each service address as they are now, by one of its tables; none where the daemon does not answer.
    pub(crate) fn ways(&self, start: &str, layer: Layer) -> impl Iterator<Item = Option<&Way<'p>>> + use<'_, 'p> {
        self.starting(start).map(move |(_, series)| match layer {
            Layer::Fib => series.fib().last().map(|(_, way)| way),
            Layer::Rib => series.rib().last().and_then(|(_, way)| way.as_ref()),
        })
    }

    /// The ways that begin at a node.
    fn starting(&self, start: &str) -> impl Iterator<Item = (&(&'p str, IpAddr), &Series<'p>)> + use<'_, 'p> {
        let known = self.nodes.get_key_value(start).map(|(name, _)| *name);
        let from = |name| self.series.range((name, IpAddr::V4(Ipv4Addr::UNSPECIFIED))..);
        let all = known.into_iter().flat_map(from);
        all.take_while(move |((its, _), _)| Some(*its) == known)
    }

    /// Follows the ways from a node to an address anew; whether one of them changed.
    fn settle(&mut self, key: (&'p str, IpAddr), at: u64) -> bool {
        let (start, address) = key;
        let fib = self.walk(start, address);
        let rib = self.walk_by_rib(start, address);
        let Some(series) = self.series.get_mut(&key) else { return false };
        let mut read: BTreeSet<(&str, IpAddr)> = fib.read;
        read.extend(rib.iter().flat_map(|rib| rib.read.iter().copied()));
        let before = series.reads(read.clone());
        let changed = series.push(at, fib.way, rib.map(|rib| rib.way));
        for (name, address) in before.difference(&read) {
            let readers = self.nodes.get_mut(name).and_then(|node| node.readers.get_mut(address));
            readers.map(|readers| readers.remove(&key));
        }
        for (name, address) in read.difference(&before) {
            if let Some(node) = self.nodes.get_mut(name) {
                node.readers.entry(*address).or_default().insert(key);
            }
        }
        changed
    }
}

impl Ends<'_> {
    /// Whether the packets end at exactly these nodes. None of them, and some dropped, is right where nobody is wanted, but for those
    /// that are dropped by a node that is to serve: its route should be gone.
    pub(crate) fn are(&self, want: &[&str], served_by: &[String]) -> bool {
        let exact = self.serving.iter().eq(want.iter());
        let lost = match want {
            [] => self.nowhere.iter().any(|node| served_by.iter().any(|by| by == node)),
            _ => !self.nowhere.is_empty() || !self.loops.is_empty(),
        };
        exact && !lost
    }
}

fn table(routes: &[RibRoute]) -> Table {
    let mut table = Table::new();
    for route in routes {
        let hops = route.next_hops.iter().map(|via| NextHop { via: Some(*via), dev: String::new() });
        table.entry(route.prefix).or_default().hops.extend(hops);
    }
    table
}
