//! UPDATE messages (RFC 4271, section 4.3), read by what the session negotiated, and strictly.
//!
//! bgpkit-parser, which reads the other messages, is made for archives, where nobody knows what was negotiated: it guesses whether prefixes
//! have path identifiers, and takes a default route for one.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;

use crate::history::BgpMessage;

const NEXT_HOP: u8 = 3;
const AS_PATH: u8 = 2;
const MP_REACH: u8 = 14;
const MP_UNREACH: u8 = 15;
/// The flag of an attribute whose length has two octets.
const EXTENDED_LENGTH: u8 = 0x10;
/// RFC 4760: unicast forwarding.
const UNICAST: u8 = 1;

/// An address family, unicast.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Afi {
    V4,
    V6,
}

impl Afi {
    /// By its number (IANA, Address Family Numbers).
    pub(super) fn of(number: u16) -> Option<Self> {
        match number {
            1 => Some(Self::V4),
            2 => Some(Self::V6),
            _ => None,
        }
    }
}

/// What the two ends of a session agreed on, for one direction of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Agreed {
    /// AS numbers in AS_PATH have four octets (RFC 6793).
    pub(super) wide_as: bool,
    /// Messages may be longer than 4096 octets (RFC 8654).
    pub(super) extended: bool,
    /// Families that MP attributes may carry (RFC 4760).
    pub(super) families: [bool; 2],
    /// Families whose prefixes have path identifiers in this direction (RFC 7911).
    pub(super) paths: [bool; 2],
}

/// Reads the body of an UPDATE, which follows the header.
pub(super) fn read(body: &[u8], agreed: &Agreed) -> Result<BgpMessage, String> {
    let mut rest = Octets(body);
    let paths = |afi: Afi| agreed.paths[afi as usize];
    let withdrawn = rest.long_field("withdrawn routes")?;
    let mut withdrawn = prefixes(withdrawn, Afi::V4, paths(Afi::V4))?;
    let mut attributes = Octets(rest.long_field("path attributes")?);
    let nlri = prefixes(rest.0, Afi::V4, paths(Afi::V4))?;
    let (mut announced, mut hop) = (Vec::new(), None);
    while !attributes.0.is_empty() {
        let [flags, kind] = attributes.take::<2>("an attribute's header")?;
        let value = if flags & EXTENDED_LENGTH == 0 {
            attributes.short_field("an attribute")?
        } else {
            attributes.long_field("an attribute")?
        };
        match kind {
            AS_PATH => as_path(value, agreed.wide_as)?,
            NEXT_HOP => hop = Some(IpAddr::from(Octets(value).whole::<4>("NEXT_HOP")?)),
            MP_REACH => {
                let mut value = Octets(value);
                let afi = family(&mut value, agreed)?;
                let hop = mp_next_hop(value.short_field("the next hop of MP_REACH_NLRI")?);
                value.take::<1>("MP_REACH_NLRI")?;
                if let Some(afi) = afi {
                    announced.extend(prefixes(value.0, afi, paths(afi))?.into_iter().map(|prefix| (prefix, hop)));
                }
            }
            MP_UNREACH => {
                let mut value = Octets(value);
                if let Some(afi) = family(&mut value, agreed)? {
                    withdrawn.extend(prefixes(value.0, afi, paths(afi))?);
                }
            }
            _ => {}
        }
    }
    if !nlri.is_empty() && hop.is_none() {
        return Err("prefixes of IPv4 are announced without NEXT_HOP".to_owned());
    }
    announced.splice(0..0, nlri.into_iter().map(|prefix| (prefix, hop)));
    Ok(BgpMessage::Update { announced, withdrawn })
}

/// The family of an MP attribute; none if it is not unicast of IPv4 or IPv6, and so no route of a lab.
fn family(value: &mut Octets<'_>, agreed: &Agreed) -> Result<Option<Afi>, String> {
    let [high, low, safi] = value.take::<3>("the family of an MP attribute")?;
    let number = u16::from_be_bytes([high, low]);
    match Afi::of(number) {
        Some(afi) if safi == UNICAST && !agreed.families[afi as usize] => {
            Err(format!("the session has not negotiated the family {number}/{safi} (AFI/SAFI) that it carries"))
        }
        Some(afi) if safi == UNICAST => Ok(Some(afi)),
        _ => Ok(None),
    }
}

