//! `anycast-hickory`, from the command to the answer:
//!
//! ```text
//! tell 'servfail 50%' -> control -> behaviour -> Decision, one a query
//! query -> node (catalog of zones, forward, chaos) -> forge by the Decision -> answer
//! ```
//!
//! `behaviour` is pure: no clock, no socket, no chance that a seed does not repeat.

pub mod behaviour;
pub mod config;
pub mod control;
pub mod options;
pub mod serve;

mod capture;
mod chaos;
mod forge;
mod forward;
mod node;
mod place;
mod span;
mod wait;
mod zones;
