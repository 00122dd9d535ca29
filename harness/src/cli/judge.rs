//! `cargo lab judge`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;

use super::exit;
use crate::judge::{Budgets, rejudge};
use crate::report::Summary;
use crate::spec::Span;

/// Which run, and by which budgets.
#[derive(Debug, clap::Args)]
pub(super) struct Judge {
    /// The run's folder, such as target/lab/kill-named-7f3a
    run: PathBuf,
    /// The deadline of every expectation, such as 50ms
    #[arg(long)]
    within: Option<Span>,
    /// How many queries may be lost
    #[arg(long)]
    lost: Option<u64>,
    /// The longest time without a good answer, such as 20ms
    #[arg(long)]
    gap: Option<Span>,
}

pub(super) fn judge(Judge { run, within, lost, gap }: Judge) -> anyhow::Result<ExitCode> {
    let stdout = std::io::stdout();
    let (colour, shown) = (exit::is_coloured(&stdout), run.display().to_string());
    let rejudged = rejudge(&run, &Budgets { within, lost, gap }, stdout, colour, &shown)
        .with_context(|| format!("{} holds no whole record of a run", run.display()))?;
    let summary = Summary::of(&rejudged.plan, &rejudged.played);
    Ok(ExitCode::from(exit::code(summary.verdict)))
}
