//! Rules about what sessions carry.

use super::{Bgp, Dialect, Family, File, Finding, Neighbor, Prefix, Rule, Severity};

pub(super) const RULES: &[&Rule] = &[&NO_POLICY, &NOT_ACTIVE, &NO_ECMP];

static NO_POLICY: Rule = Rule {
    dialect: Dialect::Frr,
    id: "no-policy",
    severity: Severity::Error,
    summary: "an eBGP neighbour without a policy, and no `no bgp ebgp-requires-policy`",
    reason: "From version 7.4 on FRR announces nothing to a neighbour of another AS without a policy for `out`, and \
             takes nothing without one for `in`. The session is up, the prefix counters say `(Policy)`.",
    source: "FRR documentation, `bgp ebgp-requires-policy`; RFC 8212; bgpd/bgp_vty.c",
    hint: "give the neighbour `route-map NAME out`, or write `no bgp ebgp-requires-policy`",
};

static NOT_ACTIVE: Rule = Rule {
    dialect: Dialect::Frr,
    id: "not-activated",
    severity: Severity::Error,
    summary: "a neighbour that is not activated in a family that is meant for it",
    reason: "Only IPv4 is active by default. The session is up, and no route of the family goes over it.",
    source: "FRR documentation, BGP `activate`, `bgp default`",
    hint: "write `neighbor NAME activate` in the address-family",
};

static NO_ECMP: Rule = Rule {
    dialect: Dialect::Frr,
    id: "no-ecmp",
    severity: Severity::Note,
    summary: "`maximum-paths 1`",
    reason: "Of several servers that announce an address the kernel is given one: the others get no queries until it \
             fails. Without the line FRR takes as many as it was built for.",
    source: "FRR bgpd/bgp_mpath.c",
    hint: "remove the line if the servers are to share the queries",
};

pub(super) fn check(file: &File<'_>, bgp: &Bgp<'_>) -> Vec<Finding> {
    let neighbors = bgp.neighbors();
    let server = file.is_of_server(bgp);
    let required =
        !file.datacenter && !file.is_before((7, 4)) && bgp.get(&["no", "bgp", "ebgp-requires-policy"]).is_none();
    let mut findings = Vec::new();
    for neighbor in &neighbors {
        let active = Vec::from_iter(Family::ALL.into_iter().filter(|family| bgp.is_active(neighbor, *family)));
        if active.is_empty() && neighbor.remote.is_some() && !elsewhere(bgp, neighbor) {
            findings.push(NOT_ACTIVE.at(neighbor.line, format!("neighbor {} is active in no family", neighbor.name)));
        }
        if !required || !is_external(bgp, neighbor) {
            continue;
        }
        for family in active {
            let has = |direction| has_policy(bgp, neighbor, family, direction);
            // A server need not take routes, nor a router give any: what lacks both is of no use.
            if !has("out") && (server || !has("in")) && carries(bgp, family) && is_meant(bgp, neighbor, family) {
                let text = format!(
                    "neighbor {} (AS {}) has no {} policy",
                    neighbor.name,
                    neighbor.remote.unwrap_or_default(),
                    family.name()
                );
                findings.push(NO_POLICY.at(neighbor.line, text));
            }
        }
    }
    for family in Family::ALL {
        let Some(line) = bgp.begins.get(&family) else { continue };
        let own = bgp.lines_of(family).any(|line| matches!(line.words.first(), Some(&("network" | "redistribute"))));
        if own && !neighbors.is_empty() && !neighbors.iter().any(|neighbor| bgp.is_active(neighbor, family)) {
            let text = format!("router bgp {} has {} routes and no neighbour that they go to", bgp.asn, family.name());
            findings.push(NOT_ACTIVE.at(*line, text));
        }
        for neighbor in neighbors.iter().filter(|neighbor| !bgp.is_active(neighbor, family)) {
            let meant = bgp.families.iter().find(|(of, line)| {
                *of == family
                    && line.starts(&["neighbor"])
                    && line.words.get(1) == Some(&neighbor.name)
                    && line.words.get(2) != Some(&"peer-group")
            });
            if let Some((_, line)) = meant {
                let text =
                    format!("neighbor {} has options for {} and is not active in it", neighbor.name, family.name());
                findings.push(NOT_ACTIVE.at(line.number, text));
            }
        }
    }
    let single = bgp
        .all_lines()
        .filter(|line| matches!(line.words.as_slice(), ["maximum-paths", "1"] | ["maximum-paths", "ibgp", "1", ..]));
    findings.extend(
        single.map(|line| NO_ECMP.at(line.number, format!("router bgp {} has `{}`", bgp.asn, line.words.join(" ")))),
    );
    findings
}

/// Whether there is any route of the family to speak of: IPv4 is active without being asked for.
fn carries(bgp: &Bgp<'_>, family: Family) -> bool {
    let explicit =
        |line: &&super::Line<'_>| line.words.first() == Some(&"network") || line.words.get(2) == Some(&"activate");
    bgp.begins.contains_key(&family)
        || bgp.lines_of(family).any(|line| explicit(&line))
        || !bgp.begins.contains_key(&Family::V6)
}

/// IPv4 is active for neighbours with IPv6 addresses too, which few mean.
fn is_meant(bgp: &Bgp<'_>, neighbor: &Neighbor<'_>, family: Family) -> bool {
    let by_address = Prefix::parse(neighbor.name).is_none_or(|prefix| prefix.family() == family);
    by_address || bgp.said_in(family, neighbor, "activate")
}

/// Active in a family that is none of ours: EVPN, VPN and such are not read.
fn elsewhere(bgp: &Bgp<'_>, neighbor: &Neighbor<'_>) -> bool {
    bgp.has_other_families
        || neighbor.group.is_some_and(|group| !bgp.lines.iter().any(|line| line.words.get(1) == Some(&group)))
}

fn is_external(bgp: &Bgp<'_>, neighbor: &Neighbor<'_>) -> bool {
    let numbers = |text: &str| text.parse::<u32>().ok();
    match neighbor.remote {
        Some("external") => true,
        Some(remote) => numbers(remote).zip(numbers(bgp.asn)).is_some_and(|(a, b)| a != b),
        None => false,
    }
}

fn has_policy(bgp: &Bgp<'_>, neighbor: &Neighbor<'_>, family: Family, direction: &str) -> bool {
    let names = [Some(neighbor.name), neighbor.group];
    let kinds = ["route-map", "prefix-list", "filter-list", "distribute-list", "unsuppress-map"];
    bgp.lines_of(family).any(|line| {
        line.starts(&["neighbor"])
            && line.words.get(1).is_some_and(|name| names.contains(&Some(*name)))
            && line.words.get(2).is_some_and(|kind| kinds.contains(kind))
            && line.words.last() == Some(&direction)
    })
}
