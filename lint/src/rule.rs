//! What a rule is, and what it finds.

use super::Dialect;

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; nothing to change if it is meant so.
    Note,
    /// Works until the day on which it is needed.
    Warning,
    /// Does not work, or announces a server that nobody has checked.
    Error,
}

impl Severity {
    /// As it is printed.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A trap of one daemon.
#[derive(Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whose configuration it is about.
    pub dialect: Dialect,
    /// Its name; two daemons may have the same trap.
    pub id: &'static str,
    /// How bad it is, unless a finding knows better.
    pub severity: Severity,
    /// The trap in one line.
    pub summary: &'static str,
    /// What happens, and why.
    pub reason: &'static str,
    /// Where that is known from.
    pub source: &'static str,
    /// What to do.
    pub hint: &'static str,
}

impl Rule {
    /// A finding of this rule; `what` names the thing in the file.
    pub(super) fn at(&'static self, line: usize, what: impl Into<String>) -> Finding {
        Finding { line, rule: self, severity: self.severity, what: what.into() }
    }
}

/// A rule met in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The line, from 1.
    pub line: usize,
    /// The rule.
    pub rule: &'static Rule,
    /// How bad it is here.
    pub severity: Severity,
    /// What was found, with its name; never a key.
    pub what: String,
}

impl Finding {
    /// The same, less or more bad than usual.
    pub(super) fn with(self, severity: Severity) -> Self {
        Self { severity, ..self }
    }
}
