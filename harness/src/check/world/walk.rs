//! From hop to hop: longest-prefix match in each node's own table, until a node that has the address, a loop, or nothing.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::NextHop;

use super::{Ends, Hop, Node, Route, Way, World};

/// A way, and which nodes' tables were read for it, at which addresses.
pub(super) struct Walked<'p> {
    pub(super) way: Way<'p>,
    pub(super) read: BTreeSet<(&'p str, IpAddr)>,
}

/// What is on the way so far.
struct Walk<'p> {
    ends: Ends<'p>,
    read: BTreeSet<(&'p str, IpAddr)>,
    /// The nodes between the start and here.
    above: Vec<&'p str>,
    /// The nodes whose ways have been followed to their ends.
    done: BTreeSet<&'p str>,
}

impl<'p> World<'p> {
    /// The way by the kernels' tables.
    pub(super) fn walk(&self, start: &'p str, address: IpAddr) -> Walked<'p> {
        let (prefix, hops, mut read) = self.hops(start, address);
        let mut walk = Walk::new();
        if self.has(start, address) {
            read.insert((start, address));
            walk.ends.serving.insert(start);
        } else {
            self.follow(start, &hops, address, &mut walk);
        }
        read.append(&mut walk.read);
        let thin = self.thin(start, address, &hops);
        Walked { way: Way { prefix, hops, ends: walk.ends, thin }, read }
    }

    /// The way as the routing daemon of the first node has it, and from the second node on by the kernels' tables. A route that the
    /// daemon does not tell of, such as a connected network or a static route, holds where the daemon has no longer prefix. None when
    /// the daemon has not answered.
    pub(super) fn walk_by_rib(&self, start: &'p str, address: IpAddr) -> Option<Walked<'p>> {
        let node = self.nodes.get(start)?;
        let rib = node.rib.as_ref()?;
        let host = IpNet::from(address);
        let learned = rib.get_lpm(&host);
        let own = node.fib.cover(&host).filter(|(prefix, route)| node.is_own(prefix, route)).last();
        let longer = match (&learned, &own) {
            // Of one prefix the one that the daemon itself prefers: it knows of all but a stranger's.
            (Some((learned, _)), Some((own, route))) => match learned.prefix_len().cmp(&own.prefix_len()) {
                Ordering::Equal => !node.is_planned(own, route) && !is_of_a_daemon(route.protocol),
                longer => longer.is_gt(),
            },
            (learned, _) => learned.is_some(),
        };
        let (mut read, mut hops) = (BTreeSet::from([(start, address)]), BTreeSet::new());
        let route = if longer { learned } else { own };
        for hop in route.iter().flat_map(|(_, route)| route.hops.iter()) {
            self.resolve(start, hop, address, &mut vec![address], &mut hops, &mut read);
        }
        let mut walk = Walk::new();
        if self.has(start, address) {
            walk.ends.serving.insert(start);
        } else {
            self.follow(start, &hops, address, &mut walk);
        }
        read.append(&mut walk.read);
        let prefix = route.map(|(prefix, _)| prefix);
        let thin = self.thin(start, address, &hops);
        Some(Walked { way: Way { prefix, hops, ends: walk.ends, thin }, read })
    }

    /// Of how many packets the serving node that gets the fewest gets one, if each node balances evenly over its next hops.
    fn thin(&self, start: &'p str, address: IpAddr, hops: &BTreeSet<Hop<'p>>) -> u32 {
        let mut shares = BTreeMap::new();
        self.share(start, hops, address, 1.0, &mut Vec::new(), &mut shares);
        let least = shares.into_values().min_by(f64::total_cmp);
        least.map_or(0, |least: f64| (1.0 / least).round() as u32)
    }

    fn share(
        &self,
        node: &'p str,
        hops: &BTreeSet<Hop<'p>>,
        address: IpAddr,
        part: f64,
        above: &mut Vec<&'p str>,
        shares: &mut BTreeMap<&'p str, f64>,
    ) {
        above.push(node);
        for hop in hops {
            let Hop::Node(next) = hop else { continue };
            let part = part / hops.len() as f64;
            if self.has(next, address) {
                *shares.entry(next).or_default() += part;
            } else if !above.contains(next) {
                self.share(next, &self.hops(next, address).1, address, part, above, shares);
            }
        }
        above.pop();
    }

    fn has(&self, name: &str, address: IpAddr) -> bool {
        let on_lo = self.nodes.get(name).is_some_and(|node| node.lo.contains(&address));
        on_lo || self.owners.get(&address).is_some_and(|owner| *owner == name)
    }

    fn follow(&self, node: &'p str, hops: &BTreeSet<Hop<'p>>, address: IpAddr, walk: &mut Walk<'p>) {
        if hops.is_empty() {
            walk.ends.nowhere.insert(node);
        }
        walk.above.push(node);
        for hop in hops {
            match hop {
                Hop::Nobody(_) => {
                    walk.ends.nowhere.insert(node);
                }
                Hop::Node(next) if walk.above.contains(next) => {
                    walk.ends.loops.insert(next);
                }
                Hop::Node(next) if walk.done.contains(next) => {}
                Hop::Node(next) => {
                    walk.read.insert((next, address));
                    if self.has(next, address) {
                        walk.ends.serving.insert(next);
                    } else {
                        let (_, hops, mut read) = self.hops(next, address);
                        walk.read.append(&mut read);
                        self.follow(next, &hops, address, walk);
                    }
                }
            }
        }
        walk.above.pop();
        walk.done.insert(node);
    }

    /// A node's route to an address, its next hops resolved, and what was read of its table for that.
    fn hops(&self, node: &'p str, address: IpAddr) -> (Option<IpNet>, BTreeSet<Hop<'p>>, BTreeSet<(&'p str, IpAddr)>) {
        let (mut hops, mut read) = (BTreeSet::new(), BTreeSet::from([(node, address)]));
        let route = self.nodes.get(node).and_then(|node| node.fib.get_lpm(&IpNet::from(address)));
        for hop in route.iter().flat_map(|(_, route)| route.hops.iter()) {
            self.resolve(node, hop, address, &mut vec![address], &mut hops, &mut read);
        }
        (route.map(|(prefix, _)| prefix), hops, read)
    }

    /// Which nodes a next hop means: the owner of its address on a network of this node's, or else whatever this node's own table
    /// says of it. `seen` are the addresses that are being resolved: one that needs itself leads nowhere.
    fn resolve(
        &self,
        name: &'p str,
        hop: &NextHop,
        to: IpAddr,
        seen: &mut Vec<IpAddr>,
        hops: &mut BTreeSet<Hop<'p>>,
        read: &mut BTreeSet<(&'p str, IpAddr)>,
    ) {
        let Some(node) = self.nodes.get(name) else { return };
        let Some(via) = hop.via else {
            // Connected: the neighbour that has the address answers for it.
            let owner = self.owners.get(&to).filter(|owner| **owner != name && is_interface(&hop.dev));
            hops.insert(owner.map_or_else(|| Hop::Nobody(hop.dev.clone()), |owner| Hop::Node(owner)));
            return;
        };
        if node.reaches(via) {
            let owner = self.owners.get(&via).filter(|owner| **owner != name);
            hops.insert(owner.map_or_else(|| Hop::Nobody(via.to_string()), |owner| Hop::Node(owner)));
            return;
        }
        read.insert((name, via));
        let further = node.fib.get_lpm(&IpNet::from(via)).filter(|_| !seen.contains(&via));
        let Some((_, further)) = further else {
            hops.insert(Hop::Nobody(via.to_string()));
            return;
        };
        seen.push(via);
        for hop in &further.hops {
            self.resolve(name, hop, via, seen, hops, read);
        }
        seen.pop();
    }
}

impl Walk<'_> {
    fn new() -> Self {
        Self { ends: Ends::default(), read: BTreeSet::new(), above: Vec::new(), done: BTreeSet::new() }
    }
}

impl Node<'_> {
    /// Whether an address is on one of its networks.
    fn reaches(&self, address: IpAddr) -> bool {
        let link_local = matches!(address, IpAddr::V6(v6) if v6.is_unicast_link_local());
        link_local || self.links.iter().any(|link| link.contains(&address))
    }

    /// Whether a route is none that the routing daemon tells of: a connected network, a planned static route, or one that somebody
    /// else installed.
    fn is_own(&self, prefix: &IpNet, route: &Route) -> bool {
        !may_be_told(route.protocol) || self.is_planned(prefix, route)
    }

    /// Whether it is a connected network or a planned static route.
    fn is_planned(&self, prefix: &IpNet, route: &Route) -> bool {
        let planned = |via| self.planned.iter().any(|(to, by)| to == prefix && *by == via);
        route.hops.iter().all(|hop| hop.via.is_none_or(planned))
    }
}

/// RTPROT_BGP (linux/rtnetlink.h). This and all above are of the daemons of FRR and its like.
const BGP: u8 = 186;

/// Whether the table that a routing daemon tells may have the route: BGP's of FRR, all of BIRD's. Others are the kernel's, an
/// administrator's, a router advertisement's, FRR's static routes, or those of another protocol.
fn may_be_told(protocol: u8) -> bool {
    const UNKNOWN: u8 = 0;
    const ZEBRA: u8 = 11;
    const BIRD: u8 = 12;
    [UNKNOWN, ZEBRA, BIRD, BGP].contains(&protocol)
}

/// Whether a routing daemon installed it.
fn is_of_a_daemon(protocol: u8) -> bool {
    may_be_told(protocol) || protocol > BGP
}

/// Whether it is the name of an interface, and not the kind of a route that drops (ip-route(8)).
fn is_interface(dev: &str) -> bool {
    !["blackhole", "unreachable", "prohibit", "throw", "lo"].contains(&dev)
}
