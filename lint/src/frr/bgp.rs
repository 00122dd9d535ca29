//! A `router bgp` with its neighbours and families.

use std::collections::BTreeMap;

use super::{Family, Line, Prefix};

/// A `router bgp`.
#[derive(Debug, Default)]
pub(super) struct Bgp<'a> {
    pub(super) asn: &'a str,
    pub(super) line: usize,
    /// Its own lines, those outside of families.
    pub(super) lines: Vec<Line<'a>>,
    /// The lines of its families. IPv4's may be outside.
    pub(super) families: Vec<(Family, Line<'a>)>,
    /// Where the families begin.
    pub(super) begins: BTreeMap<Family, usize>,
    /// Whether it has families that are not read.
    pub(super) has_other_families: bool,
}

/// A neighbour, or a group of them.
#[derive(Debug)]
pub(super) struct Neighbor<'a> {
    pub(super) name: &'a str,
    pub(super) group: Option<&'a str>,
    pub(super) remote: Option<&'a str>,
    pub(super) line: usize,
}

impl<'a> Bgp<'a> {
    pub(super) fn all_lines(&self) -> impl Iterator<Item = &Line<'a>> {
        self.lines.iter().chain(self.families.iter().map(|(_, line)| line))
    }

    /// The lines about a family; those outside of families are IPv4's, as Quagga has them.
    pub(super) fn lines_of(&self, family: Family) -> impl Iterator<Item = &Line<'a>> {
        let outside = self.lines.iter().filter(move |_| family == Family::V4);
        outside.chain(self.families.iter().filter(move |(of, _)| *of == family).map(|(_, line)| line))
    }

    /// An own line that begins so.
    pub(super) fn get(&self, words: &[&str]) -> Option<&Line<'a>> {
        self.lines.iter().find(|line| line.starts(words))
    }

    /// Whether it is the address of this machine alone: its router ID, or where its sessions come from.
    pub(super) fn is_own(&self, prefix: Prefix) -> bool {
        let mut own = self.lines.iter().filter_map(|line| match line.words.as_slice() {
            ["bgp", "router-id", address] | ["neighbor", _, "update-source", address] => Prefix::parse(address),
            _ => None,
        });
        own.any(|address| address == prefix)
    }

    /// The prefixes of `network` statements.
    pub(super) fn networks(&self) -> impl Iterator<Item = (Prefix, usize)> {
        let networks = self.all_lines().filter(|line| line.starts(&["network"]));
        networks.filter_map(|line| Some((Prefix::parse(line.words.get(1)?)?, line.number)))
    }

    /// The neighbours, without the groups.
    pub(super) fn neighbors(&self) -> Vec<Neighbor<'a>> {
        let mut neighbors: Vec<Neighbor<'a>> = Vec::new();
        let mut groups = Vec::new();
        for line in self.lines.iter().filter(|line| line.starts(&["neighbor"])) {
            let Some(name) = line.words.get(1).copied() else { continue };
            if line.words.get(2..) == Some(&["peer-group"]) {
                groups.push(name);
            }
            if !neighbors.iter().any(|known| known.name == name) {
                neighbors.push(Neighbor { name, group: None, remote: None, line: line.number });
            }
            let Some(neighbor) = neighbors.iter_mut().find(|known| known.name == name) else { continue };
            match line.words.get(2..).unwrap_or_default() {
                ["peer-group", group] => neighbor.group = Some(group),
                [.., "remote-as", remote] => neighbor.remote = Some(remote),
                _ => {}
            }
        }
        let remote_of: BTreeMap<&str, &str> = neighbors.iter().filter_map(|n| Some((n.name, n.remote?))).collect();
        for neighbor in &mut neighbors {
            neighbor.remote = neighbor.remote.or_else(|| remote_of.get(neighbor.group?).copied());
        }
        neighbors.retain(|neighbor| !groups.contains(&neighbor.name));
        neighbors
    }

    /// The line that says this of a neighbour or of its group.
    pub(super) fn said(&self, neighbor: &Neighbor<'_>, words: &[&str]) -> Option<&Line<'a>> {
        let of = |name: &str| {
            self.all_lines().find(|line| {
                line.starts(&["neighbor"])
                    && line.words.get(1) == Some(&name)
                    && line.words.get(2..).is_some_and(|rest| rest.starts_with(words))
            })
        };
        of(neighbor.name).or_else(|| of(neighbor.group?))
    }

    /// Whether a family says this of a neighbour or of its group.
    pub(super) fn said_in(&self, family: Family, neighbor: &Neighbor<'_>, word: &str) -> bool {
        let names = [Some(neighbor.name), neighbor.group];
        let about = |line: &Line<'_>| line.words.get(1).is_some_and(|name| names.contains(&Some(*name)));
        self.lines_of(family).any(|l| l.starts(&["neighbor"]) && l.words.get(2) == Some(&word) && about(l))
    }

    /// Whether a neighbour's routes of a family are exchanged.
    pub(super) fn is_active(&self, neighbor: &Neighbor<'_>, family: Family) -> bool {
        if self.said_in(family, neighbor, "activate") {
            return true;
        }
        let names = [Some(neighbor.name), neighbor.group];
        let about = |line: &Line<'_>, at: usize| line.words.get(at).is_some_and(|name| names.contains(&Some(*name)));
        let off = |line: &Line<'_>| {
            line.starts(&["no", "neighbor"]) && line.words.get(3) == Some(&"activate") && about(line, 2)
        };
        if self.lines_of(family).any(off) {
            return false;
        }
        match family {
            Family::V4 => self.get(&["no", "bgp", "default", "ipv4-unicast"]).is_none(),
            Family::V6 => self.get(&["bgp", "default", "ipv6-unicast"]).is_some(),
        }
    }
}
