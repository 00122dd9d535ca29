//! The last packets that the node sent, for a capture file.
//!
//! Each packet of a network is sent by one node, so that all nodes together have each once.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::io::IoSliceMut;
use std::os::fd::AsRawFd as _;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use nix::errno::Errno;
use nix::libc::{self, BPF_ABS, BPF_JEQ, BPF_JMP, BPF_K, BPF_LD, BPF_RET, BPF_W};
use nix::poll::{PollTimeout, poll};
use nix::sys::socket::{ControlMessageOwned, LinkAddr, MsgFlags, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

use crate::clock;
use crate::observer;
use crate::report::Reporter;

/// Octets of a packet that are kept: headers, and the begin of what they carry.
const KEPT: u32 = 200;
/// Octets that all kept packets may take, with what is noted of each.
const ROOM: usize = 512 * 1024;
/// What is noted of a packet, in octets.
const NOTED: usize = 32;
/// Nanoseconds after which a packet is forgotten.
const AGE: u64 = 10_000_000_000;
/// Packets wait in the kernel's queue for so long, and are read together: one wake-up for all of them.
const TOGETHER_MS: u16 = 250;
/// Octets of the kernel's queue. What does not fit is missing in the capture file, and nowhere else.
const QUEUE: usize = 4 << 20;

/// A packet.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) interface: usize,
    pub(crate) at: u64,
    pub(crate) length: u32,
    pub(crate) data: Vec<u8>,
}

/// The last packets.
#[derive(Clone, Default)]
pub(crate) struct Packets(Arc<Mutex<Ring>>);

#[derive(Default)]
struct Ring {
    packets: VecDeque<Sent>,
    octets: usize,
}

impl Packets {
    /// Starts to keep them.
    pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<Self> {
        let packets = Self::default();
        let mut socket = Capture::open()?;
        let ring = packets.clone();
        observer::watch("packets", reporter, move || -> anyhow::Result<Infallible> {
            loop {
                // The first one is waited for; what comes soon after it is read with it.
                let mut flags = MsgFlags::empty();
                while let Some(sent) = socket.receive(flags)? {
                    ring.lock().push(sent);
                    flags = MsgFlags::MSG_DONTWAIT;
                }
                poll(&mut [], PollTimeout::from(TOGETHER_MS)).ok();
            }
        })?;
        Ok(packets)
    }

    /// All that are kept, oldest first.
    pub(crate) fn all(&self) -> Vec<Sent> {
        self.lock().packets.iter().cloned().collect()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Ring> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ring {
    fn push(&mut self, sent: Sent) {
        let oldest = sent.at.saturating_sub(AGE);
        self.octets += sent.data.len() + NOTED;
        self.packets.push_back(sent);
        while let Some(first) = self.packets.front().filter(|first| self.octets > ROOM || first.at < oldest) {
            self.octets -= first.data.len() + NOTED;
            self.packets.pop_front();
        }
    }
}

struct Capture {
    socket: Socket,
    buffer: Vec<u8>,
    control: Vec<u8>,
}

impl Capture {
    fn open() -> anyhow::Result<Self> {
        let protocol = Protocol::from(i32::from((libc::ETH_P_ALL as u16).to_be()));
        let socket = Socket::new(Domain::PACKET, Type::RAW, Some(protocol)).context("no packet socket")?;
        socket.attach_filter(&filter()).context("SO_ATTACH_FILTER")?;
        setsockopt(&socket, sockopt::RcvBufForce, &QUEUE)
            .or_else(|_| setsockopt(&socket, sockopt::RcvBuf, &QUEUE))
            .context("SO_RCVBUF")?;
        setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("SO_TIMESTAMPNS")?;
        Ok(Self { socket, buffer: vec![0; KEPT as usize], control: nix::cmsg_space!(TimeSpec) })
    }

    /// The next packet; none when there is none and `flags` say not to wait.
    fn receive(&mut self, flags: MsgFlags) -> anyhow::Result<Option<Sent>> {
        loop {
            let mut slices = [IoSliceMut::new(&mut self.buffer)];
            let control = Some(self.control.as_mut_slice());
            match recvmsg::<LinkAddr>(self.socket.as_raw_fd(), &mut slices, control, flags) {
                Ok(message) => {
                    let stamp = message.cmsgs().context("control messages")?.find_map(|control| match control {
                        ControlMessageOwned::ScmTimestampns(stamp) => Some(clock::of_packet(stamp)),
                        _ => None,
                    });
                    let (length, interface) = (message.bytes, message.address.map_or(0, |address| address.ifindex()));
                    let data: Vec<u8> = self.buffer.iter().take(length).copied().collect();
                    let on_wire = wire_length(&data).unwrap_or(length as u32);
                    let at = stamp.unwrap_or_else(clock::monotonic);
                    return Ok(Some(Sent { interface, at, length: on_wire.max(length as u32), data }));
                }
                Err(Errno::EINTR) => {}
                Err(Errno::EAGAIN) => return Ok(None),
                Err(errno) => return Err(errno).context("recvmsg on the packet socket"),
            }
        }
    }
}

/// The whole frame's length, as its IP header says: the filter has cut the packet.
fn wire_length(frame: &[u8]) -> Option<u32> {
    let field = |at: usize| Some(u32::from(u16::from_be_bytes([*frame.get(at)?, *frame.get(at + 1)?])));
    match field(12)? {
        0x0800 => Some(14 + field(16)?),
        0x86dd => Some(14 + 40 + field(18)?),
        _ => None,
    }
}

/// The first octets of what leaves by an interface that is not `lo` (linux/filter.h: SKF_AD_OFF, with SKF_AD_PKTTYPE and
/// SKF_AD_IFINDEX).
fn filter() -> [SockFilter; 6] {
    const METADATA: u32 = 0xffff_f000;
    let load = |offset: u32| SockFilter::new((BPF_LD | BPF_W | BPF_ABS) as u16, 0, 0, METADATA + offset);
    let jump = |value: u32, then: u8, otherwise: u8| {
        SockFilter::new((BPF_JMP | BPF_JEQ | BPF_K) as u16, then, otherwise, value)
    };
    let ret = |length: u32| SockFilter::new((BPF_RET | BPF_K) as u16, 0, 0, length);
    [load(4), jump(u32::from(libc::PACKET_OUTGOING), 0, 3), load(8), jump(1, 1, 0), ret(KEPT), ret(0)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(at: u64, length: usize) -> Sent {
        Sent { interface: 2, at, length: 0, data: vec![0; length] }
    }

    #[test]
    fn the_ring_is_bounded_in_octets_and_in_time() {
        let mut ring = Ring::default();
        (0..10_000).for_each(|n| ring.push(sent(n, 200)));
        assert!(ring.octets <= ROOM, "{}", ring.octets);
        assert_eq!(ring.packets.back().map(|sent| sent.at), Some(9_999));
        ring.push(sent(2 * AGE, 0));
        assert_eq!(ring.packets.len(), 1);
    }

    #[test]
    fn a_cut_frame_has_its_whole_length() {
        let mut frame = vec![0; 60];
        frame[12..14].copy_from_slice(&[0x08, 0x00]);
        frame[16..18].copy_from_slice(&1500_u16.to_be_bytes());
        assert_eq!(wire_length(&frame), Some(1514));
    }
}
