//! What a scenario does and expects, step by step.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use super::expect::Expect;
use super::inject::Inject;
use super::topology::Role;
use super::value::Span;

/// A step as written: exactly one verb.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct StepEntry {
    /// What mutants and reports call it.
    #[serde(default)]
    pub name: Option<String>,
    /// Asserts.
    #[serde(default)]
    pub expect: Option<Expect>,
    /// Breaks something.
    #[serde(default)]
    pub inject: Option<Inject>,
    /// Mends what was broken.
    #[serde(default)]
    pub heal: Option<Heal>,
    /// Watches for a while.
    #[serde(default)]
    pub hold: Option<Span>,
}

/// A step's verb.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// Asserts.
    Expect(Expect),
    /// Breaks something.
    Inject(Inject),
    /// Mends what was broken.
    Heal(Heal),
    /// Watches for a while.
    Hold(Span),
}

/// What is mended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Heal {
    /// Everything that was injected, the latest first.
    All,
}

/// The same scenario with a protection removed: it must fail, at the step named.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Mutant {
    /// What is removed, and what that proves.
    pub why: String,
    /// The change of the topology.
    pub patch: toml::Table,
    /// The name of the step that must fail.
    pub fails: String,
}

/// Products to try in each role.
pub type Matrix = IndexMap<Role, Vec<super::value::Product>>;

impl StepEntry {
    /// The one verb; the error says what was found instead.
    pub(super) fn verb(self) -> Result<(Option<String>, Verb), String> {
        let verbs: Vec<Verb> = [
            self.expect.map(Verb::Expect),
            self.inject.map(Verb::Inject),
            self.heal.map(Verb::Heal),
            self.hold.map(Verb::Hold),
        ]
        .into_iter()
        .flatten()
        .collect();
        match <[Verb; 1]>::try_from(verbs) {
            Ok([verb]) => Ok((self.name, verb)),
            Err(verbs) => {
                Err(format!("a step has one verb (`expect`, `inject`, `heal` or `hold`), found {}", verbs.len()))
            }
        }
    }
}
