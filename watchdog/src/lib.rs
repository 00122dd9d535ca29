//! Checks a name server and has ExaBGP, BIRD or FRR announce or withdraw its anycast routes.
//!
//! ExaBGP starts the program as a helper process and takes its standard output as commands; BIRD and FRR are spoken to over
//! their control sockets. The way of a check:
//!
//! ```text
//! watch --sample--> machine --decision--> announcer --"announce watchdog NAME"--> ExaBGP
//!                                                 <--commands and replies--> BIRD, FRR
//! ```
//!
//! A map of the code, in that order:
//!
//! - [`service`]: what is checked and how it is judged; all sources of configuration end here
//! - [`options`], [`config`], [`duration`], [`target`]: these sources
//! - [`question`], [`command`]: what can be asked, and what a good answer is; [`pulse`]: when to ask, and when to stop waiting
//! - [`transport`], [`connect`], [`watch`]: questions on their way; all that is learnt becomes a [`sample`]
//! - [`machine`]: decides; no clock and no socket
//! - [`announcer`], [`journal`], [`lines`]: commands to the daemon, a file for each dialect; reasons for people on stderr
//! - [`binding`]: whether this machine has the addresses
//! - [`operate`]: what operators and their tools see and say; [`compat`]: the command lines of others
//! - [`ending`]: why we end; [`keeper`]: what happens when we do not live to say so
//! - [`run`]: all of it together
//!
//! Beside it, [`lint_command`] prints what the crate `lint` finds in the daemons' configuration files.

pub mod announcer;
pub mod binding;
pub mod command;
pub mod compat;
pub mod config;
pub mod connect;
pub mod duration;
pub mod ending;
pub mod journal;
pub mod keeper;
pub mod lines;
pub mod lint_command;
pub mod machine;
pub mod operate;
pub mod options;
pub mod pulse;
pub mod question;
pub mod run;
pub mod sample;
pub mod service;
pub mod target;
pub mod transport;
mod wait;
pub mod watch;
