//! What a scenario does and expects, step by step.

use serde::{Deserialize, Serialize};

use super::expect::Expect;
use super::matrix::Strike;
use crate::value::Span;

/// A step as written: exactly one verb.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
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
    pub inject: Option<Strike>,
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
    Inject(Strike),
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
    #[serde(default)]
    pub patch: toml::Table,
    /// The cell in which it runs, as `--cell` takes it; what it leaves open is the first cell's.
    #[serde(default)]
    pub cell: Option<String>,
    /// The number of a step that is left out, counted from 1 as the plan shows it.
    #[serde(default)]
    pub drop_step: Option<usize>,
    /// The name of the step that must fail.
    pub fails: String,
}

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
