//! What holds over a whole run, from the first expectation that passed on.

use crate::check::Facts;

mod blackhole;
mod bound;
mod dark;
mod keys;
mod sites;

pub(super) use blackhole::stretches;

/// Judges the invariants from `from` to `now`, in nanoseconds of the history's clock: what is violated, when and where, a line
/// each; times count from `from`.
#[must_use]
pub fn violations(facts: &Facts<'_>, from: u64, now: u64) -> Vec<String> {
    let always = &facts.plan.always;
    let mut found = Vec::new();
    if let Some(longest) = always.dark {
        found.extend(dark::longer(facts, from, now, longest));
    }
    if let Some(longest) = always.blackhole {
        found.extend(blackhole::longer(facts, from, now, longest));
    }
    if let Some(least) = always.sites {
        found.extend(sites::fewer(facts, from, now, least));
    }
    if always.bound {
        found.extend(bound::unbound(facts, from, now));
    }
    if always.keys {
        found.extend(keys::established(facts, from, now));
    }
    found
}
