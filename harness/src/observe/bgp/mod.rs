//! BGP messages, from octets to what a check asks for.

mod update;

use std::net::SocketAddr;

use bgpkit_parser::models::capabilities::{AddPathSendReceive, BgpCapabilityType};
use bgpkit_parser::models::{
    Afi as WireAfi, AsnLength, BgpMessage as Parsed, BgpOpenMessage, CapabilityValue, ParamValue, Safi,
};
use bgpkit_parser::parser::bgp::parse_bgp_message;
use bytes::Bytes;
use indexmap::IndexMap;

use self::update::{Afi, Agreed};
use crate::history::BgpMessage;

/// Marker, length, type (RFC 4271, section 4.1).
const HEADER: usize = 19;
const UPDATE: u8 = 2;
/// The longest message of a session that has not negotiated longer ones (RFC 8654).
const LONGEST: usize = 4096;
/// Ends of connections that are kept. A speaker that tries again every second has this many in half an hour.
const MOST: usize = 4096;

/// What each end of each connection said in its OPEN, by sender and receiver.
#[derive(Debug, Default)]
pub(super) struct Opens(IndexMap<(SocketAddr, SocketAddr), Capabilities>);

/// What one OPEN offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Capabilities {
    wide_as: Option<u32>,
    extended: bool,
    /// Whether it names any family. If not, it speaks of unicast IPv4 alone (RFC 4760, section 8).
    families: [bool; 2],
    sends_paths: [bool; 2],
    takes_paths: [bool; 2],
}

impl Opens {
    /// A connection begins: what an earlier one on the same ports agreed on is of no meaning.
    pub(super) fn begin(&mut self, src: SocketAddr, dst: SocketAddr) {
        self.0.shift_remove(&(src, dst));
        self.0.shift_remove(&(dst, src));
    }

    /// Reads one message, header included.
    pub(super) fn read(&mut self, src: SocketAddr, dst: SocketAddr, message: &[u8]) -> BgpMessage {
        if message.get(HEADER - 1) == Some(&UPDATE) {
            let body = message.get(HEADER..).unwrap_or_default();
            let read = self.agreed(src, dst, body).and_then(|agreed| {
                if message.len() > LONGEST && !agreed.extended {
                    return Err(format!(
                        "an UPDATE of {} octets: the session has not negotiated more than {LONGEST}",
                        message.len()
                    ));
                }
                update::read(body, &agreed)
            });
            return read.unwrap_or_else(BgpMessage::Malformed);
        }
        match parse_bgp_message(&mut Bytes::copy_from_slice(message), false, &AsnLength::Bits32) {
            Ok(Parsed::Open(open)) => {
                let capabilities = Capabilities::of(&open);
                let asn = capabilities.wide_as.unwrap_or_else(|| open.asn.to_u32());
                if self.0.len() >= MOST {
                    self.0.shift_remove_index(0);
                }
                self.0.insert((src, dst), capabilities);
                BgpMessage::Open { asn, hold_time: open.hold_time }
            }
            Ok(Parsed::KeepAlive) => BgpMessage::Keepalive,
            Ok(Parsed::Notification(notification)) => {
                let (code, subcode) = notification.error.get_codes();
                BgpMessage::Notification { code, subcode }
            }
            Ok(Parsed::RouteRefresh(_)) => BgpMessage::Other(5),
            Ok(Parsed::Update(_)) => BgpMessage::Malformed("its type and its length do not agree".to_owned()),
            Err(error) => BgpMessage::Malformed(error.to_string()),
        }
    }

    /// What holds for what `src` sends. An UPDATE that says nothing (End-of-RIB of IPv4, RFC 4724) reads the same under all agreements.
    fn agreed(&self, src: SocketAddr, dst: SocketAddr, body: &[u8]) -> Result<Agreed, String> {
        match (self.0.get(&(src, dst)), self.0.get(&(dst, src))) {
            (Some(sender), Some(receiver)) => Ok(Capabilities::agree(sender, receiver)),
            _ if body == [0; 4] => Ok(Agreed::default()),
            _ => Err("an UPDATE of a connection of which not both OPENs were seen: what was negotiated is not known"
                .to_owned()),
        }
    }
}

