//! The configuration file: the targets, one `address:domain` a line.

use std::io;
use std::path::{Path, PathBuf};

use crate::target::{Target, TargetError};

#[cfg(test)]
mod tests;

/// Why there are no targets.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: expected a readable file, found: {reason}\nhint: write `address:domain` lines there, or name another file with --conf", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
    /// A line is no target.
    #[error("{}:{line}: {reason}\nhint: for example `10.1.53.1:example.test` or `[2001:db8::1]:example.test`", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: TargetError,
    },
    /// The file has no target at all.
    #[error("{}: expected at least one line `address:domain`, found none\nhint: for example `10.1.53.1:example.test`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

/// Reads the targets from a file.
///
/// # Errors
/// When the file cannot be read, a line is no target, or there is none.
pub fn read(path: &Path) -> Result<Vec<Target>, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|reason| ConfigError::Unreadable { path: path.to_owned(), reason })?;
    parse(path, &text)
}

/// The targets in a file that [`read`] refuses: what can be made out of it.
#[must_use]
pub fn salvage(path: &Path) -> Vec<Target> {
    let text = std::fs::read_to_string(path).unwrap_or_default();
    text.lines().filter_map(|line| line.trim().parse().ok()).collect()
}

fn parse(path: &Path, text: &str) -> Result<Vec<Target>, ConfigError> {
    let path = || path.to_owned();
    let lines = (1..).zip(text.lines().map(str::trim));
    let targets: Vec<Target> = lines
        .filter(|(_, text)| !text.is_empty() && !text.starts_with('#'))
        .map(|(line, text)| text.parse().map_err(|reason| ConfigError::Line { path: path(), line, reason }))
        .collect::<Result<_, _>>()?;
    if targets.is_empty() { Err(ConfigError::Empty { path: path() }) } else { Ok(targets) }
}
