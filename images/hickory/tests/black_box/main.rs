//! The program from outside: asked over sockets, told on its command line.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod ask;
mod program;

mod answers;
mod behaviours;
mod forwards;
mod starts;