impl Capabilities {
    fn of(open: &BgpOpenMessage) -> Self {
        let mut found = Self::default();
        let mut names_families = false;
        let capabilities = open.opt_params.iter().filter_map(|param| match &param.param_value {
            ParamValue::Capacities(capabilities) => Some(capabilities),
            ParamValue::Raw(_) => None,
        });
        for capability in capabilities.flatten() {
            match &capability.value {
                CapabilityValue::FourOctetAs(wide) => found.wide_as = Some(wide.asn),
                CapabilityValue::MultiprotocolExtensions(family) => {
                    names_families = true;
                    if let Some(afi) = unicast(family.afi, family.safi) {
                        found.families[afi as usize] = true;
                    }
                }
                CapabilityValue::AddPath(paths) => {
                    for family in &paths.address_families {
                        let Some(afi) = unicast(family.afi, family.safi) else { continue };
                        let mode = family.send_receive;
                        found.sends_paths[afi as usize] = mode != AddPathSendReceive::Receive;
                        found.takes_paths[afi as usize] = mode != AddPathSendReceive::Send;
                    }
                }
                _ if capability.ty == BgpCapabilityType::BGP_EXTENDED_MESSAGE => found.extended = true,
                _ => {}
            }
        }
        if !names_families {
            found.families[Afi::V4 as usize] = true;
        }
        found
    }

    /// What two ends agree on, for what the first one sends.
    fn agree(sender: &Self, receiver: &Self) -> Agreed {
        let both = |one: [bool; 2], other: [bool; 2]| [one[0] && other[0], one[1] && other[1]];
        Agreed {
            wide_as: sender.wide_as.is_some() && receiver.wide_as.is_some(),
            extended: sender.extended && receiver.extended,
            families: both(sender.families, receiver.families),
            paths: both(sender.sends_paths, receiver.takes_paths),
        }
    }
}

