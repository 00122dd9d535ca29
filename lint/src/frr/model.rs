//! What is in the file, and what says whether it is a server's.

use super::bgp::Bgp;
use super::{Family, Line, Prefix, lines};

/// A whole file.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    /// `frr defaults datacenter`.
    pub(super) datacenter: bool,
    /// `frr version`, its first two numbers.
    version: Option<(u32, u32)>,
    pub(super) bgps: Vec<Bgp<'a>>,
    /// Addresses on `lo`.
    pub(super) loopback: Vec<Prefix>,
    /// Single addresses in prefix lists, with the lists' names.
    listed_hosts: Vec<(&'a str, Prefix)>,
    /// Route maps with the prefix lists that they ask.
    maps: Vec<(&'a str, &'a str)>,
}

enum Place {
    Elsewhere,
    Bgp,
    Family(Family),
    /// VPN, EVPN and such: none of ours.
    OtherFamily,
    Loopback,
    RouteMap,
}

impl<'a> File<'a> {
    pub(super) fn of(text: &'a str) -> Self {
        let mut file = Self::default();
        let mut place = Place::Elsewhere;
        let mut map = "";
        for line in lines(text) {
            match line.words.as_slice() {
                ["route-map", name, ..] => (place, map) = (Place::RouteMap, name),
                ["match", "ip" | "ipv6", "address", "prefix-list", list] if matches!(place, Place::RouteMap) => {
                    file.maps.push((map, list));
                }
                ["frr", "defaults", profile] => file.datacenter = *profile == "datacenter",
                ["frr", "version", version] => file.version = numbers(version),
                ["router", "bgp", asn, ..] => {
                    file.bgps.push(Bgp { asn, line: line.number, ..Bgp::default() });
                    place = Place::Bgp;
                }
                ["interface", "lo", ..] => place = Place::Loopback,
                // A command of the first level ends all others.
                ["router" | "interface" | "vrf" | "line" | "bfd" | "hostname" | "log" | "service" | "rpki", ..] => {
                    place = Place::Elsewhere;
                }
                ["ip" | "ipv6", "prefix-list", list, .., "permit", prefix] => {
                    place = Place::Elsewhere;
                    file.listed_hosts
                        .extend(Prefix::parse(prefix).filter(|prefix| prefix.is_host()).map(|p| (*list, p)));
                }
                ["ip" | "ipv6", "address", address, ..] if matches!(place, Place::Loopback) => {
                    let address = address.split('/').next().unwrap_or_default();
                    file.loopback.extend(Prefix::parse(address));
                }
                ["address-family", family, rest @ ..]
                    if !matches!(place, Place::Elsewhere | Place::Loopback | Place::RouteMap) =>
                {
                    place = match (*family, rest) {
                        ("ipv4", [] | ["unicast"]) => Place::Family(Family::V4),
                        ("ipv6", [] | ["unicast"]) => Place::Family(Family::V6),
                        _ => Place::OtherFamily,
                    };
                    match (&place, file.bgps.last_mut()) {
                        (Place::Family(family), Some(bgp)) => {
                            bgp.begins.entry(*family).or_insert(line.number);
                        }
                        (_, Some(bgp)) => bgp.has_other_families = true,
                        _ => {}
                    }
                }
                ["exit-address-family"] => place = Place::Bgp,
                ["exit" | "end"] => {
                    place = if matches!(place, Place::Family(_) | Place::OtherFamily) {
                        Place::Bgp
                    } else {
                        Place::Elsewhere
                    }
                }
                _ => file.put(&place, line),
            }
        }
        file
    }

    fn put(&mut self, place: &Place, line: Line<'a>) {
        let Some(bgp) = self.bgps.last_mut() else { return };
        match place {
            Place::Bgp => bgp.lines.push(line),
            Place::Family(family) => bgp.families.push((*family, line)),
            Place::Elsewhere | Place::OtherFamily | Place::Loopback | Place::RouteMap => {}
        }
    }

    /// Whether the file says that it was written by an older version.
    pub(super) fn is_before(&self, version: (u32, u32)) -> bool {
        self.version.is_some_and(|own| own < version)
    }

    /// Whether it announces single addresses of its own, or lets some out that it does not take from others: a server's
    /// file rather than a router's.
    pub(super) fn is_of_server(&self, bgp: &Bgp<'_>) -> bool {
        let (given, taken) = (self.hosts(bgp, "out"), self.hosts(bgp, "in"));
        bgp.networks().any(|(prefix, _)| prefix.is_host() && !bgp.is_own(prefix))
            || given.iter().any(|prefix| !taken.contains(prefix))
    }

    /// The single addresses that policies of a direction name.
    fn hosts(&self, bgp: &Bgp<'_>, direction: &str) -> Vec<Prefix> {
        let lists = bgp.all_lines().flat_map(|line| match line.words.as_slice() {
            ["neighbor", _, "prefix-list", list, way] if *way == direction => vec![*list],
            ["neighbor", _, "route-map", map, way] if *way == direction => {
                self.maps.iter().filter(|(name, _)| name == map).map(|(_, list)| *list).collect()
            }
            _ => Vec::new(),
        });
        lists
            .flat_map(|list| self.listed_hosts.iter().filter(move |(name, _)| *name == list).map(|(_, prefix)| *prefix))
            .collect()
    }
}

fn numbers(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.split(|c: char| !c.is_ascii_digit()).map(str::parse);
    Some((parts.next()?.ok()?, parts.next()?.ok()?))
}
