//! The sessions of an frr.conf.

use super::{Bgp, Family, File, Neighbor};
use crate::declared::{Declared, asn};

pub(in super::super) fn declared(text: &str) -> Vec<Declared> {
    let file = File::of(text);
    let all = file.bgps.iter().flat_map(|bgp| bgp.neighbors().into_iter().filter_map(|neighbor| one(bgp, &neighbor)));
    all.collect()
}

fn one(bgp: &Bgp<'_>, neighbor: &Neighbor<'_>) -> Option<Declared> {
    let own = asn(bgp.asn);
    let local_as = bgp.said(neighbor, &["local-as"]).and_then(|line| asn(line.words.get(3)?));
    let peer_as = match neighbor.remote {
        Some("internal") => own,
        Some(remote) => asn(remote),
        None => None,
    };
    let router_id = bgp.get(&["bgp", "router-id"]).and_then(|line| line.words.get(2)?.parse().ok());
    Some(Declared {
        line: neighbor.line,
        peer: neighbor.name.parse().ok()?,
        local: bgp.said(neighbor, &["update-source"]).and_then(|line| line.words.get(3)?.parse().ok()),
        local_as: local_as.or(own),
        peer_as,
        router_id,
        has_key: Some(bgp.said(neighbor, &["password"]).is_some()),
        families: Some(Family::ALL.map(|family| bgp.is_active(neighbor, family))),
    })
}
