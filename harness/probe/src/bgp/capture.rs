//! Packets that a filter passes, with the kernel's stamp (packet(7)).

use std::io::IoSliceMut;
use std::os::fd::{AsFd, AsRawFd as _};

use anyhow::Context as _;
use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, Socket, Type};

use super::filter::{self, Passes};
use crate::clock;

const RECEIVE_BUFFER: usize = 16 << 20;
/// An offloaded segment is up to 64 KiB.
const LONGEST_PACKET: usize = 128 * 1024;
const LOOPBACK: usize = 1;

/// The capturing socket.
pub(crate) struct Capture {
    socket: Socket,
    buffer: Vec<u8>,
    control: Vec<u8>,
    dropped: u32,
}

/// One packet, from its IP header on.
pub(crate) struct Packet<'a> {
    /// When it passed the interface.
    pub(crate) at: u64,
    /// Whether this node sent it.
    pub(crate) sent: bool,
    /// Whether it is to be looked at: on `lo` a packet is seen twice, leaving and coming in.
    pub(crate) counts: bool,
    /// Whether it is one of `lo`.
    pub(crate) on_loopback: bool,
    /// How many packets were dropped before this one.
    pub(crate) lost: u64,
    pub(crate) data: &'a [u8],
}

impl Capture {
    /// Opens the socket on all interfaces. Cooked (`DGRAM`), so that packets have no link-layer header.
    pub(crate) fn open(passes: Passes) -> anyhow::Result<Self> {
        Self::with_room_for(passes, RECEIVE_BUFFER)
    }

    /// The same with a queue of so many octets.
    pub(crate) fn with_room_for(passes: Passes, octets: usize) -> anyhow::Result<Self> {
        let protocol = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
        let socket = Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)).context("no packet socket")?;
        socket.attach_filter(&filter::program(passes)).context("SO_ATTACH_FILTER")?;
        setsockopt(&socket, sockopt::RcvBufForce, &octets)
            .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &octets))
            .context("SO_RCVBUF")?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("SO_TIMESTAMPNS")?;
        setsockopt(&socket, sockopt::RxqOvfl, &1).context("SO_RXQ_OVFL")?;
        let control = nix::cmsg_space!(TimeSpec, u32);
        Ok(Self { socket, buffer: vec![0; LONGEST_PACKET], control, dropped: 0 })
    }

    /// Waits until there is a packet, or `bell` is rung.
    pub(crate) fn wait(&self, bell: &impl AsFd) -> anyhow::Result<()> {
        let mut both = [self.socket.as_fd(), bell.as_fd()].map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        match poll(&mut both, PollTimeout::NONE) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno).context("poll on the packet socket"),
        }
    }

    /// The next packet; none if the queue is empty.
    pub(crate) fn receive(&mut self) -> anyhow::Result<Option<Packet<'_>>> {
        let (length, address, at, dropped) = loop {
            let mut slices = [IoSliceMut::new(&mut self.buffer)];
            let control = Some(self.control.as_mut_slice());
            match recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut slices, control, MsgFlags::MSG_DONTWAIT) {
                Ok(message) => {
                    let (mut at, mut dropped) = (None, self.dropped);
                    for control in message.cmsgs().context("control messages")? {
                        match control {
                            ControlMessageOwned::ScmTimestampns(stamp) => {
                                at = Some(clock::of_packet(stamp));
                            }
                            ControlMessageOwned::RxqOvfl(count) => dropped = count,
                            _ => {}
                        }
                    }
                    break (message.bytes, message.address, at, dropped);
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(errno).context("recvmsg on the packet socket"),
            }
        };
        let lost = u64::from(dropped.wrapping_sub(self.dropped));
        self.dropped = dropped;
        let sent = address.is_some_and(|address| address.pkttype() == libc::PACKET_OUTGOING);
        let on_loopback = address.is_some_and(|address| address.ifindex() == LOOPBACK);
        let counts = sent || !on_loopback;
        let at = at.unwrap_or_else(clock::monotonic);
        Ok(Some(Packet { at, sent, counts, on_loopback, lost, data: &self.buffer[..length] }))
    }
}