/// The global address, where there is a link-local one, too (RFC 2545, section 3; RFC 8950).
fn mp_next_hop(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => <[u8; 4]>::try_from(value).ok().map(IpAddr::from),
        16 | 32 => value.first_chunk::<16>().map(|octets| IpAddr::from(*octets)),
        _ => None,
    }
}

fn prefixes(octets: &[u8], afi: Afi, with_paths: bool) -> Result<Vec<IpNet>, String> {
    let mut rest = Octets(octets);
    let mut found = Vec::new();
    while !rest.0.is_empty() {
        if with_paths {
            rest.take::<4>("a path identifier")?;
        }
        let [length] = rest.take::<1>("a prefix")?;
        let octets = rest.slice(usize::from(length).div_ceil(8), "a prefix")?;
        let prefix = match afi {
            Afi::V4 => IpNet::new(Ipv4Addr::from(padded::<4>(octets)).into(), length),
            Afi::V6 => IpNet::new(Ipv6Addr::from(padded::<16>(octets)).into(), length),
        };
        // Bits behind the length are of no meaning (RFC 4271, section 4.3).
        found.push(prefix.map_err(|_| format!("a prefix has a length of {length} bits"))?.trunc());
    }
    Ok(found)
}

/// Whether the segments fill the attribute: they do not if AS numbers are of another size.
fn as_path(value: &[u8], wide: bool) -> Result<(), String> {
    let mut rest = Octets(value);
    while !rest.0.is_empty() {
        let [kind, count] = rest.take::<2>("a segment of AS_PATH")?;
        if !(1..=4).contains(&kind) {
            return Err(format!("AS_PATH has a segment of type {kind}"));
        }
        rest.slice(usize::from(count) * if wide { 4 } else { 2 }, "a segment of AS_PATH")?;
    }
    Ok(())
}

fn padded<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut whole = [0; N];
    whole.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    whole
}

/// What is left to be read.
struct Octets<'a>(&'a [u8]);

