//! The kernel's filter: one port of TCP or UDP, over IPv4 or IPv6, and nothing that was sent to another host.

use nix::libc::{
    self, BPF_ABS, BPF_B, BPF_H, BPF_IMM, BPF_IND, BPF_JEQ, BPF_JMP, BPF_JSET, BPF_K, BPF_LD, BPF_LDX, BPF_MSH,
    BPF_RET, BPF_W,
};
use socket2::SockFilter;

use super::PORT;

/// Where a cooked packet's metadata appear to a filter (linux/filter.h: SKF_AD_OFF and SKF_AD_PKTTYPE).
const PACKET_TYPE: u32 = 0xffff_f000 + 4;
/// SKF_AD_PROTOCOL.
const ETHERTYPE: u32 = 0xffff_f000;

/// Length of the pass-all verdict: whole packets.
const WHOLE: u32 = u32::MAX;

/// Packets that pass the filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Passes {
    /// TCP from or to port 179.
    Bgp,
    /// UDP from port 53 that leaves this node.
    DnsAnswers,
}

/// The program. Lines 4 to 6 are IPv6's, whose header has 40 octets; 7 to 11 are IPv4's, of which only the first fragment
/// has ports, and whose header may have options. Both come to line 12 with the transport protocol in A and the length of the
/// IP header in X.
pub(crate) fn program(passes: Passes) -> [SockFilter; 19] {
    const PASS: usize = 17;
    const DROP: usize = 18;
    let [other, outgoing] = [libc::PACKET_OTHERHOST, libc::PACKET_OUTGOING].map(u32::from);
    let (protocol, port) = match passes {
        Passes::Bgp => (libc::IPPROTO_TCP as u32, u32::from(PORT)),
        Passes::DnsAnswers => (libc::IPPROTO_UDP as u32, 53),
    };
    let (kind, to) = match passes {
        Passes::Bgp => (jump(1, BPF_JEQ, other, DROP, 2), 15),
        Passes::DnsAnswers => (jump(1, BPF_JEQ, outgoing, 2, DROP), DROP),
    };
    [
        /*  0 */ load(BPF_W | BPF_ABS, PACKET_TYPE),
        /*  1 */ kind,
        /*  2 */ load(BPF_W | BPF_ABS, ETHERTYPE),
        /*  3 */ jump(3, BPF_JEQ, libc::ETH_P_IPV6 as u32, 4, 7),
        /*  4 */ load(BPF_B | BPF_ABS, 6),
        /*  5 */ SockFilter::new((BPF_LDX | BPF_W | BPF_IMM) as u16, 0, 0, 40),
        /*  6 */ jump(6, BPF_JEQ, protocol, 12, DROP),
        /*  7 */ jump(7, BPF_JEQ, libc::ETH_P_IP as u32, 8, DROP),
        /*  8 */ load(BPF_H | BPF_ABS, 6),
        /*  9 */ jump(9, BPF_JSET, 0x1fff, DROP, 10),
        /* 10 */ SockFilter::new((BPF_LDX | BPF_B | BPF_MSH) as u16, 0, 0, 0),
        /* 11 */ load(BPF_B | BPF_ABS, 9),
        /* 12 */ jump(12, BPF_JEQ, protocol, 13, DROP),
        /* 13 */ load(BPF_H | BPF_IND, 0),
        /* 14 */ jump(14, BPF_JEQ, port, PASS, to),
        /* 15 */ load(BPF_H | BPF_IND, 2),
        /* 16 */ jump(16, BPF_JEQ, port, PASS, DROP),
        /* 17 */ ret(WHOLE),
        /* 18 */ ret(0),
    ]
}

fn load(mode: u32, offset: u32) -> SockFilter {
    SockFilter::new((BPF_LD | mode) as u16, 0, 0, offset)
}

/// A jump at line `here` to line `then` or `otherwise`.
fn jump(here: usize, test: u32, value: u32, then: usize, otherwise: usize) -> SockFilter {
    let relative = |line: usize| (line - here - 1) as u8;
    SockFilter::new((BPF_JMP | test | BPF_K) as u16, relative(then), relative(otherwise), value)
}

fn ret(length: u32) -> SockFilter {
    SockFilter::new((BPF_RET | BPF_K) as u16, 0, 0, length)
}
