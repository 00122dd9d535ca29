//! One TCP segment, read from an IP packet (RFC 791, RFC 8200, RFC 9293).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::PORT;

const TCP: u8 = 6;
/// The TCP option of an MD5 signature (RFC 2385).
const MD5: u8 = 19;
/// The TCP option of TCP-AO (RFC 5925, section 2.2).
const AO: u8 = 29;

/// What matters of a segment.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Segment<'a> {
    pub(crate) src: SocketAddr,
    pub(crate) dst: SocketAddr,
    pub(crate) seq: u32,
    pub(crate) ack: Option<u32>,
    pub(crate) fin: bool,
    pub(crate) syn: bool,
    pub(crate) rst: bool,
    /// By MD5 or TCP-AO.
    pub(crate) signed: bool,
    /// By TCP-AO.
    pub(crate) ao: bool,
    pub(crate) data: &'a [u8],
}

/// Reads a packet; none if it is not a whole segment of port 179.
pub(crate) fn parse(packet: &[u8]) -> Option<Segment<'_>> {
    let (src, dst, tcp) = payload(packet, TCP)?;
    let (source, destination) = (word(tcp, 0)?, word(tcp, 2)?);
    if source != PORT && destination != PORT {
        return None;
    }
    let header = usize::from(tcp.get(12)? >> 4) * 4;
    let flags = tcp.get(13)?;
    let options = tcp.get(20..header)?;
    let ao = has_option(options, AO);
    Some(Segment {
        src: SocketAddr::new(src, source),
        dst: SocketAddr::new(dst, destination),
        seq: double_word(tcp, 4)?,
        ack: if flags & 0x10 != 0 { double_word(tcp, 8) } else { None },
        fin: flags & 0x01 != 0,
        syn: flags & 0x02 != 0,
        rst: flags & 0x04 != 0,
        signed: ao || has_option(options, MD5),
        ao,
        data: tcp.get(header..)?,
    })
}

/// The addresses of an IP packet, and its payload, if it is one of this transport protocol and no fragment.
pub(crate) fn payload(packet: &[u8], protocol: u8) -> Option<(IpAddr, IpAddr, &[u8])> {
    match packet.first()? >> 4 {
        4 => ipv4(packet, protocol),
        6 => ipv6(packet, protocol),
        _ => None,
    }
}

fn ipv4(packet: &[u8], protocol: u8) -> Option<(IpAddr, IpAddr, &[u8])> {
    let header = usize::from(packet[0] & 0x0f) * 4;
    let fragment = word(packet, 6)? & 0x3fff;
    if *packet.get(9)? != protocol || fragment != 0 {
        return None;
    }
    let src: [u8; 4] = packet.get(12..16)?.try_into().ok()?;
    let dst: [u8; 4] = packet.get(16..20)?.try_into().ok()?;
    let payload = packet.get(header..end(packet, usize::from(word(packet, 2)?)))?;
    Some((Ipv4Addr::from(src).into(), Ipv4Addr::from(dst).into(), payload))
}

fn ipv6(packet: &[u8], protocol: u8) -> Option<(IpAddr, IpAddr, &[u8])> {
    if *packet.get(6)? != protocol {
        return None;
    }
    let src: [u8; 16] = packet.get(8..24)?.try_into().ok()?;
    let dst: [u8; 16] = packet.get(24..40)?.try_into().ok()?;
    let length = match usize::from(word(packet, 4)?) {
        0 => 0,
        length => 40 + length,
    };
    Some((Ipv6Addr::from(src).into(), Ipv6Addr::from(dst).into(), packet.get(40..end(packet, length))?))
}

/// Where the packet ends: a frame may be padded, and a length of 0 stands for more than 16 bits can say.
fn end(packet: &[u8], length: usize) -> usize {
    if length == 0 { packet.len() } else { length.min(packet.len()) }
}

fn has_option(mut options: &[u8], wanted: u8) -> bool {
    loop {
        match *options {
            [0, ..] | [] => return false,
            [1, ..] => options = &options[1..],
            [kind, ..] if kind == wanted => return true,
            [_, length, ..] if length >= 2 => options = options.get(usize::from(length)..).unwrap_or_default(),
            _ => return false,
        }
    }
}

fn word(data: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_be_bytes(data.get(at..at + 2)?.try_into().ok()?))
}

