//! Why the process ends, and the wait for it.

use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::exabgp::Heard;
use crate::journal::Journal;

/// Why the process ends.
#[derive(Debug, thiserror::Error)]
pub enum Ending {
    /// Somebody asked for it.
    #[error("{0} received")]
    Signal(&'static str),
    /// ExaBGP said so.
    #[error("ExaBGP shuts down")]
    Shutdown,
    /// ExaBGP's end of our stdin is closed: it was killed, or has dropped us.
    #[error("ExaBGP is gone, stdin is closed")]
    Gone,
    /// ExaBGP's end of our stdout is closed.
    #[error("ExaBGP is gone, stdout cannot be written: {0}")]
    Closed(io::Error),
    /// ExaBGP has left too many commands unread.
    #[error("ExaBGP reads no commands")]
    NobodyReads,
}

/// The ways in which the end announces itself.
#[derive(Debug)]
pub struct Endings {
    heard: mpsc::UnboundedReceiver<Heard>,
    closed: oneshot::Receiver<io::Error>,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Endings {
    /// Takes the signals over; `heard` is ExaBGP on stdin, `closed` the announcer's last word.
    ///
    /// # Errors
    /// When the signals cannot be taken over.
    pub fn new(heard: mpsc::UnboundedReceiver<Heard>, closed: oneshot::Receiver<io::Error>) -> io::Result<Self> {
        Ok(Self {
            heard,
            closed,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the first of them. A complaint by ExaBGP is no end; it goes into the journal.
    pub async fn first(mut self, journal: Journal) -> Ending {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return Ending::Signal("SIGTERM"),
                _ = self.interrupt.recv() => return Ending::Signal("SIGINT"),
                _ = self.hangup.recv() => return Ending::Signal("SIGHUP"),
                Ok(error) = &mut self.closed => return Ending::Closed(error),
                heard = self.heard.recv() => match heard {
                    Some(Heard::Done) => {}
                    Some(Heard::Error) => journal.note(
                        "ERROR: ExaBGP answered `error`: expected `done` for the command before; the routes may not be \
                         as decided; hint: see ExaBGP's log, and whether its version is 4.2 or 5",
                    ),
                    Some(Heard::Shutdown) => return Ending::Shutdown,
                    Some(Heard::End) | None => return Ending::Gone,
                },
            }
        }
    }
}

impl Ending {
    /// 0 for an end that was asked for or is ExaBGP's own, 1 when commands no longer reach ExaBGP.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Signal(_) | Self::Shutdown | Self::Gone => ExitCode::SUCCESS,
            Self::Closed(_) | Self::NobodyReads => ExitCode::FAILURE,
        }
    }
}
