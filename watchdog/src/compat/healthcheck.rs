//! The command line of ExaBGP's own health checker, of ExaBGP 4.2 and 5, for who has its configuration already.
//!
//! `python3 -m exabgp healthcheck FLAGS` becomes `anycast-watchdog healthcheck FLAGS`; a link named `exabgp-healthcheck` does
//! too. What the flags mean there they mean here, or they are refused: what cannot be done is not passed over in silence. Five
//! things differ on purpose, each the safer way:
//!
//! - A service that fails from the start is never announced. There it is announced with the down metric.
//! - What a predecessor that was killed has announced is withdrawn at the start.
//! - Without `--withdraw-on-down` a failure is told to the neighbours by a worse metric, as there: it becomes a check of
//!   [`Scope::Shared`](crate::service::Scope), whose failure drains. So the routes stay, whatever fails: that is for services
//!   for which a bad answer is better than none, not for name servers.
//! - Routes are said when something changes, not every interval: with `adj-rib-out false` ExaBGP forgets them.
//! - The answers of ExaBGP are read while checks go on, so an ExaBGP that does not answer holds up no check.

use std::path::{Path, PathBuf};
use std::{fs, io};

use clap::Parser;

use crate::service::Service;

mod addresses;
mod flags;
mod hooks;
mod routes;
mod services;
#[cfg(test)]
mod tests;

pub use addresses::{Bound, on_lo};
pub use flags::Flags;
pub use hooks::{Hooks, Runner, Turn};

/// The name under which the program is called in the health checker's stead.
const NAME: &str = "exabgp-healthcheck";

/// What a command line of the health checker asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// What is watched: one service, or one for each address when `--increase` gives each a metric of its own.
    pub services: Vec<Service>,
    /// While this file is there no traffic is wanted.
    pub disable: Option<PathBuf>,
    /// Addresses that were bound at the start stay bound until the end, whatever the checks say: unless `--dynamic-ip-setup`.
    pub stays_bound: bool,
    /// What is run when something changes.
    pub hooks: Hooks,
    /// Where the process's id is to be written.
    pub pid: Option<PathBuf>,
    /// What is other than it was, and does no harm. For the journal.
    pub notes: Vec<String>,
}

/// Why a command line cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum HealthcheckError {
    /// It is none of the health checker's. Prints itself.
    #[error("{0}")]
    Flags(#[from] clap::Error),
    /// The file named by `--config` cannot be read.
    #[error(
        "--config {}: expected a readable file, found: {error}\nhint: it has one `long-option = value` a line",
        path.display()
    )]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// A line in that file is no option.
    #[error(
        "{}:{line}: expected `long-option = value`, found: {found}\nhint: as exabgp healthcheck has it: no sections, no quotes",
        path.display()
    )]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        found: String,
    },
    /// A flag means something that cannot be done here.
    #[error("{flag}: expected a flag with a counterpart here, found one without: {why}\nhint: {hint}")]
    NoCounterpart {
        /// The flag.
        flag: &'static str,
        /// What there is instead.
        why: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A flag's value is of no use.
    #[error("{flag}: expected {expected}, found `{found}`\nhint: {hint}")]
    Value {
        /// The flag.
        flag: &'static str,
        /// What would be of use.
        expected: &'static str,
        /// What is there.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// There is nothing to announce.
    #[error(
        "--ip: expected at least one address, found none{}\nhint: name them with --ip, or bind them to lo before",
        label.as_ref().map(|label| format!(", nor one on lo that is labelled lo:{label}")).unwrap_or_default()
    )]
    NoAddress {
        /// The label that was looked for.
        label: Option<String>,
    },
}

/// The health checker's flags, if the program is called in its stead.
#[must_use]
pub fn flags_in(argv: &[String]) -> Option<&[String]> {
    let (program, rest) = argv.split_first()?;
    if Path::new(program).file_name().is_some_and(|name| name == NAME) {
        return Some(rest);
    }
    rest.split_first().filter(|(first, _)| *first == "healthcheck").map(|(_, flags)| flags)
}

/// What the flags ask for. `bound` are the addresses on `lo`, which count when no `--ip` is there; `read` reads a file.
///
/// # Errors
/// When they are mistaken, or ask for what cannot be done here.
pub fn translate(
    flags: &[String],
    bound: &[Bound],
    read: impl Fn(&Path) -> io::Result<String>,
) -> Result<Translation, HealthcheckError> {
    let flags = flags::as_clap_has_them(flags);
    let mut parsed = Flags::try_parse_from(with_name(&flags))?;
    if let Some(path) = parsed.config.clone() {
        let text = read(&path).map_err(|error| HealthcheckError::Unreadable { path: path.clone(), error })?;
        // Flags count for more than the file, and those that may be repeated add to it.
        let mut all = flags_in_file(&path, &text)?;
        all.extend(flags);
        parsed = Flags::try_parse_from(with_name(&all))?;
    }
    services::translate(&parsed, bound)
}

impl Translation {
    /// Writes the process's id where `--pid` wants it.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn write_pid(&self, pid: u32) -> io::Result<()> {
        self.pid.as_ref().map_or(Ok(()), |path| fs::write(path, format!("{pid}\n")))
    }
}

fn with_name(flags: &[String]) -> impl Iterator<Item = &str> {
    ["anycast-watchdog healthcheck"].into_iter().chain(flags.iter().map(String::as_str))
}

fn flags_in_file(path: &Path, text: &str) -> Result<Vec<String>, HealthcheckError> {
    let mut all = Vec::new();
    let lines = (1..).zip(text.lines().map(str::trim));
    for (line, text) in lines.filter(|(_, text)| !text.is_empty() && !text.starts_with('#')) {
        let flag: Vec<String> = format!("--{text}").splitn(2, '=').map(|part| part.trim().to_owned()).collect();
        if let Err(error) = Flags::try_parse_from(with_name(&flag)) {
            let words = error.to_string();
            let found = words.lines().next().unwrap_or(text).trim_start_matches("error: ").to_owned();
            return Err(HealthcheckError::Line { path: path.to_owned(), line, found });
        }
        all.extend(flag);
    }
    Ok(all)
}
