//! What was seen of a service: checks make samples, the machine decides by them.

use serde::{Deserialize, Serialize};

/// One outcome of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sample {
    /// Which of the machine's checks, from 0.
    pub check: usize,
    /// What it means.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
}

/// What a sample means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The check passed.
    Healthy,
    /// A bad answer; once may be an accident.
    Failed,
    /// One question was not answered, others were: the network may have lost it, so it counts half.
    Lost,
    /// The port is closed, the process gone: no accident.
    Refused,
    /// Nothing at all is answered: the check has waited for long enough to say so.
    Silent,
}

impl Verdict {
    /// Whether it settles the matter by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        matches!(self, Self::Refused | Self::Silent)
    }
}
