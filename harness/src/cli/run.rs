//! `cargo lab run`.

use std::io::IsTerminal;
use std::process::ExitCode;

use super::progress::Bars;
use super::{exit, interrupt};
use crate::engine::docker::Docker;
use crate::session::{self, Request};

pub(super) async fn run(request: &Request) -> anyhow::Result<ExitCode> {
    // What is wrong with the file is said before the engine is asked for anything.
    let _valid = request.plan()?;
    let interrupted = interrupt::interrupted()?;
    let engine = Docker::connect().await?;
    let stdout = std::io::stdout();
    let colour = stdout.is_terminal();
    let outcome = session::run(request, &engine, &Bars::new(), stdout, colour, interrupted).await?;
    Ok(ExitCode::from(exit::code(outcome.verdict())))
}
