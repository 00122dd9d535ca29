//! `cargo lab plan`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use crate::plan::{Cells, cells, describe};
use crate::session::Request;
use crate::spec::Scenario;

pub(super) fn plan(request: &Request, list: bool) -> anyhow::Result<ExitCode> {
    let text = if list { matrix(request)? } else { request.plan()?.to_string() };
    // A reader that has gone away (`| head`) is no error.
    let _gone = std::io::stdout().write_all(text.as_bytes());
    Ok(ExitCode::SUCCESS)
}

fn matrix(request: &Request) -> anyhow::Result<String> {
    let scenario = Scenario::load(&request.file, request.mutant.as_deref())?;
    let Cells { default, more, impossible } = cells(&scenario);
    let mut text = String::new();
    for cell in &default {
        writeln!(text, "{}", describe(cell))?;
    }
    for cell in &more {
        writeln!(text, "+ {}", describe(cell))?;
    }
    for (cell, reason) in &impossible {
        writeln!(text, "({}: {reason})", describe(cell))?;
    }
    let (some, all) = (default.len(), default.len() + more.len());
    writeln!(
        text,
        "# {some} of {all} hold every two choices that can be had together; the {} with + are the rest",
        more.len()
    )?;
    Ok(text)
}
