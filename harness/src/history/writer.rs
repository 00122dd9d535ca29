//! The thread that writes the log to its file.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use super::line;
use super::log::Log;

/// A run that is killed loses at most what it has seen since so long ago.
const EVERY: Duration = Duration::from_secs(1);

/// How long a disk may take for the rest at the end.
const PATIENCE: Duration = Duration::from_secs(30);

/// zstd's quickest level compresses these lines better than its middle ones.
const LEVEL: i32 = 1;

/// Writes what the log has got each second, and reads the log as any other reader does: nobody who records waits for the disk.
pub(super) struct Writer {
    /// Asks for the rest, and for what came of it.
    finish: Mutex<Option<Sender<Sender<io::Result<()>>>>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    /// Makes the file, and starts the thread.
    pub(super) fn start(file: &Path, log: Arc<Log>) -> io::Result<Self> {
        let mut out = zstd::Encoder::new(BufWriter::new(File::create(file)?), LEVEL)?;
        // A full disk is told at once.
        line::write_header(&mut out)?;
        out.flush()?;
        let (finish, asked) = channel();
        let thread = std::thread::Builder::new().name("recorder".to_owned()).spawn(move || write(out, &log, &asked))?;
        Ok(Self { finish: Mutex::new(Some(finish)), thread: Some(thread) })
    }

    /// Writes the rest, and ends the file.
    pub(super) fn finish(&self) -> io::Result<()> {
        let (told, answer) = channel();
        let gone = || io::Error::other("the thread that writes it has ended");
        let finish = self.finish.lock().unwrap_or_else(PoisonError::into_inner);
        finish.as_ref().and_then(|finish| finish.send(told).ok()).ok_or_else(gone)?;
        drop(finish);
        match answer.recv_timeout(PATIENCE) {
            Ok(written) => written,
            Err(RecvTimeoutError::Timeout) => {
                let why = format!("the disk did not take it within {} s", PATIENCE.as_secs());
                Err(io::Error::new(io::ErrorKind::TimedOut, why))
            }
            Err(RecvTimeoutError::Disconnected) => Err(gone()),
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // A recorder that was never asked to finish leaves a whole file all the same; one whose disk hangs is left behind.
        let finished = self.finish();
        // The thread ends when nobody can ask it any more.
        *self.finish.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let timed_out = finished.is_err_and(|error| error.kind() == io::ErrorKind::TimedOut);
        if let Some(thread) = self.thread.take().filter(|_| !timed_out) {
            let _panicked = thread.join();
        }
    }
}

type Out = zstd::Encoder<'static, BufWriter<File>>;

fn write(out: Out, log: &Log, asked: &Receiver<Sender<io::Result<()>>>) {
    let (mut out, mut position) = (Ok(out), 0);
    loop {
        let ask = asked.recv_timeout(EVERY);
        out = out.and_then(|out| append(out, log, &mut position));
        let told = match ask {
            Err(RecvTimeoutError::Timeout) => continue,
            Ok(told) => told,
            Err(RecvTimeoutError::Disconnected) => return,
        };
        let ended = out.and_then(end);
        // Who asked may have lost patience.
        let _gone = told.send(copied(&ended));
        // Asked again, it says the same.
        while let Ok(told) = asked.recv() {
            let _gone = told.send(copied(&ended));
        }
        return;
    }
}

/// An error of the system cannot be cloned.
fn copied(ended: &io::Result<()>) -> io::Result<()> {
    match ended {
        Ok(()) => Ok(()),
        Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
    }
}

/// Writes what has come since `position`.
fn append(mut out: Out, log: &Log, position: &mut usize) -> io::Result<Out> {
    let snapshot = log.snapshot();
    let mut text = Vec::with_capacity(1 << 16);
    for event in snapshot.from(*position) {
        line::write(&event, &mut text)?;
        if text.len() > 1 << 15 {
            out.write_all(&text)?;
            text.clear();
        }
    }
    out.write_all(&text)?;
    if snapshot.end() > *position {
        out.flush()?;
    }
    *position = snapshot.end();
    Ok(out)
}

fn end(out: Out) -> io::Result<()> {
    let file = out.finish()?.into_inner().map_err(io::IntoInnerError::into_error)?;
    // Some disks tell only here that they are full. A pipe has nothing to sync.
    file.sync_data().or_else(|error| if error.kind() == io::ErrorKind::InvalidInput { Ok(()) } else { Err(error) })
}
