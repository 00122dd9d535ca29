//! REPORT: what a run found, for people; pure functions of plan, history and verdicts.

mod folder;
mod repeats;
mod summary;
mod terminal;
#[cfg(test)]
mod tests;
mod timeline;

pub use folder::{RunFolder, RunName, write_logs};
pub use repeats::Repeats;
pub use summary::{Summary, times};
pub use terminal::Terminal;
