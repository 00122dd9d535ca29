//! What the harness itself has to say, in the nodes' time.

use std::sync::{Arc, Mutex, PoisonError};

use super::event::{Event, Seen};
use super::recorder::Recorder;
use crate::clock::{Clock, Distance};

/// A recorder, and the clock by which the harness's own events are stamped.
///
/// How far the nodes' clock is from the harness's is known when the first node has said something. Until then the harness's
/// own events wait here: none is recorded with a stamp of another clock.
#[derive(Clone)]
pub struct Journal {
    recorder: Recorder,
    clock: Clock,
    /// None once the distance is known.
    early: Arc<Mutex<Option<Vec<Early>>>>,
}

/// When on the harness's own clock, about which node, and what.
type Early = (u64, Option<String>, Seen);

impl Journal {
    /// A journal into this record.
    #[must_use]
    pub fn new(recorder: Recorder, clock: Clock) -> Self {
        Self { recorder, clock, early: Arc::new(Mutex::new(Some(Vec::new()))) }
    }

    /// Records what the harness sees now, of a node or of the run.
    pub fn note(&self, node: Option<&str>, saw: Seen) {
        self.note_at(self.clock.own(), node, saw);
    }

    /// Records what the harness saw at a moment of its own clock.
    pub fn note_at(&self, own: u64, node: Option<&str>, saw: Seen) {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        let node = node.map(str::to_owned);
        match &mut *early {
            Some(waiting) => waiting.push((own, node, saw)),
            None => self.record(own, node, saw),
        }
    }

    /// Sets the clock by what the first node said, and records what waited. Later calls do nothing.
    pub fn settle(&self, distance: Distance) {
        let mut early = self.early.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(waiting) = early.take() else { return };
        if distance != Distance::UNKNOWN {
            self.clock.set_shift(distance.guess());
        }
        waiting.into_iter().for_each(|(own, node, saw)| self.record(own, node, saw));
    }

    /// Records the end of the run; whatever comes later is not part of it.
    pub fn close(&self) {
        self.settle(Distance::UNKNOWN);
        self.recorder.close(self.clock.now());
    }

    /// The record.
    #[must_use]
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// The clock.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.clock
    }

    fn record(&self, own: u64, node: Option<String>, saw: Seen) {
        self.recorder.record(Event { at: self.clock.convert(own), since: None, node: node.map(Into::into), saw });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_said_early_gets_the_nodes_time() {
        let journal = Journal::new(Recorder::new(None).unwrap(), Clock::kernel());
        journal.note_at(100, None, Seen::Up);
        let events = || journal.recorder().with(|history| history.events().to_vec());
        assert_eq!(events(), []);
        journal.settle(Distance::between(90, 5_100, 110));
        journal.note_at(200, Some("ns1"), Seen::Ready);
        // Only the first counts: nothing that was recorded changes.
        journal.settle(Distance::between(0, 0, 0));
        let stamped = |event: Event| (event.at, event.node.map(|node| node.to_string()));
        let stamps: Vec<(u64, Option<String>)> = events().into_iter().map(stamped).collect();
        assert_eq!(stamps, [(5_100, None), (5_200, Some("ns1".to_owned()))]);
    }
}
