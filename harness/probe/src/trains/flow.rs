//! Queries from one socket: to a router that balances per flow they are one flow.

use std::collections::VecDeque;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::errno::Errno;
use tokio::net::UdpSocket;
use tokio::sync::{OnceCell, oneshot};

use super::Reply;
use super::query::{Answer, Query};
use super::socket::{connected, receive, send};

/// All queries of a train to one address.
pub(super) struct OneFlow {
    to: IpAddr,
    // A socket cannot be connected before there is a route.
    open: OnceCell<Arc<Open>>,
}

struct Open {
    socket: UdpSocket,
    /// Queries that are out, the oldest first.
    waiting: Mutex<VecDeque<(u16, oneshot::Sender<Reply>)>>,
}

impl OneFlow {
    pub(super) fn new(to: IpAddr) -> Self {
        Self { to, open: OnceCell::new() }
    }

    /// Asks once, and waits for the answer: when it came, and what it was.
    pub(super) async fn exchange(&self, query: &Query, sent: &mut u64) -> Reply {
        let open = self.open.get_or_try_init(|| Open::new(self.to)).await?;
        let (id, octets, reply) = open.enlist(query);
        *sent = open.send(id, &octets).await?;
        reply.await.unwrap_or_else(|_| Err(io::Error::other("nobody reads the answers of this flow any more")))
    }
}

impl Open {
    async fn new(to: IpAddr) -> io::Result<Arc<Self>> {
        let open = Arc::new(Self { socket: connected(to).await?, waiting: Mutex::default() });
        tokio::spawn(Arc::clone(&open).read());
        Ok(open)
    }

    /// The query under a number that no other one has, and where its reply will be.
    fn enlist(&self, query: &Query) -> (u16, Vec<u8>, oneshot::Receiver<Reply>) {
        let (tell, reply) = oneshot::channel();
        let mut waiting = self.waiting();
        // Who gave up waits no more.
        waiting.retain(|(_, other)| !other.is_closed());
        loop {
            let (id, octets) = query.numbered();
            if !waiting.iter().any(|(other, _)| *other == id) {
                waiting.push_back((id, tell));
                return (id, octets, reply);
            }
        }
    }

    /// An error that ICMP brought for an earlier query is told by the next call on the socket, which then does nothing.
    /// Returns when it was sent.
    async fn send(&self, id: u16, octets: &[u8]) -> io::Result<u64> {
        match send(&self.socket, octets).await {
            Err(error) if is_reply(&error) => {
                self.fail_oldest(error, Some(id));
                send(&self.socket, octets).await
            }
            sent => sent,
        }
    }

    async fn read(self: Arc<Self>) {
        let mut buffer = [0; 4096];
        loop {
            match receive(&self.socket, &mut buffer).await {
                Ok((length, at)) => {
                    let mut waiting = self.waiting();
                    let found = waiting
                        .iter()
                        .zip(0..)
                        .find_map(|((id, _), position)| Some((position, Answer::read(buffer.get(..length)?, *id)?)));
                    if let Some((position, answer)) = found
                        && let Some((_, tell)) = waiting.remove(position)
                    {
                        let _gave_up = tell.send(Ok((at, answer)));
                    }
                }
                Err(error) => self.fail_oldest(error, None),
            }
        }
    }

    /// ICMP does not say which query it is about: the one that has waited longest.
    fn fail_oldest(&self, error: io::Error, but: Option<u16>) {
        let mut waiting = self.waiting();
        let oldest = waiting.iter().position(|(id, tell)| Some(*id) != but && !tell.is_closed());
        if let Some((_, tell)) = oldest.and_then(|oldest| waiting.remove(oldest)) {
            let _gave_up = tell.send(Err(error));
        }
    }

    fn waiting(&self) -> MutexGuard<'_, VecDeque<(u16, oneshot::Sender<Reply>)>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether an error answers a query that was sent, rather than say that this one cannot be.
fn is_reply(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(code, Some(Errno::ECONNREFUSED | Errno::EHOSTUNREACH))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flow to a server of the test's own, on a port of its own.
    async fn flow() -> (UdpSocket, Arc<Open>) {
        let server = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        socket.connect(server.local_addr().unwrap()).await.unwrap();
        let open = Arc::new(Open { socket, waiting: Mutex::default() });
        tokio::spawn(Arc::clone(&open).read());
        (server, open)
    }

    #[tokio::test]
    async fn answers_out_of_order_find_their_queries_and_all_come_from_one_port() {
        let (server, open) = flow().await;
        let query = Query::new("example.").unwrap();
        let (mut replies, mut ports, mut asked) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..3 {
            let (id, octets, reply) = open.enlist(&query);
            open.send(id, &octets).await.unwrap();
            replies.push(reply);
            let mut buffer = [0; 512];
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            asked.push(buffer[..length].to_vec());
            ports.push(from);
        }
        assert!(ports.iter().all(|port| *port == ports[0]), "{ports:?}");
        for mut answer in asked.into_iter().rev() {
            answer[2] |= 0x80;
            server.send_to(&answer, ports[0]).await.unwrap();
        }
        for reply in replies {
            assert_eq!(reply.await.unwrap().unwrap().1.answers, 0);
        }
        assert!(open.waiting().is_empty());
    }

    #[tokio::test]
    async fn a_closed_port_fails_the_oldest_query() {
        let (server, open) = flow().await;
        drop(server);
        let query = Query::new("example.").unwrap();
        let (id, octets, reply) = open.enlist(&query);
        open.send(id, &octets).await.unwrap();
        let error = reply.await.unwrap().unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }
}
