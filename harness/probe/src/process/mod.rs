//! Processes of the node: its daemons, and programs run to their end.

mod children;
mod daemons;
mod lines;
pub(crate) mod logs;
mod run;
pub(crate) mod tree;

pub(crate) use children::Children;
pub(crate) use daemons::Daemons;
pub(crate) use lines::Splitter;
pub(crate) use run::run;

use protocol::Exit;

/// An exit in an operator's words.
pub(crate) fn describe(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with status {code}"),
        Exit::Signal(number) => format!("killed by signal {number}"),
    }
}

/// The children of the test process: a reaper waits for every child of a process, so there can be but one.
#[cfg(test)]
fn children() -> Children {
    static CHILDREN: std::sync::OnceLock<Children> = std::sync::OnceLock::new();
    let reporter = || crate::report::Reporter::writing_to(std::io::sink()).expect("a thread for the writer");
    CHILDREN.get_or_init(|| Children::reaped(&reporter()).expect("a thread for the reaper")).clone()
}
