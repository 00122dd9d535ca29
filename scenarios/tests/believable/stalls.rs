//! When the host of this machine, a virtual one, let one of its processors stand still: no account of the guest's has that to
//! the microsecond, and what happened on one processor meanwhile the other one learns late.

use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use harness::observe::processors::{Processors, Stall};

/// How often each processor is looked at.
const PERIOD: Duration = Duration::from_micros(500);
/// Half of what a stamp may be off.
const LEAST: u64 = 500_000;

/// Sees what was taken.
pub(crate) struct Witness {
    processors: Processors,
    seen: Receiver<Stall>,
}

impl Witness {
    pub(crate) fn of_all_processors() -> Self {
        let (sender, seen) = channel();
        let looked = move |stall: Stall| {
            if stall.taken() > LEAST {
                sender.send(stall).expect("who listens outlives the threads");
            }
        };
        let processors = Processors::watch(PERIOD, looked).expect("this machine's processors");
        Self { processors, seen }
    }

    /// What was.
    pub(crate) fn stalls(self) -> Vec<Stall> {
        drop(self.processors);
        self.seen.iter().collect()
    }
}

/// Whether it stood still at any time between these.
pub(crate) fn touches(stall: &Stall, from: u64, to: u64) -> bool {
    stall.due <= to && from <= stall.ran
}
