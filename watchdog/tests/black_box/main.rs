//! The watchdog from outside: its checks, and its program, against a name server of the test's own on 127.0.0.1.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod binding;
mod daemon;
mod lint;
mod panic;
mod program;
mod server;
mod socket;