fn unicast(afi: WireAfi, safi: Safi) -> Option<Afi> {
    if safi == Safi::Unicast { Afi::of(afi as u16) } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AS4: [u8; 6] = [65, 4, 0, 1, 0, 0];
    const BOTH_FAMILIES: [u8; 12] = [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1];
    const SENDS_PATHS: [u8; 6] = [69, 4, 0, 1, 1, 2];
    const TAKES_PATHS: [u8; 6] = [69, 4, 0, 1, 1, 1];
    /// ORIGIN, an AS_PATH with one AS of four octets, NEXT_HOP.
    const WIDE: [u8; 20] = [0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 1, 0, 0, 0x40, 3, 4, 10, 1, 53, 11];

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(HEADER + body.len()).expect("short");
        [&[0xff; 16][..], &length.to_be_bytes(), &[kind], body].concat()
    }

    fn open(capabilities: &[u8]) -> Vec<u8> {
        let length = capabilities.len() as u8;
        let parameter = if length == 0 { vec![] } else { [&[2, length][..], capabilities].concat() };
        message(1, &[&[4, 0x5b, 0xa0, 0, 10, 10, 1, 53, 11, parameter.len() as u8][..], &parameter].concat())
    }

    fn ends() -> (SocketAddr, SocketAddr) {
        ("10.0.0.1:40000".parse().expect("an end"), "10.0.0.2:179".parse().expect("an end"))
    }

    /// A session in which the ends of [`ends`] said this in their OPENs.
    fn session(one: &[&[u8]], other: &[&[u8]]) -> Opens {
        let mut opens = Opens::default();
        let (here, there) = ends();
        opens.read(here, there, &open(&one.concat()));
        opens.read(there, here, &open(&other.concat()));
        opens
    }

    fn update(attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
        let length = (attributes.len() as u16).to_be_bytes();
        message(UPDATE, &[&[0, 0][..], &length, attributes, nlri].concat())
    }

    fn prefixes(message: &BgpMessage) -> Vec<String> {
        let BgpMessage::Update { announced, .. } = message else { panic!("{message:?}") };
        announced.iter().map(|(prefix, _)| prefix.to_string()).collect()
    }

    #[test]
    fn path_identifiers_are_read_where_one_end_sends_and_the_other_takes_them() {
        let (here, there) = ends();
        let mut opens = session(&[&AS4, &SENDS_PATHS], &[&AS4, &TAKES_PATHS]);
        let with_path = update(&WIDE, &[0, 0, 0, 7, 32, 10, 1, 53, 1]);
        let without = update(&WIDE, &[32, 10, 1, 53, 1]);
        assert_eq!(prefixes(&opens.read(here, there, &with_path)), ["10.1.53.1/32"]);
        assert_eq!(prefixes(&opens.read(there, here, &without)), ["10.1.53.1/32"]);
        assert!(matches!(opens.read(here, there, &without), BgpMessage::Malformed(_)));
        let mut opens = session(&[&AS4, &SENDS_PATHS], &[&AS4, &SENDS_PATHS]);
        assert_eq!(prefixes(&opens.read(here, there, &without)), ["10.1.53.1/32"]);
    }

    #[test]
    fn as_numbers_are_wide_only_if_both_ends_say_so() {
        let (here, there) = ends();
        let narrow =
            update(&[0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0xfd, 0xe9, 0x40, 3, 4, 10, 1, 53, 11], &[32, 10, 1, 53, 1]);
        let mut opens = session(&[&AS4], &[]);
        assert_eq!(prefixes(&opens.read(here, there, &narrow)), ["10.1.53.1/32"]);
        assert!(matches!(opens.read(here, there, &update(&WIDE, &[])), BgpMessage::Malformed(_)));
        let mut opens = session(&[&AS4], &[&AS4]);
        assert!(matches!(opens.read(here, there, &narrow), BgpMessage::Malformed(_)));
    }

    #[test]
    fn a_new_connection_on_the_same_ports_has_negotiated_nothing_yet() {
        let (here, there) = ends();
        let mut opens = session(&[&AS4], &[&AS4]);
        opens.begin(there, here);
        let BgpMessage::Malformed(reason) = opens.read(here, there, &update(&WIDE, &[32, 10, 1, 53, 1])) else {
            panic!("it is read")
        };
        assert!(reason.contains("OPEN"), "{reason}");
        let end_of_rib = BgpMessage::Update { announced: vec![], withdrawn: vec![] };
        assert_eq!(opens.read(here, there, &update(&[], &[])), end_of_rib);
    }

    #[test]
    fn a_long_message_needs_the_capability_of_both() {
        let (here, there) = ends();
        let nlri: Vec<u8> = [32, 10, 1, 53, 1].repeat(1_000);
        let extended: &[u8] = &[6, 0];
        let mut opens = session(&[&AS4], &[&AS4, extended]);
        assert!(matches!(opens.read(here, there, &update(&WIDE, &nlri)), BgpMessage::Malformed(_)));
        let mut opens = session(&[&AS4, extended], &[&AS4, extended]);
        assert_eq!(prefixes(&opens.read(here, there, &update(&WIDE, &nlri))).len(), 1_000);
    }

    #[test]
    fn both_families_of_an_update_are_read() {
        let (here, there) = ends();
        let mut opens = session(&[&AS4, &BOTH_FAMILIES], &[&AS4, &BOTH_FAMILIES]);
        let hop = "10.1.53.11".parse().ok();
        let announced = vec![("10.1.53.1/32".parse().expect("prefix"), hop)];
        let found = opens.read(here, there, &update(&WIDE, &[32, 10, 1, 53, 1]));
        assert_eq!(found, BgpMessage::Update { announced, withdrawn: vec![] });

        // MP_UNREACH_NLRI (RFC 4760, section 4): IPv6 unicast, one /128.
        let v6: std::net::Ipv6Addr = "2001:db8:53::1".parse().expect("address");
        let unreach = [&[0x80, 15, 20, 0, 2, 1, 128][..], &v6.octets()].concat();
        let withdrawn = vec!["2001:db8:53::1/128".parse().expect("prefix")];
        assert_eq!(
            opens.read(here, there, &update(&unreach, &[])),
            BgpMessage::Update { announced: vec![], withdrawn }
        );
    }

    #[test]
    fn an_open_tells_the_wide_as_number() {
        let (here, there) = ends();
        let found = Opens::default().read(here, there, &open(&AS4));
        assert_eq!(found, BgpMessage::Open { asn: 65_536, hold_time: 10 });
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be() {
        let (here, there) = ends();
        let read = |message: &[u8]| Opens::default().read(here, there, message);
        assert!(matches!(read(&message(9, &[])), BgpMessage::Malformed(_)));
        assert!(matches!(read(b"short"), BgpMessage::Malformed(_)));
        assert_eq!(read(&message(3, &[6, 2])), BgpMessage::Notification { code: 6, subcode: 2 });
        assert_eq!(read(&message(4, &[])), BgpMessage::Keepalive);
    }
}
