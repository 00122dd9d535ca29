//! `cargo lab plan`.

use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;

use indexmap::IndexMap;

use crate::plan::{cells, choose, describe};
use crate::run::Request;
use crate::spec::Scenario;

pub(super) fn plan(request: &Request, list: Option<List>) -> anyhow::Result<ExitCode> {
    let text = match list {
        Some(list) => matrix(request, list)?,
        None => request.plan()?.to_string(),
    };
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        // A reader that has gone away (`| head`) is no error.
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(anyhow::Error::new(error).context("cannot write the plan to stdout"))
        }
        _ => Ok(ExitCode::SUCCESS),
    }
}

/// Which cells are listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum List {
    /// Those that are run by default, and how many others there are.
    Default,
    /// The full product, and each cell that cannot be had.
    All,
}

fn matrix(request: &Request, list: List) -> anyhow::Result<String> {
    let scenario = Scenario::load(&request.file, request.mutant.as_deref())?;
    // What is wrong with the matrix is said first.
    choose(&scenario, request.cell.as_deref())?;
    let cells = cells(&scenario);
    let mut text = String::new();
    for cell in &cells.default {
        writeln!(text, "{}", describe(cell))?;
    }
    let (default, more) = (cells.default.len(), cells.more.len());
    if list == List::All {
        for cell in &cells.more {
            writeln!(text, "+ {}", describe(cell))?;
        }
    }
    writeln!(
        text,
        "# {default} of {} cells: each two choices that can be had together are in one of them",
        default + more
    )?;
    let which = match list {
        List::Default => format!("`--all` lists the other {more}"),
        List::All => format!("the {more} with + are the rest"),
    };
    if more > 0 {
        writeln!(text, "# {which}, which ANYCAST_LAB_CELLS=all makes tests of")?;
    }
    let mut reasons: IndexMap<&str, Vec<String>> = IndexMap::new();
    for (cell, reason) in &cells.impossible {
        reasons.entry(reason).or_default().push(describe(cell));
    }
    for (reason, cells) in reasons {
        writeln!(text, "({} cannot be had: {reason})", cells.len())?;
        if list == List::All {
            cells.iter().try_for_each(|cell| writeln!(text, "  ({cell})"))?;
        }
    }
    for (axis, choice) in cells.never() {
        writeln!(text, "! {axis} {choice} is in no cell that can be had")?;
    }
    Ok(text)
}
