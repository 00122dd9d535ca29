//! Why the process ends, and the wait for it.

use std::future::pending;
use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::announcer::exabgp::Heard;
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
    /// Too many commands were left unread.
    #[error("{0} reads no commands")]
    NobodyReads(&'static str),
}

/// The ways in which the end announces itself.
#[derive(Debug)]
pub struct Endings {
    exabgp: Option<FromExabgp>,
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// How the end of ExaBGP shows.
#[derive(Debug)]
pub struct FromExabgp {
    /// What it says on our stdin.
    pub heard: mpsc::UnboundedReceiver<Heard>,
    /// The announcer's last word, when stdout cannot be written.
    pub closed: oneshot::Receiver<io::Error>,
}

impl Endings {
    /// Takes the signals over. Only a helper process ends with its ExaBGP; a daemon of its own has none.
    ///
    /// # Errors
    /// When the signals cannot be taken over.
    pub fn new(exabgp: Option<FromExabgp>) -> io::Result<Self> {
        Ok(Self {
            exabgp,
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the first of them.
    pub async fn first(mut self, journal: Journal) -> Ending {
        let exabgp = async {
            match self.exabgp {
                Some(exabgp) => exabgp.end(journal).await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => Ending::Signal("SIGTERM"),
            _ = self.interrupt.recv() => Ending::Signal("SIGINT"),
            _ = self.hangup.recv() => Ending::Signal("SIGHUP"),
            ending = exabgp => ending,
        }
    }
}

impl FromExabgp {
    /// Waits for it. A complaint by ExaBGP is no end; it goes into the journal.
    async fn end(mut self, journal: Journal) -> Ending {
        loop {
            tokio::select! {
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
    /// 0 for an end that was asked for or is ExaBGP's own, 1 when commands no longer reach their reader.
    #[must_use]
    pub fn exit_code(&self) -> ExitCode {
        match self {
            Self::Signal(_) | Self::Shutdown | Self::Gone => ExitCode::SUCCESS,
            Self::Closed(_) | Self::NobodyReads(_) => ExitCode::FAILURE,
        }
    }
}
