//! The journal: what happened and why, a line each, for people.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use crate::lines::Lines;

/// Writes to stderr, which ExaBGP hands on to its own.
#[derive(Debug, Clone)]
pub struct Journal {
    lines: Lines,
}

impl Journal {
    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to_stderr() -> io::Result<Self> {
        // Without a reader of the journal the watch goes on.
        Ok(Self { lines: Lines::to("journal", io::stderr(), drop)? })
    }

    /// Writes an entry. What nobody reads is dropped.
    pub fn note(&self, entry: impl Display) {
        self.lines.push(format!("anycast-watchdog: {entry}")).ok();
    }

    /// Waits until all is written, at most as long as `limit`.
    pub fn flush(&self, limit: Duration) {
        self.lines.flush(limit);
    }
}
