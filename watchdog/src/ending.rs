//! Why the process ends, and the wait for it.

use std::future::pending;
use std::io;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};

use crate::announcer::exabgp::Heard;

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
}

/// How the end of ExaBGP shows.
#[derive(Debug)]
pub struct FromExabgp {
    /// What it says of itself on our stdin.
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
        Ok(Self { exabgp, terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first of them.
    pub async fn first(mut self) -> Ending {
        let exabgp = async {
            match self.exabgp {
                Some(exabgp) => exabgp.end().await,
                None => pending().await,
            }
        };
        tokio::select! {
            _ = self.terminate.recv() => Ending::Signal("SIGTERM"),
            _ = self.interrupt.recv() => Ending::Signal("SIGINT"),
            ending = exabgp => ending,
        }
    }
}

impl FromExabgp {
    /// Waits for it.
    async fn end(mut self) -> Ending {
        tokio::select! {
            Ok(error) = &mut self.closed => Ending::Closed(error),
            heard = self.heard.recv() => match heard {
                Some(Heard::Shutdown) => Ending::Shutdown,
                Some(Heard::End) | None => Ending::Gone,
            },
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
