//! What clients asked, and who answered.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::answered_by;
use crate::history::{Event, Seen};

/// A query that has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked<'e> {
    /// When it was sent.
    pub(super) sent: u64,
    /// When it was known what came of it.
    pub(super) known: u64,
    /// Who gave a good answer.
    pub(super) by: Option<&'e str>,
}

/// All queries of which `keep` says so, by client and address, in the order in which they were sent.
pub(super) fn trains<'e>(
    events: &'e [Event],
    keep: impl Fn(&Asked<'e>) -> bool,
) -> BTreeMap<(&'e str, IpAddr), Vec<Asked<'e>>> {
    let mut trains: BTreeMap<(&str, IpAddr), Vec<Asked<'_>>> = BTreeMap::new();
    for event in events {
        let (Some(client), Seen::Query { to, sent, outcome, .. }) = (event.node.as_deref(), &event.saw) else {
            continue;
        };
        let asked = Asked { sent: *sent, known: event.at, by: answered_by(outcome) };
        if keep(&asked) {
            trains.entry((client, *to)).or_default().push(asked);
        }
    }
    trains.values_mut().for_each(|queries| queries.sort_unstable());
    trains
}
