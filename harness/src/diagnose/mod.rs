//! DIAGNOSE: why a run did not pass, from its plan, its history and what the nodes show; pure, but for writing evidence.

mod boot;
mod cause;
mod changes;
mod evidence;
mod notification;
mod pcap;

pub use boot::{Ended, ended_in_boot, exit_words, last_lines};
pub use cause::cause;
pub use changes::changes;
pub use evidence::{Inspected, write};
