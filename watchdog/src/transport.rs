//! Ways to a name server: questions go out, and answers come back or not. What they mean is not known here.

use std::io::{self, ErrorKind};

pub mod tcp;
pub mod udp;

/// Why nothing can be asked this way.
#[derive(Debug, thiserror::Error)]
pub enum Trouble {
    /// Nothing listens there: the process is gone (ICMP's port unreachable, or TCP's RST instead of a connection).
    #[error("refused")]
    Refused,
    /// The other side has closed the connection, or reset it.
    #[error("the connection was closed")]
    Closed,
    /// Anything else the operating system says.
    #[error("{}", in_short(.0))]
    Other(io::Error),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionRefused => Self::Refused,
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe | ErrorKind::ConnectionAborted => Self::Closed,
            _ => Self::Other(error),
        }
    }
}

/// The operating system's reason without its number.
pub(crate) fn in_short(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(reason, _)| reason.to_owned())
}
