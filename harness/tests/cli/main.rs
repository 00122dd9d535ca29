//! The command line as its users meet it: what it says, its exit status, and what it leaves behind.

mod command;
mod without_docker;

#[cfg(feature = "lab")]
mod engine;
#[cfg(feature = "lab")]
mod interrupted;
#[cfg(feature = "lab")]
mod killed;
#[cfg(feature = "lab")]
mod not_up;
#[cfg(feature = "lab")]
mod running;
#[cfg(feature = "lab")]
mod strangers;
#[cfg(feature = "lab")]
mod verdicts;
