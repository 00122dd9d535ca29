//! A connected socket and the queries that wait for an answer on it: one query, or all of a train that is one flow.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::sync::oneshot;

use super::query::{Answer, Query};
use super::socket::{connected, receive, send};
use super::{Reply, is_destination_error};

/// What a query waits for.
pub(super) type Waiting = oneshot::Receiver<Reply>;

/// The socket and its queries.
pub(super) struct Channel {
    socket: UdpSocket,
    port: u16,
    /// Queries without an answer, the oldest first.
    waiting: Mutex<VecDeque<(u16, oneshot::Sender<Reply>)>>,
}

/// A query that was sent.
pub(super) struct Sent {
    /// When: nanoseconds of CLOCK_MONOTONIC.
    pub(super) at: u64,
    /// Its DNS message ID.
    pub(super) id: u16,
    pub(super) reply: Waiting,
}

impl Channel {
    /// Opens a socket to this address.
    pub(super) fn open(to: IpAddr) -> io::Result<Self> {
        Self::of(connected(to)?)
    }

    fn of(socket: UdpSocket) -> io::Result<Self> {
        let port = socket.local_addr()?.port();
        Ok(Self { socket, port, waiting: Mutex::default() })
    }

    /// The UDP port that its queries come from.
    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// Sends a query under a number that no other waiting one has.
    pub(super) async fn ask(&self, query: &Query) -> io::Result<Sent> {
        let (id, octets, reply) = self.enlist(query);
        let sent = match send(&self.socket, &octets).await {
            // ICMP's answer to an earlier query is reported by the next call on the socket, which then does nothing else.
            Err(error) if is_destination_error(&error) && self.fail_oldest(&error, Some(id)) => {
                send(&self.socket, &octets).await
            }
            sent => sent,
        };
        match sent {
            Ok(at) => Ok(Sent { at, id, reply }),
            Err(error) => {
                self.waiting().retain(|(other, _)| *other != id);
                Err(error)
            }
        }
    }

    /// Waits until there is something to read.
    pub(super) async fn readable(&self) -> io::Result<()> {
        // What ICMP says is an error of the socket, with nothing to read.
        self.socket.ready(Interest::READABLE | Interest::ERROR).await.map(drop)
    }

    /// Reads all that has come, and gives each answer to its query. It does not wait.
    pub(super) fn drain(&self) {
        let mut buffer = [0; 4096];
        loop {
            match receive(&self.socket, &mut buffer) {
                Ok((length, at)) => self.take(&buffer[..length], at),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    if !self.fail_oldest(&error, None) {
                        break;
                    }
                }
            }
        }
        // This tells tokio that the socket is empty. `try_io` takes one interest at a time: of two it makes none.
        for interest in [Interest::READABLE, Interest::ERROR] {
            self.socket.try_io(interest, || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into())).ok();
        }
    }

    fn enlist(&self, query: &Query) -> (u16, Vec<u8>, Waiting) {
        let (tell, reply) = oneshot::channel();
        let mut waiting = self.waiting();
        // Those that gave up do not wait any more.
        waiting.retain(|(_, other)| !other.is_closed());
        loop {
            let (id, octets) = query.numbered();
            if !waiting.iter().any(|(other, _)| *other == id) {
                waiting.push_back((id, tell));
                return (id, octets, reply);
            }
        }
    }

    fn take(&self, octets: &[u8], at: u64) {
        let mut waiting = self.waiting();
        let found =
            waiting.iter().zip(0..).find_map(|((id, _), position)| Some((position, Answer::read(octets, *id)?)));
        if let Some((position, answer)) = found
            && let Some((_, tell)) = waiting.remove(position)
        {
            let _gave_up = tell.send(Ok((at, answer)));
        }
    }

    /// ICMP does not say which query it is about: the one that has waited longest. Returns false if none waits.
    fn fail_oldest(&self, error: &io::Error, but: Option<u16>) -> bool {
        let mut waiting = self.waiting();
        let oldest = waiting.iter().position(|(id, tell)| Some(*id) != but && !tell.is_closed());
        let Some((_, tell)) = oldest.and_then(|oldest| waiting.remove(oldest)) else { return false };
        let again = error.raw_os_error().map_or_else(|| error.kind().into(), io::Error::from_raw_os_error);
        let _gave_up = tell.send(Err(again));
        true
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(u16, oneshot::Sender<Reply>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use nix::errno::Errno;
    use nix::sys::socket::{setsockopt, sockopt};

    use super::*;

    /// A channel to a server of the test's own, on a port of its own.
    pub(in crate::trains) async fn channel() -> (UdpSocket, Channel) {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server.local_addr().unwrap()).await.unwrap();
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).unwrap();
        // The first stamped socket of a machine turns stamping on, which takes a moment.
        std::thread::park_timeout(std::time::Duration::from_millis(50));
        (server, Channel::of(socket).unwrap())
    }

    #[tokio::test]
    async fn answers_out_of_order_find_their_queries_and_all_come_from_one_port() {
        let (server, channel) = channel().await;
        let query = Query::new("example.").unwrap();
        let (mut sent, mut asked) = (Vec::new(), Vec::new());
        for _ in 0..3 {
            sent.push(channel.ask(&query).await.unwrap());
            let mut buffer = [0; 512];
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            assert_eq!(from.port(), channel.port());
            asked.push((buffer[..length].to_vec(), from));
        }
        for (mut answer, from) in asked.into_iter().rev() {
            answer[2] |= 0x80;
            server.send_to(&answer, from).await.unwrap();
        }
        channel.drain();
        for Sent { mut reply, .. } in sent {
            assert_eq!(reply.try_recv().unwrap().unwrap().1.answers, 0);
        }
        assert!(channel.waiting().is_empty());
    }

    #[tokio::test]
    async fn a_closed_port_fails_the_oldest_query() {
        let (server, channel) = channel().await;
        drop(server);
        let sent = channel.ask(&Query::new("example.").unwrap()).await.unwrap();
        channel.readable().await.unwrap();
        channel.drain();
        let error = sent.reply.await.unwrap().unwrap_err();
        assert_eq!(error.raw_os_error(), Some(Errno::ECONNREFUSED as i32));
    }
}
