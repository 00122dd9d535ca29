//! anycast-lab: a laboratory for anycast DNS.

pub mod check;
pub mod cli;
pub mod engine;
pub mod fault;
pub mod history;
pub mod image;
pub mod kind;
pub mod lab;
pub mod observe;
pub mod owner;
pub mod plan;
pub mod report;
pub mod session;
pub mod spec;
mod wait;
