//! The configuration file of old: the targets, one `address:domain` a line.

use std::path::Path;

use super::ConfigError;
use crate::target::Target;

#[cfg(test)]
#[path = "lines_tests.rs"]
mod tests;

/// Reads the targets.
///
/// # Errors
/// When a line is no target, or there is none.
pub(super) fn parse(path: &Path, text: &str) -> Result<Vec<Target>, ConfigError> {
    let path = || path.to_owned();
    let lines = (1..).zip(text.lines().map(str::trim));
    let targets: Vec<Target> = lines
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(line, text)| text.parse().map_err(|reason| ConfigError::Line { path: path(), line, reason }))
        .collect::<Result<_, _>>()?;
    if targets.is_empty() { Err(ConfigError::Empty { path: path() }) } else { Ok(targets) }
}

/// The targets in a text that [`parse`] refuses: what can be made out of it.
pub(super) fn salvage(text: &str) -> Vec<Target> {
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}
