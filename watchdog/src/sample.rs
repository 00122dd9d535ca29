//! What was seen of the name servers: the probe makes samples, the machine decides by them.

use crate::check::Failure;

/// What was seen of all targets together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sample {
    /// What it means.
    pub verdict: Verdict,
    /// Why, in words.
    pub reason: String,
}

/// What a sample means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// All targets passed.
    Healthy,
    /// A target failed; once may be an accident.
    Failed,
    /// A target's port is closed, its process gone: no accident.
    Refused,
}

impl From<&Failure> for Verdict {
    fn from(failure: &Failure) -> Self {
        match failure {
            Failure::Refused => Self::Refused,
            _ => Self::Failed,
        }
    }
}
