//! FRR, and Quagga before it: what is in an frr.conf or bgpd.conf, and the rules about it.

use super::exabgp::LONGEST_KEY;
use super::rule::{Finding, Rule, Severity};
use super::text::{Family, Line, Prefix, lines};
use crate::Dialect;

mod bgp;
mod declared;
mod model;
mod origin;
mod policy;
mod sessions;
#[cfg(test)]
mod tests;

use bgp::{Bgp, Neighbor};
pub(super) use declared::declared;
use model::File;

/// All rules about FRR.
pub(super) const RULES: &[&[&Rule]] = &[origin::RULES, policy::RULES, sessions::RULES];

/// The findings, in no order.
pub(super) fn lint(text: &str) -> Vec<Finding> {
    let file = File::of(text);
    let each =
        |bgp: &Bgp<'_>| [origin::check(&file, bgp), policy::check(&file, bgp), sessions::check(&file, bgp)].concat();
    file.bgps.iter().flat_map(each).collect()
}
