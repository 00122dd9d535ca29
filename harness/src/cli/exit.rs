//! Exit codes, and how errors are told.

use std::io::Write as _;

use anstyle::{AnsiColor, Style};

use crate::builder::ImageError;
use crate::engine::EngineError;
use crate::lab::LabError;
use crate::outcome::Verdict;
use crate::run::RunError;
use crate::spec::SpecError;

/// Every expectation held.
pub const PASS: u8 = 0;
/// A defect of anycast-lab itself: it panicked, and stderr says where (`EX_SOFTWARE` of sysexits.h).
pub const PANICKED: u8 = 70;
/// The scenario is not one: what is wrong, and where, is on stderr.
pub const BAD_SCENARIO: u8 = 96;
/// No container engine answers.
pub const UNREACHABLE: u8 = 97;
/// An image could not be made, or the lab did not come up.
pub const NOT_UP: u8 = 98;
/// An expectation did not hold.
pub const FAIL: u8 = 100;
/// It cannot be said whether the expectations held.
pub const UNKNOWN: u8 = 101;
/// Ended by SIGINT, SIGTERM or SIGHUP.
pub const INTERRUPTED: u8 = 130;

pub(super) const HELP: &str = "Exit status: 0 pass, 70 anycast-lab panicked (a defect), 96 bad scenario, 97 Docker unreachable, 98 the lab did not come up, \
100 fail, 101 unknown, 130 interrupted, 2 bad usage.";

/// The code of a verdict.
#[must_use]
pub fn code(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => PASS,
        Verdict::Fail => FAIL,
        Verdict::Unknown => UNKNOWN,
    }
}

pub(super) fn code_of(error: &anyhow::Error) -> u8 {
    let engine = |error: &EngineError| match error {
        EngineError::Unreachable { .. } => UNREACHABLE,
        _ => NOT_UP,
    };
    let image = |error: &ImageError| match error {
        ImageError::Engine(error) => engine(error),
        _ => NOT_UP,
    };
    let lab = |error: &LabError| match error {
        LabError::Engine(error) => engine(error),
        LabError::Interrupted(_) => INTERRUPTED,
        LabError::Action { .. } => UNKNOWN,
        LabError::Clocks(_)
        | LabError::Daemon(_)
        | LabError::Node { .. }
        | LabError::Guard { .. }
        | LabError::Slow { .. }
        | LabError::Folder { .. } => NOT_UP,
    };
    for cause in error.chain() {
        if cause.is::<SpecError>() {
            return BAD_SCENARIO;
        }
        if let Some(error) = cause.downcast_ref::<RunError>() {
            return match error {
                RunError::Spec(_) => BAD_SCENARIO,
                RunError::Image(error) => image(error),
                RunError::Lab(error) => lab(error),
            };
        }
        if let Some(code) =
            cause.downcast_ref().map(lab).or(cause.downcast_ref().map(image)).or(cause.downcast_ref().map(engine))
        {
            return code;
        }
    }
    NOT_UP
}

/// Whether a stream is to be coloured: a terminal, unless `NO_COLOR` or `TERM=dumb` says otherwise, or `CLICOLOR_FORCE` does.
pub(super) fn is_coloured(stream: &impl anstream::stream::RawStream) -> bool {
    anstream::AutoStream::choice(stream) != anstream::ColorChoice::Never
}

/// Tells an error, and what to do next.
pub(super) fn explain(error: &anyhow::Error, colour: bool) {
    let style = |colour_of: AnsiColor| if colour { colour_of.on_default().bold() } else { Style::new() };
    let (red, blue) = (style(AnsiColor::Red), style(AnsiColor::Blue));
    let chain: Vec<String> = error.chain().map(ToString::to_string).collect();
    let mut said = String::new();
    for cause in chain {
        // A transparent error repeats its cause.
        if cause != said {
            let label = if said.is_empty() { format!("{red}error{red:#}") } else { "  because".to_owned() };
            say(&format!("{label}: {cause}"));
            said = cause;
        }
    }
    if let Some(hint) = error.chain().find_map(hint) {
        say(&format!("{blue}hint{blue:#}: {hint}"));
    }
}

/// Tells what the user must know, and what changes no exit status.
pub(super) fn warn(text: &str) {
    say(&format!("warning: {text}"));
}

/// Writes a line to stderr. Where nobody reads it, the exit status says enough.
pub(super) fn say(line: &str) {
    let _gone = writeln!(std::io::stderr(), "{line}");
}

fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<RunError>() {
        return error.hint();
    }
    if let Some(error) = cause.downcast_ref::<SpecError>() {
        return error.hint.clone();
    }
    if let Some(error) = cause.downcast_ref::<LabError>() {
        return error.hint();
    }
    if let Some(error) = cause.downcast_ref::<ImageError>() {
        return error.hint().map(Into::into);
    }
    cause.downcast_ref::<EngineError>()?.hint().map(Into::into)
}
