//! `cargo lab clean`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::process::ExitCode;

use anyhow::Context as _;

use super::exit;
use crate::engine::{self, What};
use crate::lab::{self, Whose};
use crate::owner::Labels;

/// Whether anything is removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Remove,
    DryRun,
}

pub(super) async fn clean(whose: Whose, mode: Mode) -> anyhow::Result<ExitCode> {
    let engine = engine::connect().await?;
    let mut out = std::io::stdout();
    if mode == Mode::DryRun {
        for owned in lab::list(engine.as_ref(), whose).await? {
            let what = match owned.what {
                What::Container => "container",
                What::Network => "network",
            };
            writeln!(out, "would remove  {what:<9}  {}  (run {})", owned.name, owned.labels.run)?;
        }
        return Ok(ExitCode::SUCCESS);
    }
    let removed = lab::sweep(engine.as_ref(), whose).await?;
    for name in &removed.names {
        writeln!(out, "removed  {name}")?;
    }
    if removed.names.is_empty() && removed.left.is_empty() {
        writeln!(out, "nothing to remove")?;
    }
    for error in &removed.left {
        exit::warn(&error.to_string());
    }
    Ok(ExitCode::from(if removed.left.is_empty() { exit::PASS } else { exit::NOT_UP }))
}

/// Waits for the end of the process that started this, then removes what it has left. `labels` are `KEY=VALUE`.
pub(super) async fn reap(labels: &[String]) -> anyhow::Result<ExitCode> {
    let labels: BTreeMap<&str, &str> = labels.iter().filter_map(|label| label.split_once('=')).collect();
    let labels = Labels::from_map(|key| labels.get(key).copied()).context("expected the labels of a run")?;
    let engine = engine::connect().await?;
    let left = lab::reap(engine.as_ref(), &labels).await;
    Ok(ExitCode::from(if left.is_empty() { exit::PASS } else { exit::NOT_UP }))
}
