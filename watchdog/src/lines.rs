//! Lines to a file descriptor, written by a thread of their own: who reads slowly or not at all holds up nobody else.

use std::io::{self, Write};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

/// As many lines may wait; beyond that nobody reads them.
const WAITING: usize = 1024;

/// The way in. Clones lead to the same thread.
#[derive(Debug, Clone)]
pub struct Lines {
    queue: SyncSender<Entry>,
}

#[derive(Debug)]
enum Entry {
    Line(String),
    /// Tells when all before it is written.
    Mark(SyncSender<()>),
}

/// The line cannot be written, now or ever: nobody reads, or the thread has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("nobody reads")]
pub struct NobodyReads;

impl Lines {
    /// Starts the thread. It ends with the first line that cannot be written, and hands the reason to `on_error`.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to(
        name: &str,
        mut sink: impl Write + Send + 'static,
        on_error: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let (queue, entries) = sync_channel(WAITING);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            if let Err(error) = write_all(&entries, &mut sink) {
                on_error(error);
            }
        })?;
        Ok(Self { queue })
    }

    /// Hands a line over; returns at once.
    ///
    /// # Errors
    /// When nobody reads.
    pub fn push(&self, line: String) -> Result<(), NobodyReads> {
        self.queue.try_send(Entry::Line(line)).map_err(|_| NobodyReads)
    }

    /// Waits until all lines handed over are written, at most as long as `limit`.
    pub fn flush(&self, limit: Duration) {
        let (mark, reached) = sync_channel(1);
        if !matches!(self.queue.try_send(Entry::Mark(mark)), Err(TrySendError::Full(_))) {
            // Whether it was reached or not: there is nothing left to do about it.
            reached.recv_timeout(limit).ok();
        }
    }
}

fn write_all(entries: &Receiver<Entry>, sink: &mut impl Write) -> io::Result<()> {
    for entry in entries {
        match entry {
            Entry::Line(line) => {
                sink.write_all(format!("{line}\n").as_bytes())?;
                sink.flush()?;
            }
            Entry::Mark(mark) => drop(mark),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// Never writes: as a pipe that is full and that nobody reads.
    struct Full(Receiver<()>);

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            self.0.recv().ok();
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_full_pipe_holds_nobody_up() {
        let (drain, drained) = channel();
        let (report, reported) = channel();
        let lines = Lines::to("test", Full(drained), move |error| report.send(error.kind()).unwrap()).unwrap();
        let pushed = (0..2 * WAITING).take_while(|_| lines.push("line".to_owned()).is_ok()).count();
        // One line may have been taken out of the queue already.
        assert!((WAITING..=WAITING + 1).contains(&pushed), "{pushed}");
        lines.flush(Duration::from_millis(1));
        drop(drain);
        assert_eq!(reported.recv().unwrap(), io::ErrorKind::BrokenPipe);
        assert_eq!(lines.push("line".to_owned()), Err(NobodyReads));
        lines.flush(Duration::MAX);
    }
}
