//! Sockets of queries. The kernel stamps what comes in: an answer came when it came, not when there was a processor to read it.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::os::fd::AsRawFd as _;

use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrStorage, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use tokio::net::UdpSocket;

use super::PORT;
use crate::{clock, limits};

/// Connected, so that ICMP errors come back, and nobody else's answers.
pub(super) fn connected(to: IpAddr) -> io::Result<UdpSocket> {
    let any = if to.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { IpAddr::V6(Ipv6Addr::UNSPECIFIED) };
    let _limit = limits::opening();
    let socket = std::net::UdpSocket::bind((any, 0))?;
    socket.set_nonblocking(true)?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true)?;
    socket.connect((to, PORT))?;
    UdpSocket::from_std(socket)
}

/// Sends a datagram; returns the moment right before it was sent.
///
/// At once, where the socket has room: tokio would ask the kernel first, and send a while after the stamp.
pub(super) async fn send(socket: &UdpSocket, octets: &[u8]) -> io::Result<u64> {
    let sent = clock::monotonic();
    match nix::sys::socket::send(socket.as_raw_fd(), octets, MsgFlags::MSG_DONTWAIT) {
        Ok(_) => Ok(sent),
        Err(Errno::EAGAIN) => {
            socket.writable().await?;
            let sent = clock::monotonic();
            socket.send(octets).await.map(|_| sent)
        }
        Err(errno) => Err(errno.into()),
    }
}

/// Reads a datagram that is there, without waiting: its length, and when it came. [`io::ErrorKind::WouldBlock`] when there is none.
pub(super) fn receive(socket: &UdpSocket, buffer: &mut [u8]) -> io::Result<(usize, u64)> {
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut slices = [IoSliceMut::new(buffer)];
    let flags = MsgFlags::MSG_DONTWAIT;
    let message = recvmsg::<SockaddrStorage>(socket.as_raw_fd(), &mut slices, Some(&mut control), flags)?;
    let stamp = message.cmsgs()?.find_map(|control| match control {
        ControlMessageOwned::ScmTimestampns(stamp) => Some(clock::of_packet(stamp)),
        _ => None,
    });
    Ok((message.bytes, stamp.unwrap_or_else(clock::monotonic)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_datagram_is_stamped_when_it_came_not_when_it_was_read() {
        let [near, far] =
            [UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap()];
        setsockopt(&near, sockopt::ReceiveTimestampns, &true).unwrap();
        // The first stamped socket of a machine turns stamping on, which takes a moment; until then a stamp is that of the reading.
        for _ in 0..2 {
            std::thread::park_timeout(std::time::Duration::from_millis(50));
            let before = clock::monotonic();
            far.send_to(b"answer", near.local_addr().unwrap()).await.unwrap();
            let after = clock::monotonic();
            std::thread::park_timeout(std::time::Duration::from_millis(50));
            let mut buffer = [0; 16];
            let (length, at) = receive(&near, &mut buffer).unwrap();
            assert_eq!(&buffer[..length], b"answer");
            let slack = 1_000_000;
            assert!((before - slack..after + slack).contains(&at), "sent {before} to {after}, stamped {at}");
        }
    }
}
