//! `cargo lab run`.

use std::io::Write as _;
use std::pin::pin;
use std::process::ExitCode;

use super::progress::Bars;
use super::{exit, interrupt};
use crate::check::Facts;
use crate::engine::{self, Engine};
use crate::outcome::Verdict;
use crate::report::Repeats;
use crate::run::{self, Request};

pub(super) async fn run(request: &Request, repeat: u32) -> anyhow::Result<ExitCode> {
    // What is wrong with the file is said before the engine is asked for anything.
    let _valid = request.plan()?;
    let interrupted = interrupt::interrupted()?;
    let engine = engine::connect().await?;
    if repeat > 1 {
        return many(request, repeat, engine.as_ref(), interrupted).await;
    }
    let stdout = std::io::stdout();
    let colour = exit::is_coloured(&stdout);
    let outcome = run::run(request, engine.as_ref(), &Bars::new(), &exit::warn, stdout, colour, interrupted).await?;
    Ok(ExitCode::from(exit::code(outcome.verdict())))
}

/// A line for each run, the whole text of one that does not pass, and at the end how they are spread.
async fn many(
    request: &Request,
    repeat: u32,
    engine: &dyn Engine,
    interrupted: impl Future<Output = &'static str>,
) -> anyhow::Result<ExitCode> {
    let mut interrupted = pin!(interrupted);
    let mut out = std::io::stdout();
    let mut repeats = Repeats::default();
    for number in 1..=repeat {
        let mut text = Vec::new();
        let ran = run::run(request, engine, &Bars::new(), &exit::warn, &mut text, false, interrupted.as_mut()).await?;
        if ran.verdict() != Verdict::Pass {
            out.write_all(&text)?;
        }
        writeln!(out, "{number:>10}  {}  {}", ran.verdict(), ran.folder.display())?;
        repeats.add(ran.verdict(), &Facts::of(&ran.plan, ran.history.events()), &ran.played);
    }
    write!(out, "\n{repeats}")?;
    Ok(ExitCode::from(exit::code(repeats.worst())))
}
