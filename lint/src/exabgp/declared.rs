//! The sessions of an exabgp.conf.

use super::{File, Language, Neighbor, parse};
use crate::declared::{Declared, asn};

pub(in super::super) fn declared(text: &str) -> Vec<Declared> {
    let statements = parse(text, Language::Exabgp).unwrap_or_default();
    File::of(&statements).neighbors.iter().filter_map(one).collect()
}

fn one(neighbor: &Neighbor<'_>) -> Option<Declared> {
    let whole = |known: bool| (known || neighbor.complete).then_some(known);
    let has = |name: &str| neighbor.get(name).is_some();
    let family = |name: &str| neighbor.get_in("family", name).is_some_and(|family| family.word(1) == "unicast");
    // Without a `family` block both are offered.
    let families = match has("family") {
        true => Some(["ipv4", "ipv6"].map(family)),
        false => neighbor.complete.then_some([true, true]),
    };
    Some(Declared {
        line: neighbor.line,
        peer: neighbor.name.parse().ok()?,
        local: neighbor.value("local-address").and_then(|address| address.parse().ok()),
        local_as: neighbor.value("local-as").and_then(asn),
        peer_as: neighbor.value("peer-as").and_then(asn),
        router_id: neighbor.value("router-id").and_then(|id| id.parse().ok()),
        has_key: whole(has("md5-password") || has("md5")),
        families,
    })
}
