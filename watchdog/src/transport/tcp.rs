//! Questions over a TCP connection that stays (RFC 7766). Its end is an event: it dies with the server's process, and tells at once.

use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr};
use std::task::{Context, Poll, ready};

use tokio::net::TcpStream;

use super::Trouble;
use crate::connect;

/// The length before each message (RFC 1035, section 4.2.2).
const PREFIX: usize = 2;
/// So much is read at once: most answers are shorter.
const CHUNK: usize = 2048;
/// A server that reads no questions gets no more of them when so many bytes wait to be written.
const UNREAD: usize = 16_384;

/// An open connection. What comes in is put together to whole messages, whatever pieces it comes in.
#[derive(Debug)]
pub struct Standing {
    stream: TcpStream,
    /// What has come in; of it so many bytes belong to the message that was given out last.
    incoming: Vec<u8>,
    given: usize,
    /// What the kernel has not taken yet.
    outgoing: Vec<u8>,
}

impl Standing {
    /// Connects, from the `source` address if there is one, as [`connect::connect_from`] does: an unanswered attempt does not hold up
    /// a later one. It goes on until the future is dropped.
    ///
    /// # Errors
    /// When the connection is refused, or does not come about for another reason.
    pub async fn connect(server: SocketAddr, source: Option<IpAddr>) -> Result<Self, Trouble> {
        let stream = connect::connect_from(server, source).await?;
        // A second question does not wait for the server to acknowledge the first.
        stream.set_nodelay(true)?;
        Ok(Self { stream, incoming: Vec::new(), given: 0, outgoing: Vec::new() })
    }

    /// Sends a question; several may be on their way, and are answered in any order (RFC 7766, section 6.2.1.1). What the
    /// kernel does not take now is sent during [`Self::next`].
    ///
    /// # Errors
    /// When the connection is closed, or the server does not read.
    pub fn send(&mut self, message: &[u8]) -> Result<(), Trouble> {
        let too_much = || Trouble::Other(std::io::Error::new(ErrorKind::WriteZero, "the server does not read"));
        let length = u16::try_from(message.len()).map_err(|_| too_much())?;
        if self.outgoing.len() > UNREAD {
            return Err(too_much());
        }
        // Length and message in one segment (RFC 7766, section 8).
        self.outgoing.extend(length.to_be_bytes());
        self.outgoing.extend(message);
        self.write()
    }

    /// The next message; without a question, waits for the end of the connection.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When the connection has ended.
    pub async fn next(&mut self) -> Result<&[u8], Trouble> {
        poll_fn(|cx| self.poll_whole(cx)).await?;
        Ok(self.message())
    }

    /// [`Self::next`], for who watches several.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Result<&[u8], Trouble>> {
        ready!(self.poll_whole(cx))?;
        Poll::Ready(Ok(self.message()))
    }

    /// Reads until a message is whole.
    fn poll_whole(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Trouble>> {
        self.incoming.drain(..self.given);
        self.given = 0;
        // After one of the rare long ones.
        self.incoming.shrink_to(CHUNK);
        loop {
            while !self.outgoing.is_empty() && self.stream.poll_write_ready(cx)?.is_ready() {
                self.write()?;
            }
            if let Some(length) = self.incoming.first_chunk::<PREFIX>() {
                let whole = PREFIX + usize::from(u16::from_be_bytes(*length));
                if self.incoming.len() >= whole {
                    self.given = whole;
                    return Poll::Ready(Ok(()));
                }
            }
            ready!(self.stream.poll_read_ready(cx))?;
            self.read()?;
        }
    }

    fn message(&self) -> &[u8] {
        &self.incoming[PREFIX..self.given]
    }

    fn read(&mut self) -> Result<(), Trouble> {
        let mut chunk = [0; CHUNK];
        match self.stream.try_read(&mut chunk) {
            Ok(0) => Err(Trouble::Closed),
            Ok(length) => {
                self.incoming.extend(&chunk[..length]);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }

    fn write(&mut self) -> Result<(), Trouble> {
        match self.stream.try_write(&self.outgoing) {
            Ok(length) => {
                self.outgoing.drain(..length);
                Ok(())
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(()),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests;
