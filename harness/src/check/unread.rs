//! BGP messages that could not be read: what they said is not known, so that nothing is proven by what was not seen.

use crate::check::{Facts, millis};
use crate::history::{BgpMessage, Seen};

/// What is told of the first message of this node, sent from `from` to `until`, that could not be read.
pub(super) fn unread(facts: &Facts<'_>, node: &str, from: u64, until: u64) -> Option<String> {
    let unread =
        facts.told(node).events.iter().filter(|event| (from..=until).contains(&event.at)).filter_map(|event| {
            match &event.saw {
                Seen::Bgp { message: BgpMessage::Malformed(error), .. } => Some((event.at, error)),
                _ => None,
            }
        });
    let (at, error) = unread.min_by_key(|(at, _)| *at)?;
    let after = millis(at.saturating_sub(from));
    Some(format!("{node} sent a BGP message that cannot be read, at +{after}: what it said is not known: {error}"))
}
