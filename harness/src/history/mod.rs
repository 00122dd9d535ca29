//! DATA OUT: everything that happened in a run, on one clock, append-only, as JSON Lines.

mod event;
mod interval;
mod recorder;

pub use event::{BgpMessage, Event, RibRoute, Seen};
pub use interval::{Interval, Order};
pub use recorder::{History, Recorder, hole, now};
