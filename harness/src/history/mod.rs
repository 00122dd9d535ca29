//! DATA OUT: everything that happened in a run, on one clock, append-only, as JSON Lines.

mod event;
mod journal;
mod recorder;

pub use event::{BgpMessage, Event, RibRoute, Seen};
pub use journal::Journal;
pub use recorder::{History, Recorder, hole, now};
