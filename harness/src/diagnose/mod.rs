//! DIAGNOSE: why a run did not pass, from its plan, its history and what the nodes show; pure, but for writing evidence.

mod boot;

pub use boot::{Ended, ended_in_boot, exit_words, last_lines};
