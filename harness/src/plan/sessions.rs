//! The BGP sessions of a lab, as both ends were told: without their keys.

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::kind::Session;
use crate::spec::Topology;

/// A session that either end declares.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionPlan {
    /// The two nodes, in the order of the topology.
    pub ends: [String; 2],
    /// Their addresses.
    pub addresses: [IpAddr; 2],
    /// Their AS numbers.
    pub asns: [u32; 2],
    /// Seconds that each proposes.
    pub hold_times: [u64; 2],
    /// Whether each signs with a key (RFC 2385).
    pub signed: [bool; 2],
    /// Whether both have the same key, or none.
    pub keys_agree: bool,
    /// Whether each has the number that the other expects.
    pub asns_agree: bool,
}

pub(super) fn of(topology: &Topology) -> Vec<SessionPlan> {
    let names: Vec<&String> = topology.nodes.keys().collect();
    let mut sessions = Vec::new();
    for (i, a) in names.iter().enumerate() {
        for b in names.iter().skip(i + 1) {
            // Both have the same: what they carry is agreed.
            let ends = Session::between(topology, a, b).into_iter().zip(Session::between(topology, b, a));
            sessions.extend(ends.map(|(here, there)| SessionPlan {
                ends: [(*a).clone(), (*b).clone()],
                addresses: [here.local, there.local],
                asns: [here.local_asn, there.local_asn],
                hold_times: [here.hold_time, there.hold_time],
                signed: [here.md5.is_some(), there.md5.is_some()],
                keys_agree: here.md5 == there.md5 && here.md5_base64 != Some(true) && there.md5_base64 != Some(true),
                asns_agree: here.remote_asn == there.local_asn && there.remote_asn == here.local_asn,
            }));
        }
    }
    sessions
}
