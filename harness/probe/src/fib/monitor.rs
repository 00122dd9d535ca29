//! Notifications of the kernel that routes may have changed (rtnetlink(7)).

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd as _;

use ipnet::IpNet;
use netlink_packet_core::{NLM_F_ACK, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::RouteMessage;
use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, setsockopt, sockopt};
use rtnetlink::MulticastGroup;
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::table::{self, Entry};
use super::{addresses, dump};
use crate::clock::Wakes;

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

/// Notifications that came together.
#[derive(Debug, Default)]
pub(crate) struct Heard {
    /// When the first of them came.
    pub(crate) at: u64,
    /// The routes that they name; a change of a link names none.
    pub(crate) routes: Vec<Announced>,
    /// The addresses of `lo` that they name, and whether it has them.
    pub(crate) addresses: Vec<(IpAddr, bool)>,
    /// The numbers of the marks that passed among them.
    pub(crate) marks: Vec<u32>,
    /// Whether the kernel had to drop some.
    pub(crate) dropped: bool,
}

/// A route that was added, changed or deleted.
#[derive(Debug)]
pub(crate) struct Announced {
    pub(crate) prefix: IpNet,
    pub(crate) added: bool,
    /// As the notification has it: of a multipath route of IPv6 it may be but one next hop.
    pub(crate) entry: Option<Entry>,
}

impl Monitor {
    /// Opens the socket.
    pub(crate) fn subscribe() -> io::Result<Self> {
        Self::with_room_for(RECEIVE_BUFFER)
    }

    /// The same with a queue of so many octets.
    pub(crate) fn with_room_for(octets: usize) -> io::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE)?;
        setsockopt(&socket, sockopt::RcvBufForce, &octets)
            .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &octets))?;
        socket.bind_auto()?;
        for group in GROUPS {
            socket.add_membership(group as u32)?;
        }
        Ok(Self(socket))
    }

    /// Asks the kernel for a receipt with this number. It comes through the same queue as notifications: what was announced before is
    /// heard before.
    pub(crate) fn mark(&self, number: u32) -> io::Result<()> {
        let mut message = NetlinkMessage::<RouteNetlinkMessage>::new(NetlinkHeader::default(), NetlinkPayload::Noop);
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK;
        message.header.sequence_number = number;
        message.finalize();
        let mut buffer = vec![0; message.buffer_len()];
        message.serialize(&mut buffer);
        self.0.send_to(&buffer, &SocketAddr::new(0, 0), 0).map(drop)
    }

    /// Waits for notifications.
    pub(crate) fn hear(&self, wakes: &mut Wakes) -> io::Result<Heard> {
        loop {
            let wait = || poll(&mut [PollFd::new(self.0.as_fd(), PollFlags::POLLIN)], PollTimeout::NONE);
            match wakes.sleep(wait) {
                (at, Ok(_)) => return self.drain(at),
                (_, Err(Errno::EINTR)) => {}
                (_, Err(errno)) => return Err(errno.into()),
            }
        }
    }

    /// Takes all notifications that are there.
    fn drain(&self, at: u64) -> io::Result<Heard> {
        let mut heard = Heard { at, ..Heard::default() };
        let mut buffer = Vec::with_capacity(64 * 1024);
        loop {
            buffer.clear();
            let Err(error) = self.0.recv(&mut buffer, MsgFlags::MSG_DONTWAIT.bits()) else {
                heard.read(&buffer);
                continue;
            };
            match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EAGAIN) => return Ok(heard),
                Some(Errno::ENOBUFS) => heard.dropped = true,
                Some(Errno::EINTR) => {}
                _ => return Err(error),
            }
        }
    }
}

impl Heard {
    /// What a datagram is about. One that cannot be read says that something changed, and a dump will say what.
    fn read(&mut self, mut datagram: &[u8]) {
        while let Ok(message) = NetlinkMessage::<RouteNetlinkMessage>::deserialize(datagram) {
            match message.payload {
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewRoute(route)) => self.announce(route, true),
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelRoute(route)) => self.announce(route, false),
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewAddress(address)) => {
                    self.addresses.extend(addresses::own(&address).map(|address| (address, true)));
                }
                NetlinkPayload::InnerMessage(RouteNetlinkMessage::DelAddress(address)) => {
                    self.addresses.extend(addresses::own(&address).map(|address| (address, false)));
                }
                // Nothing but a mark is answered with a receipt.
                NetlinkPayload::Error(receipt) if receipt.code.is_none() => {
                    self.marks.push(message.header.sequence_number);
                }
                _ => {}
            }
            let length = message.header.length as usize;
            datagram = datagram.get(length.next_multiple_of(4).max(4)..).unwrap_or_default();
        }
    }

    fn announce(&mut self, route: RouteMessage, added: bool) {
        if let Some(prefix) = table::prefix(&route) {
            let entry = table::read(&[route], dump::interface_name).remove(&prefix);
            self.routes.push(Announced { prefix, added, entry });
        }
    }
}
