//! ExaBGP: commands on stdout, and what it tells its helper on stdin.
//!
//! It answers each command with `done` or `error` (versions 4 and 5, unless told not to), adds events of its sessions if
//! configured to, and ends with `shutdown` or the end of the file. All of it must be read: ExaBGP writes without a limit of
//! time, so a helper that does not read stops its BGP sessions once the pipe is full.
//!
//! `done` says that it was understood, not that there is such a route nor that a neighbour knows it. So ExaBGP is asked what
//! it holds, once it has answered all commands: `parley` has the conversation, `answer` reads it, `words` has the commands.

mod answer;
pub(super) mod parley;
pub(super) mod words;

/// What ExaBGP tells us about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It ends.
    Shutdown,
    /// It is gone.
    End,
}
