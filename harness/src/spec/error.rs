//! What is wrong with a scenario, where, and what to do.

use std::fmt;

use super::source::Place;

/// A scenario that cannot be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct SpecError {
    /// What was expected and what was found.
    pub message: String,
    /// Where, when it is in a file.
    pub place: Option<Place>,
    /// What to do next.
    pub hint: Option<String>,
}

impl SpecError {
    /// An error without a place.
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), place: None, hint: None }
    }

    /// With what to do next.
    #[must_use]
    pub(crate) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for SpecError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A message may quote the file, and a terminal obeys control characters.
        f.write_str(&self.message.replace(|c: char| c.is_control() && !['\n', '\t'].contains(&c), "\u{fffd}"))?;
        match &self.place {
            Some(place) => write!(f, "\n{place}"),
            None => Ok(()),
        }
    }
}
