//! The log: events in the order in which they were recorded, which readers share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::chunk::Chunk;
use super::event::Event;

/// How many events a chunk has.
pub(super) const CHUNK: usize = 1024;

/// An append-only log. Its lock is held to append one event, or to take a [`Snapshot`], and for nothing else.
#[derive(Debug, Default)]
pub(super) struct Log(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    now: Snapshot,
    closed: bool,
}

/// The log as it stood at a moment. It is read without a lock, and costs two pointers.
#[derive(Debug, Clone, Default)]
pub struct Snapshot {
    /// How many events were released before the first chunk.
    released: usize,
    chunks: Arc<Vec<Arc<Chunk>>>,
    tail: Arc<Vec<Event>>,
}

impl Log {
    /// Appends an event; false when the log is closed.
    pub(super) fn append(&self, event: Event) -> bool {
        let mut inner = self.lock();
        let Inner { now, closed } = &mut *inner;
        if *closed {
            return false;
        }
        // Copies the tail only if somebody still reads an older snapshot: 1023 events at most.
        let tail = Arc::make_mut(&mut now.tail);
        tail.push(event);
        if tail.len() >= CHUNK {
            let chunk = Arc::new(Chunk::pack(tail));
            tail.clear();
            Arc::make_mut(&mut now.chunks).push(chunk);
        }
        true
    }

    /// Appends a last event: whatever comes later is dropped.
    pub(super) fn close(&self, last: Event) {
        if self.append(last) {
            self.lock().closed = true;
        }
    }

    /// The log as it stands.
    pub(super) fn snapshot(&self) -> Snapshot {
        self.lock().now.clone()
    }

    /// Frees the memory of whole chunks before `position`.
    pub(super) fn release(&self, position: usize) {
        let mut inner = self.lock();
        let now = &mut inner.now;
        let whole = (position.saturating_sub(now.released) / CHUNK).min(now.chunks.len());
        if whole > 0 {
            Arc::make_mut(&mut now.chunks).drain(..whole);
            now.released += whole * CHUNK;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Snapshot {
    /// How many events were recorded: the position of the next one.
    #[must_use]
    pub fn end(&self) -> usize {
        self.released + self.chunks.len() * CHUNK + self.tail.len()
    }

    /// The events from this position on, in the order in which they were recorded; those that were released are left out.
    pub fn from(&self, position: usize) -> impl Iterator<Item = Event> + '_ {
        let skip = position.saturating_sub(self.released);
        let first = (skip / CHUNK).min(self.chunks.len());
        let rest = skip - first * CHUNK;
        // Within the first chunk they are unpacked and dropped; of the tail they are not even looked at.
        let (unpacked, passed) = if first < self.chunks.len() { (rest, 0) } else { (0, rest) };
        let packed = self.chunks.get(first..).unwrap_or_default().iter().flat_map(|chunk| chunk.events());
        let tail = self.tail.get(passed..).unwrap_or_default().iter().cloned();
        packed.skip(unpacked).chain(tail)
    }
}

#[cfg(test)]
mod tests {
    use super::super::event::Seen;
    use super::*;

    fn event(at: usize) -> Event {
        Event { at: at as u64, since: None, node: None, saw: Seen::Ready }
    }

    fn log(events: usize) -> Log {
        let log = Log::default();
        (0..events).for_each(|at| assert!(log.append(event(at))));
        log
    }

    fn times(snapshot: &Snapshot, from: usize) -> Vec<u64> {
        snapshot.from(from).map(|event| event.at).collect()
    }

    #[test]
    fn every_position_is_found() {
        for size in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK + 7] {
            let snapshot = log(size).snapshot();
            assert_eq!(snapshot.end(), size);
            for from in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, size, size + 1, size + CHUNK] {
                let expected: Vec<u64> = (from..size).map(|at| at as u64).collect();
                assert_eq!(times(&snapshot, from), expected, "{size} from {from}");
            }
        }
    }

    #[test]
    fn a_snapshot_stays_as_it_was() {
        let log = log(CHUNK - 1);
        let before = log.snapshot();
        log.append(event(CHUNK - 1));
        log.append(event(CHUNK));
        assert_eq!((before.end(), times(&before, 0).len()), (CHUNK - 1, CHUNK - 1));
        assert_eq!(times(&log.snapshot(), CHUNK - 1), [CHUNK as u64 - 1, CHUNK as u64]);
    }

    #[test]
    fn what_is_released_is_left_out_and_positions_stay() {
        let log = log(3 * CHUNK + 1);
        let before = log.snapshot();
        log.release(2 * CHUNK + 5);
        let snapshot = log.snapshot();
        assert_eq!(snapshot.end(), 3 * CHUNK + 1);
        assert_eq!(times(&snapshot, 0).first(), Some(&(2 * CHUNK as u64)));
        assert_eq!(times(&snapshot, 3 * CHUNK), [3 * CHUNK as u64]);
        assert_eq!(times(&before, 0).len(), 3 * CHUNK + 1);
        log.release(usize::MAX);
        assert_eq!(times(&log.snapshot(), 0), [3 * CHUNK as u64]);
    }

    #[test]
    fn nothing_is_recorded_after_the_end() {
        let log = log(1);
        log.close(event(1));
        assert!(!log.append(event(2)));
        log.close(event(3));
        assert_eq!(times(&log.snapshot(), 0), [0, 1]);
    }
}
