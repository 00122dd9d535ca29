//! What to make of an ExaBGP that acknowledges nothing: it hangs, was told not to, or is 3.4, which does not know how.

use std::time::Instant;

use super::{ANSWER, Outcome, Parley};
use crate::service::ExabgpDialect;

/// What is asked first of all, after the first command: all versions answer it.
const WHO: &str = "version";

/// Whether ExaBGP acknowledges commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Acks {
    #[default]
    Unknown,
    /// It is asked since then who it is, and has acknowledged nothing yet.
    Asked(Instant),
    Come,
    /// Told, and not waited for.
    Missing,
}

impl Parley {
    /// When there is something to do about an answer that has not come.
    pub(super) fn unanswered(&self) -> Option<Instant> {
        let open = self.open.iter().find(|open| !open.is_reported).map(|open| open.since);
        match self.acks {
            Acks::Unknown if self.is_to_be_asked() => open,
            Acks::Unknown | Acks::Come => open.map(|since| since + ANSWER),
            Acks::Asked(since) => Some(since + ANSWER),
            Acks::Missing => None,
        }
    }

    /// What is to be done about it.
    pub(super) fn late_answers(&mut self, now: Instant) -> Option<Outcome> {
        if self.unanswered()? > now {
            return None;
        }
        match self.acks {
            Acks::Unknown if self.is_to_be_asked() => {
                self.acks = Acks::Asked(now);
                Some(Outcome::Say(vec![WHO.to_owned()]))
            }
            Acks::Come => {
                let open = self.open.iter_mut().find(|open| !open.is_reported)?;
                open.is_reported = true;
                let (line, seconds) = (&open.line, ANSWER.as_secs());
                Some(Outcome::Note(format!("ERROR: ExaBGP has not answered `{line}` within {seconds} s; it may hang")))
            }
            _ => Some(self.cannot_be_known()),
        }
    }

    /// Only where it decides how ExaBGP is spoken with: 3.4 acknowledges nothing, 6 has other commands.
    fn is_to_be_asked(&self) -> bool {
        self.version.is_none() && self.subjects.values().all(|subject| subject.words.dialect == ExabgpDialect::V4)
    }

    /// It has told which version it is.
    pub(super) fn is_version(&mut self, version: &str, now: Instant) -> Vec<Outcome> {
        self.version = Some(version.to_owned());
        if !self.is_old() || self.acks == Acks::Come {
            return vec![];
        }
        self.acks = Acks::Unknown;
        self.open.clear();
        self.ask_at = Some(now);
        vec![Outcome::Note(format!("ExaBGP {version} acknowledges no commands, and is asked what it has sent"))]
    }

    fn cannot_be_known(&mut self) -> Outcome {
        self.acks = Acks::Missing;
        let hint = if self.is_old() {
            "`show neighbor status` came with one of the last versions of 3.4"
        } else {
            "`ack = true` in the section [exabgp.api] of exabgp.env"
        };
        let who = match &self.version {
            Some(version) => format!("ExaBGP {version} acknowledges"),
            None if self.is_old() => "ExaBGP 3.4 answers".to_owned(),
            None => "ExaBGP answers".to_owned(),
        };
        Outcome::Note(format!(
            "{who} nothing within {} s; whether it holds the routes cannot be known; hint: {hint}",
            ANSWER.as_secs()
        ))
    }
}
