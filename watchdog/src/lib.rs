//! Checks a name server and has ExaBGP announce or withdraw its anycast routes.
//!
//! ExaBGP starts the program as a helper process and takes its standard output as commands. The way of a check:
//!
//! ```text
//! probe --sample--> machine --decision--> announcer --"announce watchdog NAME"--> ExaBGP
//! ```
//!
//! A map of the code, in that order:
//!
//! - [`options`], [`duration`], [`config`], [`target`]: what to check, and how often
//! - [`soa`], [`connect`], [`check`], [`standing`], [`probe`]: questions to the name servers; all they say becomes a [`sample`]
//! - [`machine`]: decides; no clock and no socket
//! - [`announcer`], [`journal`], [`lines`]: commands to ExaBGP on stdout, reasons for people on stderr
//! - [`exabgp`], [`ending`]: what ExaBGP tells us on stdin, and why we end
//! - [`run`]: all of it together

pub mod announcer;
pub mod check;
pub mod config;
pub mod connect;
pub mod duration;
pub mod ending;
pub mod exabgp;
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
