//! One entry of the journal.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize};

/// What happened. As a line of JSON it is made to be read again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// When: Unix time in nanoseconds, by the machine's clock.
    pub at: u64,
    /// What kind of thing.
    pub event: Event,
    /// To which service; `None`: to all, or to the watchdog itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// What was decided: `announce`, `drain`, `withdraw`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verb: Option<String>,
    /// In words.
    pub reason: String,
    /// What the machine learned between the last decision and this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub learned: Option<serde_json::Value>,
    /// So many entries before this one are missing: nobody read them in time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub lost: u64,
}

/// The kinds of entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Event {
    /// Something is to be done about the routes.
    Decision,
    /// A check begins to fail.
    Trouble,
    /// The daemon that announces was asked, and has answered.
    Confirmed,
    /// The operator wants something.
    Operator,
    /// Anything else.
    Note,
}

impl Entry {
    pub(super) fn new(event: Event, service: Option<&str>, reason: impl Display) -> Self {
        let service = service.map(str::to_owned);
        Self { at: 0, event, service, verb: None, reason: reason.to_string(), learned: None, lost: 0 }
    }
}

/// For people: `withdraw NAME: REASON`.
impl Display for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.event {
            Event::Decision => self.verb.as_deref().unwrap_or("decided"),
            Event::Trouble => "failing",
            Event::Confirmed => "confirmed",
            Event::Operator => "operator",
            Event::Note => return f.write_str(&self.reason),
        };
        match &self.service {
            Some(service) => write!(f, "{what} {service}: {}", self.reason),
            None => write!(f, "{what}: {}", self.reason),
        }
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(number: &u64) -> bool {
    *number == 0
}
