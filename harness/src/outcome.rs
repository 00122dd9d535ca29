//! OUTCOME: what came of a check, of a step and of a run. It stands below `check`, `lab`, `judge` and `report`, which all speak of it.

use std::time::Duration;

use crate::spec::Span;

/// The outcome of a step, or of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// What was promised was seen.
    Pass,
    /// It cannot be said: an observer was lost, or the history has a hole.
    Unknown,
    /// Something else was seen.
    Fail,
}

impl std::fmt::Display for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pass => "Pass",
            Self::Unknown => "Unknown",
            Self::Fail => "Fail",
        })
    }
}

/// What a check found so far.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Finding {
    /// The verdict; none while it is too early to tell.
    pub verdict: Option<Verdict>,
    /// When it came to hold, and has held since: nanoseconds of the history's clock.
    pub held_from: Option<u64>,
    /// Queries lost since the origin.
    pub lost: u64,
    /// The longest stretch without a good answer since the origin, at one client from one address.
    pub gap: Duration,
    /// What was seen instead, a line each; empty when it holds.
    pub found: Vec<String>,
    /// The first hop from the speaker to the client that is not as expected.
    pub first: Option<String>,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Played {
    /// A fault was injected, at this time.
    Injected {
        /// When it took effect.
        at: u64,
    },
    /// Everything was mended.
    Healed {
        /// When the last of it took effect.
        at: u64,
    },
    /// Time passed.
    Held {
        /// When that was over.
        at: u64,
    },
    /// An expectation was judged.
    Judged {
        /// What its times are counted from.
        origin: u64,
        /// When the verdict was given.
        at: u64,
        /// What was found.
        finding: Finding,
        /// How long it was watched on after a failure, and when it came to hold, if it did.
        watched: Option<(Span, Option<u64>)>,
    },
}

impl Played {
    /// When it was over.
    #[must_use]
    pub fn at(&self) -> u64 {
        match self {
            Self::Injected { at } | Self::Healed { at } | Self::Held { at } | Self::Judged { at, .. } => *at,
        }
    }

    /// A step that asserts nothing, and in which an invariant was violated.
    #[must_use]
    pub(crate) fn violated(origin: u64, at: u64, found: Vec<String>) -> Self {
        let finding = Finding { verdict: Some(Verdict::Fail), found, ..Finding::default() };
        Self::Judged { origin, at, finding, watched: None }
    }

    /// The step's verdict; a step that asserts nothing passes when it was played.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Judged { finding, .. } => finding.verdict.unwrap_or(Verdict::Unknown),
            Self::Injected { .. } | Self::Healed { .. } | Self::Held { .. } => Verdict::Pass,
        }
    }
}
