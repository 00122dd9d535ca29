//! Opening a TCP connection to a server that may be dying.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::panic::resume_unwind;
use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::timeout;

/// How long the first attempt is alone; each later one twice as long as the one before. A server on this host is answered for by
/// the kernel, in microseconds.
const PATIENCE: Duration = Duration::from_millis(1);

/// Connects, and tries again beside an attempt that is not answered: the first answer counts.
///
/// While a process is being killed its listener may lose a connection request without a word, and the kernel sends it
/// again only after a second (RFC 6298, section 2.1). A new request finds the port closed, and is refused at once.
///
/// # Errors
/// The answer of whichever attempt was answered first. An unanswered one goes on until the future is dropped.
pub async fn connect(server: SocketAddr) -> io::Result<TcpStream> {
    connect_from(server, None).await
}

/// [`connect`], from this address.
///
/// # Errors
/// The same, and when the address is not on this host.
pub async fn connect_from(server: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let mut attempts = JoinSet::new();
    let mut patience = PATIENCE;
    loop {
        attempts.spawn(attempt(server, source));
        if let Ok(Some(answered)) = timeout(patience, attempts.join_next()).await {
            return answered.unwrap_or_else(|died| resume_unwind(died.into_panic()));
        }
        patience *= 2;
    }
}

async fn attempt(server: SocketAddr, source: Option<IpAddr>) -> io::Result<TcpStream> {
    let socket = if server.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    if let Some(source) = source {
        socket.bind((source, 0).into())?;
    }
    socket.connect(server).await
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use socket2::{Domain, Socket, Type};

    use super::*;

    /// A listener whose queue is full loses requests, as one that is being closed does.
    #[tokio::test]
    async fn a_later_attempt_is_told_what_the_first_is_not() {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let server = listener.local_addr().unwrap().as_socket().unwrap();
        let _fills_the_queue = TcpStream::connect(server).await.unwrap();

        let plain = TcpStream::connect(server);
        let ours = connect(server);
        tokio::pin!(plain, ours);
        // Both have lost their first request when the listener goes.
        assert!(timeout(Duration::from_millis(50), &mut plain).await.is_err());
        assert!(timeout(Duration::from_millis(1), &mut ours).await.is_err());
        drop(listener);
        tokio::select! {
            biased;
            told = ours => assert_eq!(told.unwrap_err().kind(), io::ErrorKind::ConnectionRefused),
            _ = plain => panic!("the lost request was answered first"),
        }
    }
}
