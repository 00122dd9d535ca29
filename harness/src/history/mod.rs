//! DATA OUT: everything that happened in a run, on one clock, append-only, as JSON Lines (`docs/record.md`).

mod chunk;
mod event;
mod interval;
mod journal;
mod line;
mod log;
mod name;
mod read;
mod recorder;
#[cfg(test)]
mod tests;
mod writer;

pub use event::{BgpMessage, Event, RibRoute, Seen};
pub use interval::{Interval, Order};
pub use journal::Journal;
pub use line::{FORMAT, Header, WRITER};
pub use log::Snapshot;
pub use name::Name;
pub use read::{Events, History, hole};
pub use recorder::{Recorder, now};
