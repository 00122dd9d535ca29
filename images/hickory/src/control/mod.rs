//! Commands to a server that runs: a line on a Unix socket. The answer is `ok` or `error`, a line, and then what is to be printed.

pub mod client;
pub mod server;

/// The first line of an answer when the command is in force.
const OK: &str = "ok\n";

/// The first line of an answer when it is not.
const ERROR: &str = "error\n";

/// Octets that a command may have.
const LONGEST: u64 = 16_384;