fn double_word(data: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_be_bytes(data.get(at..at + 4)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SYN: u8 = 0x02;
    const PSH_ACK: u8 = 0x18;

    fn tcp(flags: u8, options: &[u8], data: &[u8]) -> Vec<u8> {
        let mut tcp = vec![0xc0, 0x00, 0, 179, 0, 0, 0, 100, 0, 0, 0, 200];
        tcp.extend([((20 + options.len()) as u8 / 4) << 4, flags, 0xff, 0xff, 0, 0, 0, 0]);
        tcp.extend(options);
        tcp.extend(data);
        tcp
    }

    fn over_ipv4(ip_options: &[u8], payload: &[u8]) -> Vec<u8> {
        let header = 20 + ip_options.len();
        let mut packet = vec![0x40 | (header / 4) as u8, 0];
        packet.extend(((header + payload.len()) as u16).to_be_bytes());
        packet.extend([0, 1, 0x40, 0, 64, TCP, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
        packet.extend(ip_options);
        packet.extend(payload);
        packet
    }

    fn over_ipv6(payload: &[u8]) -> Vec<u8> {
        let mut packet = vec![0x60, 0, 0, 0];
        packet.extend((payload.len() as u16).to_be_bytes());
        packet.extend([TCP, 64]);
        packet.extend("fe80::1".parse::<Ipv6Addr>().unwrap().octets());
        packet.extend("2001:db8::2".parse::<Ipv6Addr>().unwrap().octets());
        packet.extend(payload);
        packet
    }

    #[test]
    fn a_segment_over_ipv4_with_options_and_padding() {
        let mut packet = over_ipv4(&[1, 1, 1, 0], &tcp(PSH_ACK, &[1, 1, 1, 1], b"data"));
        packet.extend([0; 6]);
        let segment = parse(&packet).unwrap();
        let expected = Segment {
            src: "10.0.0.1:49152".parse().unwrap(),
            dst: "10.0.0.2:179".parse().unwrap(),
            seq: 100,
            ack: Some(200),
            fin: false,
            syn: false,
            rst: false,
            signed: false,
            ao: false,
            data: b"data",
        };
        assert_eq!(segment, expected);
    }

    #[test]
    fn a_signed_segment_over_ipv6() {
        let mut options = vec![2, 4, 5, 0xa0, 1, 1, MD5, 18];
        options.extend([0xab; 16]);
        let packet = over_ipv6(&tcp(SYN, &options, b""));
        let segment = parse(&packet).unwrap();
        assert_eq!((segment.signed, segment.ao, segment.syn, segment.ack), (true, false, true, None));
        assert_eq!(segment.src, "[fe80::1]:49152".parse().unwrap());
    }

    #[test]
    fn a_segment_with_tcp_ao_is_signed_too() {
        let options = [AO, 16, 1, 2, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab, 0xab];
        let packet = over_ipv4(&[], &tcp(PSH_ACK, &options, b"data"));
        let segment = parse(&packet).unwrap();
        assert_eq!((segment.signed, segment.ao), (true, true));
    }

    #[test]
    fn options_after_the_end_or_cut_off_do_not_count() {
        assert!(!has_option(&[0, MD5, 18], MD5));
        assert!(!has_option(&[3, 200, MD5, 18], MD5));
        assert!(!has_option(&[3, 0, MD5, 18], MD5));
        assert!(!has_option(&[3], MD5));
        assert!(has_option(&[8, 4, 0, 0, MD5, 18], MD5));
    }

    #[test]
    fn what_is_no_whole_segment_of_bgp_is_none() {
        let packet = over_ipv4(&[], &tcp(PSH_ACK, &[], b"data"));
        for length in 0..40 {
            assert_eq!(parse(&packet[..length]), None, "{length} octets");
        }
        let mut fragment = packet.clone();
        fragment[6] = 0x20;
        assert_eq!(parse(&fragment), None);
        let mut other_port = packet.clone();
        other_port[23] = 80;
        assert_eq!(parse(&other_port), None);
        let mut udp = packet;
        udp[9] = 17;
        assert_eq!(parse(&udp), None);
    }

    proptest::proptest! {
        #[test]
        fn no_packet_panics(packet in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..120), version in 4_u8..=6) {
            let mut packet = packet;
            if let Some(first) = packet.first_mut() {
                *first = version << 4 | *first & 0x0f;
            }
            if let Some(protocol) = packet.get_mut(if version == 4 { 9 } else { 6 }) {
                *protocol = TCP;
            }
            let _segment = parse(&packet);
        }
    }
}
