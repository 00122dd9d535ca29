//! The history in memory and in its file.

use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::event::{Event, Seen};

/// A run's events, in the order in which they were recorded.
///
/// Events of one node are in the order of its clock; events of different nodes may be interleaved a little out of order,
/// as they came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(Vec<Event>);

impl History {
    /// All events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// Reads a recorded history, in the order of time.
    ///
    /// # Errors
    /// The file cannot be read, or a line of it is not an event.
    pub fn read(file: &Path) -> std::io::Result<Self> {
        let lines = BufReader::new(File::open(file)?).lines();
        let events = lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect::<std::io::Result<_>>();
        let mut events: Vec<Event> = events?;
        events.sort_by_key(|event| event.at);
        Ok(Self(events))
    }
}

/// The first hole in these events, if there is one.
#[must_use]
pub fn hole(events: &[Event]) -> Option<(&Event, &str)> {
    events.iter().find_map(|event| match &event.saw {
        Seen::Hole { reason } => Some((event, reason.as_str())),
        _ => None,
    })
}

impl FromIterator<Event> for History {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        Self(events.into_iter().collect())
    }
}

/// Takes events in, from any number of tasks.
#[derive(Clone)]
pub struct Recorder {
    inner: Arc<Mutex<Inner>>,
}

struct Inner {
    history: History,
    file: Option<BufWriter<File>>,
    lost: Option<std::io::Error>,
    closed: bool,
}

impl Recorder {
    /// A recorder that keeps the history in memory and, when given a path, in a file.
    ///
    /// # Errors
    /// The file cannot be made.
    pub fn new(file: Option<&Path>) -> std::io::Result<Self> {
        let file = file.map(File::create).transpose()?.map(BufWriter::new);
        let inner = Inner { closed: false, history: History::default(), file, lost: None };
        Ok(Self { inner: Arc::new(Mutex::new(inner)) })
    }

    /// Appends an event.
    pub fn record(&self, event: Event) {
        let mut inner = self.lock();
        if inner.closed {
            return;
        }
        let Inner { history, file, lost, .. } = &mut *inner;
        if let Some(out) = file {
            let line = serde_json::to_string(&event).unwrap_or_default();
            if let Err(error) = writeln!(out, "{line}") {
                // A full disk: the run goes on in memory, and its record says that it is not whole.
                *lost = Some(error);
                *file = None;
            }
        }
        history.0.push(event);
    }

    /// Records the end: whatever comes later is not part of the run.
    pub fn close(&self, at: u64) {
        self.record(Event { at, since: None, node: None, saw: Seen::Down });
        self.lock().closed = true;
    }

    /// Looks at the history as it stands.
    pub fn with<T>(&self, look: impl FnOnce(&History) -> T) -> T {
        look(&self.lock().history)
    }

    /// Writes out what is buffered, so that a killed run leaves what it has seen.
    ///
    /// # Errors
    /// The file could not be written, now or earlier: it is not whole.
    pub fn flush(&self) -> std::io::Result<()> {
        let mut inner = self.lock();
        let Inner { file, lost, .. } = &mut *inner;
        if let Some(Err(error)) = file.as_mut().map(Write::flush) {
            *lost = Some(error);
            *file = None;
        }
        lost.as_ref().map_or(Ok(()), |error| Err(std::io::Error::new(error.kind(), error.to_string())))
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Nanoseconds of the harness's own CLOCK_MONOTONIC. What is compared with a node's stamps comes from [`crate::clock::Clock`].
#[must_use]
pub fn now() -> u64 {
    use nix::time::{ClockId, clock_gettime};
    clock_gettime(ClockId::CLOCK_MONOTONIC)
        .map_or(0, |t| u64::try_from(t.tv_sec()).unwrap_or(0) * 1_000_000_000 + u64::try_from(t.tv_nsec()).unwrap_or(0))
}