impl<'a> Octets<'a> {
    fn slice(&mut self, length: usize, what: &str) -> Result<&'a [u8], String> {
        let found = self.0.len();
        let (slice, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| format!("{what}: expected {length} octets, found {found}"))?;
        self.0 = rest;
        Ok(slice)
    }

    fn take<const N: usize>(&mut self, what: &str) -> Result<[u8; N], String> {
        self.slice(N, what).map(padded)
    }

    fn whole<const N: usize>(&self, what: &str) -> Result<[u8; N], String> {
        let found = self.0.len();
        <[u8; N]>::try_from(self.0).map_err(|_| format!("{what}: expected {N} octets, found {found}"))
    }

    /// A field that begins with its length, of one octet.
    fn short_field(&mut self, what: &str) -> Result<&'a [u8], String> {
        let [length] = self.take::<1>(what)?;
        self.slice(usize::from(length), what)
    }

    /// The same with a length of two.
    fn long_field(&mut self, what: &str) -> Result<&'a [u8], String> {
        let length = self.take::<2>(what).map(u16::from_be_bytes)?;
        self.slice(usize::from(length), what)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PLAIN: Agreed = Agreed { wide_as: true, extended: false, families: [true; 2], paths: [false; 2] };
    const HOP: [u8; 7] = [0x40, NEXT_HOP, 4, 10, 1, 53, 11];

    fn update(attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
        [&[0, 0][..], &(attributes.len() as u16).to_be_bytes(), attributes, nlri].concat()
    }

    fn announced(message: Result<BgpMessage, String>) -> Vec<String> {
        let Ok(BgpMessage::Update { announced, .. }) = message else { panic!("{message:?}") };
        announced.iter().map(|(prefix, _)| prefix.to_string()).collect()
    }

    #[test]
    fn a_default_route_is_no_path_identifier() {
        let body = update(&HOP, &[0, 32, 10, 1, 53, 1]);
        assert_eq!(announced(read(&body, &PLAIN)), ["0.0.0.0/0", "10.1.53.1/32"]);
    }

    #[test]
    fn path_identifiers_are_no_prefixes() {
        let body = update(&HOP, &[0, 0, 0, 1, 32, 10, 1, 53, 1, 0, 0, 0, 2, 32, 10, 1, 53, 1]);
        let with_paths = Agreed { paths: [true, false], ..PLAIN };
        assert_eq!(announced(read(&body, &with_paths)), ["10.1.53.1/32", "10.1.53.1/32"]);
        // Only the family that they were negotiated for has them.
        let v6 = [0x80, MP_REACH, 22, 0, 2, 1, 16, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0];
        assert_eq!(announced(read(&update(&v6, &[]), &with_paths)), ["::/0"]);
    }

    #[test]
    fn as_numbers_of_another_size_are_malformed() {
        let narrow = [&[0x40, AS_PATH, 4, 2, 1, 0xfd, 0xe9][..], &HOP].concat();
        let body = update(&narrow, &[32, 10, 1, 53, 1]);
        assert_eq!(announced(read(&body, &Agreed { wide_as: false, ..PLAIN })), ["10.1.53.1/32"]);
        let error = read(&body, &PLAIN).unwrap_err();
        assert_eq!(error, "a segment of AS_PATH: expected 4 octets, found 2");
    }

    #[test]
    fn other_families_are_no_routes_of_ours_and_what_was_not_negotiated_is_malformed() {
        let multicast = [0x80, MP_UNREACH, 8, 0, 1, 2, 32, 10, 1, 53, 1];
        let none = BgpMessage::Update { announced: vec![], withdrawn: vec![] };
        assert_eq!(read(&update(&multicast, &[]), &PLAIN), Ok(none));
        let unicast = [0x80, MP_UNREACH, 4, 0, 2, 1, 0];
        let error = read(&update(&unicast, &[]), &Agreed { families: [true, false], ..PLAIN }).unwrap_err();
        assert!(error.contains("2/1"), "{error}");
    }

    #[test]
    fn what_is_cut_off_is_malformed_never_less() {
        let body = update(&HOP, &[32, 10, 1, 53, 1]);
        for length in 1..body.len() {
            // Between the attributes and the prefixes there is an UPDATE without any.
            if length != 4 + HOP.len() {
                assert!(read(&body[..length], &PLAIN).is_err(), "{length}");
            }
        }
        assert!(read(&update(&HOP, &[33, 10, 1, 53, 1, 1]), &PLAIN).unwrap_err().contains("33 bits"));
        assert!(read(&update(&[], &[32, 10, 1, 53, 1]), &PLAIN).unwrap_err().contains("NEXT_HOP"));
    }

    proptest! {
        #[test]
        fn no_body_panics(body in prop::collection::vec(any::<u8>(), 0..200), wide in any::<bool>(), paths in any::<bool>()) {
            drop(read(&body, &Agreed { wide_as: wide, paths: [paths; 2], ..PLAIN }));
        }

        #[test]
        fn prefixes_come_back_with_and_without_paths(
            nets in prop::collection::vec((any::<u32>(), 0_u8..=32), 1..20),
            with_paths in any::<bool>(),
        ) {
            let nets: Vec<IpNet> =
                nets.into_iter().map(|(address, length)| IpNet::new(Ipv4Addr::from(address).into(), length).expect("<= 32").trunc()).collect();
            let mut octets = Vec::new();
            for (id, net) in (0_u32..).zip(&nets) {
                if with_paths {
                    octets.extend(id.to_be_bytes());
                }
                let IpAddr::V4(address) = net.addr() else { unreachable!("it is IPv4") };
                octets.push(net.prefix_len());
                octets.extend(&address.octets()[..usize::from(net.prefix_len()).div_ceil(8)]);
            }
            prop_assert_eq!(prefixes(&octets, Afi::V4, with_paths), Ok(nets));
        }
    }
}
