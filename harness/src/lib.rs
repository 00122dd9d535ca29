//! anycast-lab: a laboratory for anycast DNS.
//!
//! ```text
//! Scenario -> Plan -> Lab -> (Fault | Probe) -> History -> Check -> Verdict -> Report
//! ```
//!
//! [`run::run`] is all of it, for one scenario file. Its rooms, in the order in which they may know each other: [`owner`],
//! [`image`], [`engine`], [`builder`], [`value`], [`secret`], [`fault`], [`spec`], [`outcome`], [`clock`], [`history`], [`kind`], [`plan`], [`check`],
//! [`diagnose`], [`observe`], [`lab`],
//! [`report`], [`run`] and [`judge`], [`cli`].

pub mod builder;
pub mod check;
pub mod cli;
pub mod clock;
pub mod diagnose;
pub mod engine;
pub mod fault;
pub mod history;
pub mod image;
pub mod judge;
pub mod kind;
pub mod lab;
pub mod observe;
pub mod outcome;
pub mod owner;
pub mod plan;
pub mod report;
pub mod run;
pub mod secret;
pub mod spec;
mod text;
pub mod value;
mod wait;
