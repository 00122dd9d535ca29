//! BGP messages, from octets to what a check asks for.

use std::net::IpAddr;

use bgpkit_parser::models::capabilities::BgpCapabilityType;
use bgpkit_parser::models::{
    AsnLength, BgpMessage as Parsed, BgpOpenMessage, BgpUpdateMessage, CapabilityValue, ParamValue,
};
use bgpkit_parser::parser::bgp::parse_bgp_message;
use bytes::Bytes;
use ipnet::IpNet;

use crate::history::BgpMessage;

/// Reads one message, header included. AS numbers in UPDATEs are taken to be of four octets (RFC 6793), as all daemons here
/// negotiate.
pub(super) fn read(message: &[u8]) -> BgpMessage {
    let mut octets = Bytes::copy_from_slice(message);
    match parse_bgp_message(&mut octets, false, &AsnLength::Bits32) {
        Ok(Parsed::Open(open)) => BgpMessage::Open { asn: asn(&open), hold_time: open.hold_time },
        Ok(Parsed::KeepAlive) => BgpMessage::Keepalive,
        Ok(Parsed::Update(update)) => read_update(&update),
        Ok(Parsed::Notification(notification)) => {
            let (code, subcode) = notification.error.get_codes();
            BgpMessage::Notification { code, subcode }
        }
        Ok(Parsed::RouteRefresh(_)) => BgpMessage::Other(5),
        Err(error) => BgpMessage::Malformed(error.to_string()),
    }
}

fn asn(open: &BgpOpenMessage) -> u32 {
    let capabilities = open.opt_params.iter().filter_map(|param| match &param.param_value {
        ParamValue::Capacities(capabilities) => Some(capabilities),
        ParamValue::Raw(_) => None,
    });
    let four_octets = capabilities.flatten().find_map(|capability| match (&capability.ty, &capability.value) {
        (BgpCapabilityType::SUPPORT_FOR_4_OCTET_AS_NUMBER_CAPABILITY, CapabilityValue::FourOctetAs(wide)) => {
            Some(wide.asn)
        }
        _ => None,
    });
    four_octets.unwrap_or_else(|| open.asn.to_u32())
}

fn read_update(update: &BgpUpdateMessage) -> BgpMessage {
    let hop: Option<IpAddr> = update.attributes.next_hop();
    let mut announced: Vec<(IpNet, Option<IpAddr>)> =
        update.announced_prefixes.iter().map(|p| (p.prefix, hop)).collect();
    let mut withdrawn: Vec<IpNet> = update.withdrawn_prefixes.iter().map(|p| p.prefix).collect();
    if let Some(nlri) = update.attributes.get_reachable_nlri() {
        let hop = nlri.next_hop.map(|hop| hop.addr());
        announced.extend(nlri.prefixes.iter().map(|p| (p.prefix, hop)));
    }
    if let Some(nlri) = update.attributes.get_unreachable_nlri() {
        withdrawn.extend(nlri.prefixes.iter().map(|p| p.prefix));
    }
    BgpMessage::Update { announced, withdrawn }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(19 + body.len()).expect("short");
        [&[0xff; 16][..], &length.to_be_bytes(), &[kind], body].concat()
    }

    #[test]
    fn both_families_of_an_update_are_read() {
        let origin_path_hop = [0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 3, 4, 10, 1, 53, 11];
        let body = [&[0, 0, 0, 14][..], &origin_path_hop, &[32, 10, 1, 53, 1]].concat();
        let hop = "10.1.53.11".parse().ok();
        let announced = vec![("10.1.53.1/32".parse().expect("prefix"), hop)];
        assert_eq!(read(&message(2, &body)), BgpMessage::Update { announced, withdrawn: vec![] });

        // MP_UNREACH_NLRI (RFC 4760, section 4): IPv6 unicast, one /128.
        let v6: std::net::Ipv6Addr = "2001:db8:53::1".parse().expect("address");
        let unreach = [&[0x80, 15, 20, 0, 2, 1, 128][..], &v6.octets()].concat();
        let body = [&[0, 0, 0, 23][..], &unreach].concat();
        let withdrawn = vec!["2001:db8:53::1/128".parse().expect("prefix")];
        assert_eq!(read(&message(2, &body)), BgpMessage::Update { announced: vec![], withdrawn });
    }

    #[test]
    fn an_open_tells_the_wide_as_number() {
        let capability = [2, 6, 65, 4, 0, 1, 0, 0];
        let body = [&[4, 0x5b, 0xa0, 0, 10, 10, 1, 53, 11, 8][..], &capability].concat();
        assert_eq!(read(&message(1, &body)), BgpMessage::Open { asn: 65_536, hold_time: 10 });
    }

    #[test]
    fn what_cannot_be_read_is_said_to_be() {
        assert!(matches!(read(&message(9, &[])), BgpMessage::Malformed(_)));
        assert!(matches!(read(b"short"), BgpMessage::Malformed(_)));
        assert_eq!(read(&message(3, &[6, 2])), BgpMessage::Notification { code: 6, subcode: 2 });
        assert_eq!(read(&message(4, &[])), BgpMessage::Keepalive);
    }
}
