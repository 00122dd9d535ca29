//! Reads the configuration of a BGP daemon and names the traps in it: what keeps a route of a dead server announced,
//! or one of a healthy server back.
//!
//! Pure: text in, findings out. What cannot be said from the file alone is not said: a false alarm is worse than
//! silence. So rules about something that is missing are silent where the file includes another one, or inherits from
//! what is not there.
//!
//! - [`rule`]: what a rule is; `exabgp`, `bird`, `frr`: the rules of each daemon; `text`: their languages
//! - [`mod@print`]: findings for people and for programs

use std::collections::BTreeSet;

mod bird;
mod declared;
mod exabgp;
mod frr;
pub mod print;
pub mod rule;
mod text;

#[cfg(test)]
mod tests;

pub use declared::{Declared, declared};
pub use rule::{Finding, Rule, Severity};

/// Whose configuration a file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Dialect {
    /// ExaBGP 3.4 to 5
    Exabgp,
    /// BIRD 2 and 3
    Bird,
    /// FRR, and Quagga before it
    Frr,
}

impl Dialect {
    /// As the option names it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exabgp => "exabgp",
            Self::Bird => "bird",
            Self::Frr => "frr",
        }
    }

    /// What only one of the three writes; none if there is nothing of the kind.
    #[must_use]
    pub fn of(text: &str) -> Option<Self> {
        text.lines().find_map(|line| {
            let words: Vec<&str> =
                line.split(|c: char| c.is_whitespace() || c == '{').filter(|w| !w.is_empty()).collect();
            let opens = line.contains('{');
            match words.as_slice() {
                ["router", "bgp" | "ospf" | "ospf6", ..] | ["frr", "version" | "defaults", ..] => Some(Self::Frr),
                ["protocol", "bgp" | "device" | "direct" | "kernel" | "static", ..] => Some(Self::Bird),
                ["protocol" | "filter" | "function", _, ..] if opens => Some(Self::Bird),
                ["template", kind, ..] if opens && *kind != "neighbor" => Some(Self::Bird),
                ["router", "id", value, ..] if value.ends_with(';') => Some(Self::Bird),
                ["neighbor" | "group" | "process", _, ..] if opens => Some(Self::Exabgp),
                _ => None,
            }
        })
    }
}

/// The findings in a file, from its first line to its last. `name` is what the names of the watchdog's protocols in
/// BIRD begin with.
#[must_use]
pub fn lint(text: &str, dialect: Dialect, name: &str) -> Vec<Finding> {
    let mut findings = match dialect {
        Dialect::Exabgp => exabgp::lint(text),
        Dialect::Bird => bird::lint(text, name),
        Dialect::Frr => frr::lint(text),
    };
    findings.sort_by(|a, b| (a.line, a.rule.id, &a.what).cmp(&(b.line, b.rule.id, &b.what)));
    // A template is read for each neighbour that inherits from it.
    findings.dedup();
    findings
}

/// All rules, daemon by daemon.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [exabgp::RULES, bird::RULES, frr::RULES].into_iter().flatten().flat_map(|group| group.iter().copied())
}

/// Words of a set as a sentence has them.
fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: BTreeSet<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    Vec::from_iter(words).join(", ")
}
