//! What holds over a whole run, from the first expectation that passed on, whatever the steps do.

use serde::{Deserialize, Serialize};

use crate::value::Span;

/// The invariants of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Always {
    /// The longest that a client may be without any good answer from one address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dark: Option<Span>,
    /// The longest that a router's kernel may send queries to a node that answers nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub blackhole: Option<Span>,
    /// To how many nodes every router's kernel has routes for every address, at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sites: Option<usize>,
    /// Whether no router's kernel may send queries to a node for an address that its `lo` does not have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bound: bool,
    /// Whether no session may come up between ends whose keys differ (RFC 2385).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub keys: bool,
}

impl Always {
    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl std::fmt::Display for Always {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let dark = self.dark.map(|span| format!("at most {span} without a good answer"));
        let blackhole = self.blackhole.map(|span| format!("at most {span} routed to who answers nobody"));
        let sites = self.sites.map(|sites| format!("at least {sites} nodes in every route"));
        let bound = self.bound.then(|| "no route to an address that is gone".to_owned());
        let keys = self.keys.then(|| "no session with keys that differ".to_owned());
        let words: Vec<String> = [dark, blackhole, sites, bound, keys].into_iter().flatten().collect();
        f.write_str(&words.join(", "))
    }
}
