//! The journal: what happened and why, a line each, for people or for programs.
//!
//! For people an entry reads `anycast-watchdog: withdraw NAME: REASON`. For programs it is an [`Entry`] in JSON, with all that
//! led to a decision: fed to a machine in the same order, it decides the same.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::lines::Lines;
use crate::machine::Decision;
use crate::operate::status::{Answer, Confirmed};

mod entry;
#[cfg(test)]
mod tests;

pub use entry::{Entry, Event};

/// Who reads the journal.
#[derive(Deserialize, Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// People: a line of text each
    #[default]
    Text,
    /// Programs: a JSON object a line
    Json,
}

/// Writes to stderr, which ExaBGP hands on to its own.
#[derive(Debug, Clone)]
pub struct Journal {
    lines: Lines,
    format: Format,
    /// Entries that nobody read, since the last that somebody did.
    lost: Arc<AtomicU64>,
    /// What the daemons said last about each service, since its last decision.
    heard: Arc<Mutex<BTreeMap<String, Confirmed>>>,
}

impl Journal {
    /// Starts the thread that writes, for people.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to_stderr() -> io::Result<Self> {
        Self::to(io::stderr(), Format::Text)
    }

    /// Starts the thread that writes.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to(sink: impl Write + Send + 'static, format: Format) -> io::Result<Self> {
        // Without a reader of the journal the watch goes on.
        Ok(Self { lines: Lines::to("journal", sink, drop)?, format, lost: Arc::default(), heard: Arc::default() })
    }

    /// Anything else that is worth a line.
    pub fn note(&self, entry: impl Display) {
        self.write(&Entry::new(Event::Note, None, entry));
    }

    /// A decision, and what the machine has learned since the one before, in that order: enough to make it again.
    pub fn decision(&self, service: &str, decision: &Decision, learned: &impl Serialize) {
        self.heard().remove(service);
        let mut entry = Entry::new(Event::Decision, Some(service), &decision.reason);
        entry.verb = Some(decision.verb.to_string());
        if self.format == Format::Json {
            entry.learned = serde_json::to_value(learned).ok();
        }
        self.write(&entry);
    }

    /// A check begins to fail; nothing is decided yet.
    pub fn trouble(&self, service: &str, reason: impl Display) {
        self.write(&Entry::new(Event::Trouble, Some(service), reason));
    }

    /// The daemon has done what was decided, or what it has done instead.
    pub fn confirmed(&self, service: &str, found: impl Display) {
        self.heard().insert(service.to_owned(), Confirmed { is: Answer::Yes, detail: found.to_string() });
        self.write(&Entry::new(Event::Confirmed, Some(service), found));
    }

    /// The daemon has not done it, as far as can be seen. Writes nothing: the announcer says it in its own words, and once.
    pub fn doubted(&self, service: &str, reason: impl Display) {
        self.heard().insert(service.to_owned(), Confirmed { is: Answer::No, detail: reason.to_string() });
    }

    /// Whether the daemon has done what was decided last.
    #[must_use]
    pub fn is_confirmed(&self, service: &str) -> Confirmed {
        let unknown = || Confirmed { is: Answer::Unknown, detail: String::new() };
        self.heard().get(service).cloned().unwrap_or_else(unknown)
    }

    fn heard(&self) -> MutexGuard<'_, BTreeMap<String, Confirmed>> {
        // Whoever panicked with it in hand has left it whole.
        self.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The operator wants something.
    pub fn operator(&self, service: &str, wish: impl Display) {
        self.write(&Entry::new(Event::Operator, Some(service), wish));
    }

    /// Waits until all is written, at most as long as `limit`.
    pub fn flush(&self, limit: Duration) {
        self.lines.flush(limit);
    }

    /// Writes an entry. What nobody reads is dropped and counted, so that who replays the journal knows of the gap.
    fn write(&self, entry: &Entry) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let text = match self.format {
            Format::Text => format!("anycast-watchdog: {entry}"),
            Format::Json => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let at = u64::try_from(now.as_nanos()).unwrap_or(u64::MAX);
                // An entry is made of texts and numbers; there is nothing that JSON could not hold.
                serde_json::to_string(&Entry { at, lost, ..entry.clone() }).unwrap_or_default()
            }
        };
        if self.lines.push(text).is_err() {
            self.lost.fetch_add(lost + 1, Ordering::Relaxed);
        }
    }
}
