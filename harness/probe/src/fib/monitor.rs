//! Notifications of the kernel that routes may have changed (rtnetlink(7)).

use std::io;
use std::os::fd::AsFd as _;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, setsockopt, sockopt};
use rtnetlink::MulticastGroup;
use rtnetlink::sys::{Socket, protocols::NETLINK_ROUTE};

/// Milliseconds without a notification after which the table is taken to be settled.
pub(crate) const SETTLED: u16 = 3;

const RECEIVE_BUFFER: usize = 4 << 20;

/// A link that goes down, or an address that is removed, takes IPv4 routes along without a word in the route groups; a next
/// hop object (`ip nexthop`) that changes alters the routes that use it.
const GROUPS: [MulticastGroup; 6] = [
    MulticastGroup::Ipv4Route,
    MulticastGroup::Ipv6Route,
    MulticastGroup::Link,
    MulticastGroup::Ipv4Ifaddr,
    MulticastGroup::Ipv6Ifaddr,
    MulticastGroup::Nexthop,
];

/// A subscribed socket.
pub(crate) struct Monitor(Socket);

/// What came of waiting.
pub(crate) enum Heard {
    Nothing,
    Change,
}

impl Monitor {
    /// Opens the socket.
    pub(crate) fn subscribe() -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        setsockopt(&socket, sockopt::RcvBufForce, &RECEIVE_BUFFER)
            .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &RECEIVE_BUFFER))?;
        socket.bind_auto()?;
        for group in GROUPS {
            socket.add_membership(group as u32)?;
        }
        Ok(Self(socket))
    }

    /// Waits for a notification, at most for `patience` milliseconds.
    pub(crate) fn wait(&self, patience: Option<u16>) -> io::Result<Heard> {
        let timeout = patience.map_or(PollTimeout::NONE, PollTimeout::from);
        loop {
            match poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], timeout) {
                Ok(0) => return Ok(Heard::Nothing),
                Ok(_) => return Ok(Heard::Change),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// Takes all notifications that are there; returns whether the kernel had to drop some.
    pub(crate) fn drain(&self) -> io::Result<bool> {
        let mut dropped = false;
        let mut buffer = Vec::with_capacity(64 * 1024);
        loop {
            buffer.clear();
            let Err(error) = self.0.recv(&mut buffer, MsgFlags::MSG_DONTWAIT.bits()) else {
                continue;
            };
            match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EAGAIN) => return Ok(dropped),
                Some(Errno::ENOBUFS) => dropped = true,
                Some(Errno::EINTR) => {}
                _ => return Err(error),
            }
        }
    }
}
