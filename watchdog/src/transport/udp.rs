//! Questions in datagrams, from one socket to one server.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::task::{Context, Poll, ready};

use tokio::io::ReadBuf;
use tokio::net::UdpSocket;

use super::Trouble;

/// As large as a datagram may be that no router divides (RFC 9715, section 3). Without EDNS it has at most 512 bytes
/// (RFC 1035, section 2.3.4); there are servers that send more.
pub const DATAGRAM: usize = 1232;

/// A socket that talks to one server only: other senders' datagrams are dropped by the kernel, which in return tells of ICMP errors.
#[derive(Debug)]
pub struct Socket(UdpSocket);

impl Socket {
    /// Opens it, from a port of the kernel's choice and the `source` address, if there is one.
    ///
    /// # Errors
    /// When the source address is not on this host, or there is no route to the server.
    pub async fn open(server: SocketAddr, source: Option<IpAddr>) -> io::Result<Self> {
        let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
        let socket = UdpSocket::bind((source.unwrap_or(any), 0)).await?;
        socket.connect(server).await?;
        Ok(Self(socket))
    }

    /// Sends a datagram. It waits only while the socket's buffer is full.
    ///
    /// # Errors
    /// Also when an earlier datagram was refused: the kernel tells at the next opportunity, and then this one was not sent.
    pub async fn send(&self, datagram: &[u8]) -> Result<(), Trouble> {
        self.0.send(datagram).await?;
        Ok(())
    }

    /// Receives a datagram into the buffer, [`DATAGRAM`] bytes of which are enough, and says how long it is.
    ///
    /// Dropping the future loses nothing.
    ///
    /// # Errors
    /// When a datagram sent before was refused, or something else was reported about it. The socket remains of use.
    pub async fn receive(&self, buffer: &mut [u8]) -> Result<usize, Trouble> {
        Ok(self.0.recv(buffer).await?)
    }

    /// [`Self::receive`], for who watches several.
    pub fn poll_receive(&self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<Result<usize, Trouble>> {
        let mut buffer = ReadBuf::new(buffer);
        ready!(self.0.poll_recv(cx, &mut buffer))?;
        Poll::Ready(Ok(buffer.filled().len()))
    }

    /// The same without waiting, for who was told that there is something, as by [`Self::poll_receive`] before.
    ///
    /// # Errors
    /// As with [`Self::receive`].
    pub fn try_receive(&self, buffer: &mut [u8]) -> Result<Option<usize>, Trouble> {
        match self.0.try_recv(buffer) {
            Ok(length) => Ok(Some(length)),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;

    const AMPLE: Duration = Duration::from_secs(10);

    fn loopbacks() -> [IpAddr; 2] {
        [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
    }

    #[tokio::test]
    async fn there_and_back() {
        for address in loopbacks() {
            let server = UdpSocket::bind((address, 0)).await.unwrap();
            let socket = Socket::open(server.local_addr().unwrap(), Some(address)).await.unwrap();
            let mut buffer = [0; DATAGRAM];
            for question in [&b"one"[..], b"two"] {
                socket.send(question).await.unwrap();
                let (length, from) = server.recv_from(&mut buffer).await.unwrap();
                assert_eq!(from.ip(), address);
                assert_eq!(&buffer[..length], question);
            }
            assert_eq!(socket.try_receive(&mut buffer).unwrap(), None);
            server.send_to(b"answer", socket.0.local_addr().unwrap()).await.unwrap();
            let length = timeout(AMPLE, socket.receive(&mut buffer)).await.unwrap().unwrap();
            assert_eq!(&buffer[..length], b"answer");
        }
    }

    #[tokio::test]
    async fn the_source_may_be_chosen() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let source = IpAddr::from([127, 9, 8, 7]);
        let socket = Socket::open(server.local_addr().unwrap(), Some(source)).await.unwrap();
        socket.send(b"question").await.unwrap();
        let (_, from) = server.recv_from(&mut [0; DATAGRAM]).await.unwrap();
        assert_eq!(from.ip(), source);
        let elsewhere = Some(IpAddr::from([192, 0, 2, 1]));
        let error = Socket::open(server.local_addr().unwrap(), elsewhere).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::AddrNotAvailable);
    }

    #[tokio::test]
    async fn a_closed_port_refuses_and_an_open_one_does_not() {
        for address in loopbacks() {
            let gone = UdpSocket::bind((address, 0)).await.unwrap();
            let server = gone.local_addr().unwrap();
            let socket = Socket::open(server, None).await.unwrap();
            drop(gone);
            let mut buffer = [0; DATAGRAM];
            socket.send(b"question").await.unwrap();
            let refused = timeout(AMPLE, socket.receive(&mut buffer)).await.unwrap().unwrap_err();
            assert!(matches!(refused, Trouble::Refused), "{refused:?}");
            // It is told once, and when the server is back it is asked from the same socket.
            let back = UdpSocket::bind(server).await.unwrap();
            socket.send(b"question").await.unwrap();
            assert_eq!(back.recv(&mut buffer).await.unwrap(), 8);
        }
    }
}
