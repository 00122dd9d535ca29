//! `cargo lab clean`.

use std::io::Write as _;
use std::process::ExitCode;

use crate::engine;
use crate::lab;

pub(super) async fn clean(all: bool) -> anyhow::Result<ExitCode> {
    let engine = engine::connect().await?;
    let removed = if all { lab::remove_all(engine.as_ref()).await? } else { lab::sweep(engine.as_ref()).await? };
    let mut out = std::io::stdout();
    for name in &removed {
        writeln!(out, "removed  {name}")?;
    }
    if removed.is_empty() {
        writeln!(out, "nothing to remove")?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) async fn reap(run: &str) -> anyhow::Result<ExitCode> {
    let engine = engine::connect().await?;
    lab::reap(engine.as_ref(), run).await?;
    Ok(ExitCode::SUCCESS)
}
