//! Other programs' command lines, taken as they are.

pub mod healthcheck;
