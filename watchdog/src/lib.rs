//! Checks a name server and has ExaBGP, BIRD or FRR announce or withdraw its anycast routes.
//!
//! ExaBGP starts the program as a helper process and takes its standard output as commands; BIRD and FRR are spoken to over
//! their control sockets. The way of a check:
//!
//! ```text
//! probe --sample--> machine --decision--> announcer --"announce watchdog NAME"--> ExaBGP
//!                                                 <--commands and replies--> BIRD, FRR
//! ```
//!
//! A map of the code, in that order:
//!
//! - [`options`], [`duration`], [`config`], [`target`]: what to check, and how often
//! - [`soa`], [`connect`], [`check`], [`standing`], [`probe`]: questions to the name servers; all they say becomes a [`sample`]
//! - [`machine`]: decides; no clock and no socket
//! - [`announcer`], [`journal`], [`lines`]: commands to the daemon, a file for each dialect; reasons for people on stderr
//! - [`ending`]: why we end
//! - [`run`]: all of it together

pub mod announcer;
pub mod check;
pub mod config;
pub mod connect;
pub mod duration;
pub mod ending;
pub mod journal;
pub mod lines;
pub mod machine;
pub mod options;
pub mod probe;
pub mod run;
pub mod sample;
pub mod soa;
pub mod standing;
pub mod target;
