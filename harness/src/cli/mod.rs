//! The command line: thin.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::lab::Whose;

mod clean;
pub mod exit;
mod images;
mod interrupt;
mod judge;
mod plan;
mod progress;
mod run;

/// A laboratory for anycast DNS: real name servers, real BGP, real faults, and verdicts from a recorded history.
#[derive(Debug, Parser)]
#[command(name = "anycast-lab", bin_name = "cargo lab", version, after_help = exit::HELP)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a scenario: build what is missing, bring the lab up, play its steps, judge, leave nothing behind
    Run {
        #[command(flatten)]
        scenario: Scenario,
        /// So many times, one after the other; at the end, how verdicts and phases are spread
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=1000))]
        repeat: u32,
    },
    /// Show what was derived from a scenario: deadlines, addresses, and every file that a node will get
    Plan {
        #[command(flatten)]
        scenario: Scenario,
        /// List instead the cells of its matrix that are run by default, and what cannot be had
        #[arg(long)]
        cells: bool,
        /// All cells, not only those that are run by default
        #[arg(long, requires = "cells")]
        all: bool,
        /// Show the contents of the files that the scenario or you bring, too, without their keys
        #[arg(long = "files")]
        contents: bool,
    },
    /// Judge a recorded run again, without Docker, and by other budgets if wanted
    Judge(judge::Judge),
    /// List, build or remove the images that nodes are made of
    Images {
        #[command(subcommand)]
        command: Option<images::Images>,
    },
    /// Remove the containers and networks that killed runs have left
    Clean {
        /// Those of running labs too, and of other hosts' on the same engine
        #[arg(long)]
        all: bool,
        /// List what would be removed, and remove nothing
        #[arg(long)]
        dry_run: bool,
    },
    #[command(name = crate::lab::REAP, hide = true)]
    Reap { labels: Vec<String> },
}

/// Which scenario, and which variant of it.
#[derive(Debug, clap::Args)]
struct Scenario {
    /// The scenario file
    file: PathBuf,
    /// One of its mutants: the same with a protection removed, which must fail
    #[arg(long)]
    mutant: Option<String>,
    /// Products for roles and values of axes, such as resolver=bind@9.18,hang=udp [default: the first cell of its matrix]
    #[arg(long)]
    cell: Option<String>,
    /// A file of yours in place of one that the scenario gives its nodes, such as /usr/local/bin/checker=mine.py
    #[arg(long = "file", value_name = "PATH=MINE", value_parser = instead)]
    files: Vec<(String, PathBuf)>,
    /// Where runs are recorded
    #[arg(long, default_value = "target/lab")]
    records: PathBuf,
    /// Record the contents of the files that the scenario or you bring, without their keys; else only their paths and hashes
    #[arg(long)]
    record_files: bool,
}

impl From<Scenario> for crate::run::Request {
    fn from(Scenario { file, mutant, cell, files, records, record_files }: Scenario) -> Self {
        Self { file, mutant, cell, records, files: files.into_iter().collect(), record_files }
    }
}

fn instead(text: &str) -> Result<(String, PathBuf), String> {
    let parts = text.split_once('=').filter(|(path, mine)| path.starts_with('/') && !mine.is_empty());
    let (path, mine) = parts.ok_or("expected a path in the node, `=`, and a path here")?;
    Ok((path.to_owned(), mine.into()))
}

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    or_panicked(command)
}

/// The panic has said where it was. Rust's own code for it, 101, is that of Unknown here.
fn or_panicked(command: impl FnOnce() -> ExitCode + std::panic::UnwindSafe) -> ExitCode {
    std::panic::catch_unwind(command).unwrap_or(ExitCode::from(exit::PANICKED))
}

fn command() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let outcome = match runtime {
        Ok(runtime) => runtime.block_on(dispatch(cli.command)),
        Err(error) => Err(anyhow::Error::new(error).context("cannot start the runtime")),
    };
    outcome.unwrap_or_else(|error| {
        exit::explain(&error, exit::is_coloured(&std::io::stderr()));
        ExitCode::from(exit::code_of(&error))
    })
}

async fn dispatch(command: Command) -> anyhow::Result<ExitCode> {
    match command {
        Command::Run { scenario, repeat } => run::run(&scenario.into(), repeat).await,
        Command::Plan { mut scenario, cells, all, contents } => {
            let list = if all { plan::List::All } else { plan::List::Default };
            scenario.record_files |= contents;
            plan::plan(&scenario.into(), cells.then_some(list))
        }
        Command::Judge(judge) => judge::judge(judge),
        Command::Images { command } => images::images(command.unwrap_or_default()).await,
        Command::Clean { all, dry_run } => {
            let whose = if all { Whose::Any } else { Whose::Dead };
            clean::clean(whose, if dry_run { clean::Mode::DryRun } else { clean::Mode::Remove }).await
        }
        Command::Reap { labels } => clean::reap(&labels).await,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_not_unknown() {
        let code = or_panicked(|| panic!("the test asked for it"));
        assert_eq!(format!("{code:?}"), format!("{:?}", ExitCode::from(70)));
        assert_ne!(exit::PANICKED, exit::UNKNOWN);
    }
}
