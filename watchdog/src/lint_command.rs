//! `anycast-watchdog lint`: the only part of it that reads files and prints.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lint::{Dialect, Finding, Severity, lint, print, rules};

/// Names the traps in configuration files of ExaBGP, BIRD and FRR
///
/// Reads the files and starts nothing. Of a finding it says where it is, what happens, where that is known from, and
/// what to do. Variables of Jinja templates are passed over; keys are never printed.
///
/// Exit codes: 0 when there is nothing worse than a note; 1 when there is an error or a warning; 2 when a file cannot
/// be read or is none of the three.
#[derive(Debug, Clone, clap::Args)]
pub struct Lint {
    /// exabgp.conf, bird.conf, frr.conf or bgpd.conf, in any number
    #[arg(value_name = "FILE", required_unless_present = "list")]
    pub files: Vec<PathBuf>,

    /// Whose configuration it is; without it the file tells
    #[arg(long = "as", value_enum, value_name = "DAEMON")]
    pub dialect: Option<Dialect>,

    /// What the names of the watchdog's protocols in bird.conf begin with
    #[arg(long, default_value = "anycastdns")]
    pub name: String,

    /// One JSON object a line
    #[arg(long)]
    pub json: bool,

    /// Lists the rules
    #[arg(long, conflicts_with = "files")]
    pub list: bool,
}

/// Why a file has no findings.
#[derive(Debug, thiserror::Error)]
pub enum LintError {
    /// It cannot be read.
    #[error("{}: expected a readable file, found: {reason}\nhint: name the configuration file of ExaBGP, BIRD or FRR", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: std::io::Error,
    },
    /// Nothing in it tells whose it is.
    #[error("{}: expected a configuration of ExaBGP, BIRD or FRR, found no `neighbor`, `protocol` or `router bgp` in it\nhint: say whose it is: --as exabgp, --as bird or --as frr", path.display())]
    Unknown {
        /// The file.
        path: PathBuf,
    },
}

impl Lint {
    /// Prints the findings on stdout and what cannot be read on stderr.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let mut worst = 0;
        let mut text = String::new();
        if self.list {
            text.extend(rules().map(|rule| print::of_rule(rule) + "\n"));
        }
        for path in &self.files {
            match self.findings(path) {
                Ok(findings) => {
                    let print = if self.json { print::for_programs } else { print::for_people };
                    text += &print(path, &findings);
                    let found = findings.iter().any(|finding| finding.severity > Severity::Note);
                    worst = worst.max(u8::from(found));
                }
                Err(error) => {
                    eprintln!("anycast-watchdog: {error}");
                    worst = 2;
                }
            }
        }
        // Who closes the pipe has read enough.
        std::io::stdout().write_all(text.as_bytes()).ok();
        ExitCode::from(worst)
    }

    fn findings(&self, path: &Path) -> Result<Vec<Finding>, LintError> {
        let text =
            std::fs::read_to_string(path).map_err(|reason| LintError::Unreadable { path: path.to_owned(), reason })?;
        let dialect =
            self.dialect.or_else(|| Dialect::of(&text)).ok_or_else(|| LintError::Unknown { path: path.to_owned() })?;
        Ok(lint(&text, dialect, &self.name))
    }
}
