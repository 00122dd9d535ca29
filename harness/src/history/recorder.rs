//! Takes events in: a log that is shared by those who record, those who judge, and the thread that writes the file.

use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::event::{Event, Seen};
use super::log::{Log, Snapshot};
use super::read::History;
use super::writer::Writer;

/// Takes events in, from any number of tasks. Recording waits for no reader, no terminal and no disk.
#[derive(Clone)]
pub struct Recorder {
    log: Arc<Log>,
    /// What [`Recorder::history`] has unpacked so far.
    unpacked: Arc<Mutex<Arc<Vec<Event>>>>,
    writer: Option<Arc<Writer>>,
}

impl Recorder {
    /// A recorder that keeps the history in memory and, when given a path, in a file (`docs/record.md`).
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn new(file: Option<&Path>) -> io::Result<Self> {
        let log = Arc::new(Log::default());
        let writer = file.map(|file| Writer::start(file, log.clone())).transpose()?.map(Arc::new);
        Ok(Self { log, unpacked: Arc::default(), writer })
    }

    /// Appends an event.
    pub fn record(&self, event: Event) {
        self.log.append(event);
    }

    /// Records the end: whatever comes later is not part of the run.
    pub fn close(&self, at: u64) {
        self.log.close(Event { at, since: None, node: None, saw: Seen::Down });
    }

    /// The log as it stands: about 18 octets a query.
    ///
    /// A reader that folds remembers [`Snapshot::end`] and reads on from there in the next snapshot.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        self.log.snapshot()
    }

    /// Frees the memory of events before this position, for everybody: all who read the log must have read them.
    pub fn release(&self, position: usize) {
        self.log.release(position);
    }

    /// All events so far as one slice, for readers that look at the whole. It takes about 200 octets an event, which stay.
    #[must_use]
    pub fn history(&self) -> History {
        let mut unpacked = self.unpacked.lock().unwrap_or_else(PoisonError::into_inner);
        let snapshot = self.log.snapshot();
        if snapshot.end() > unpacked.len() {
            let position = unpacked.len();
            // Copies all only while another reader still holds what it was given.
            Arc::make_mut(&mut unpacked).extend(snapshot.from(position));
        }
        History(unpacked.clone())
    }

    /// Looks at the history as it stands. No lock is held meanwhile.
    pub fn with<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.history())
    }

    /// Writes what is not written yet, and ends the file.
    ///
    /// # Errors
    /// The file could not be written, now or earlier: it is not whole.
    pub fn finish(&self) -> io::Result<()> {
        self.writer.as_ref().map_or(Ok(()), |writer| writer.finish())
    }
}

/// Nanoseconds of the harness's own CLOCK_MONOTONIC. What is compared with a node's stamps comes from [`crate::clock::Clock`].
#[must_use]
pub fn now() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0, |t| u64::try_from(t.tv_sec()).unwrap_or(0) * 1_000_000_000 + u64::try_from(t.tv_nsec()).unwrap_or(0))
}
