//! The BGP sessions that a configuration file declares, in one form for all daemons.

use std::net::{IpAddr, Ipv4Addr};

use super::Dialect;
use super::{bird, exabgp, frr};

/// One end of a BGP session, as far as the file says. What it does not say, or what is inherited from another file, is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Declared {
    /// The line, from 1, at which the neighbour begins.
    pub line: usize,
    /// The neighbour's address.
    pub peer: IpAddr,
    /// The address that this end connects from.
    pub local: Option<IpAddr>,
    /// This end's AS number.
    pub local_as: Option<u32>,
    /// The AS number that the neighbour must have.
    pub peer_as: Option<u32>,
    /// This end's BGP identifier (RFC 4271, section 4.2).
    pub router_id: Option<Ipv4Addr>,
    /// Whether a TCP MD5 key (RFC 2385) is set.
    pub has_key: Option<bool>,
    /// Whether IPv4 unicast and IPv6 unicast are exchanged, in this order.
    pub families: Option<[bool; 2]>,
}

/// The sessions in a file, from its first line to its last; none where the file cannot be read as one of its daemon's.
///
/// Neighbours whose address is a variable, a range or an interface are left out.
#[must_use]
pub fn declared(text: &str, dialect: Dialect) -> Vec<Declared> {
    match dialect {
        Dialect::Exabgp => exabgp::declared(text),
        Dialect::Bird => bird::declared(text),
        Dialect::Frr => frr::declared(text),
    }
}

/// A number as daemons write AS numbers: plain, or as `high.low` (RFC 5396, asdot).
pub(crate) fn asn(text: &str) -> Option<u32> {
    match text.split_once('.') {
        None => text.parse().ok(),
        Some((high, low)) => Some(u32::from(high.parse::<u16>().ok()?) << 16 | u32::from(low.parse::<u16>().ok()?)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str, dialect: Dialect) -> Declared {
        let found = declared(text, dialect);
        assert_eq!(found.len(), 1, "{found:?}");
        found.into_iter().next().unwrap()
    }

    #[test]
    fn exabgp_says_all_of_it_in_the_neighbour() {
        let text = "neighbor 10.1.53.254 {\n local-address 10.1.53.11;\n router-id 10.1.53.11;\n local-as 64601;\n \
                    peer-as 64.512;\n md5-password \"x\";\n family { ipv4 unicast; }\n}\n";
        let expected = Declared {
            line: 1,
            peer: "10.1.53.254".parse().unwrap(),
            local: Some("10.1.53.11".parse().unwrap()),
            local_as: Some(64601),
            peer_as: Some(64 * 65536 + 512),
            router_id: Some(Ipv4Addr::new(10, 1, 53, 11)),
            has_key: Some(true),
            families: Some([true, false]),
        };
        assert_eq!(one(text, Dialect::Exabgp), expected);
    }

    #[test]
    fn what_is_inherited_from_elsewhere_is_not_known() {
        let found = one("neighbor 10.1.53.254 {\n inherit elsewhere;\n}\n", Dialect::Exabgp);
        assert_eq!((found.has_key, found.families, found.local_as), (None, None, None));
        let found = one("protocol bgp up from elsewhere {\n neighbor 10.1.53.254 as 64601;\n}\n", Dialect::Bird);
        assert_eq!((found.has_key, found.families, found.peer_as), (None, None, Some(64601)));
    }

    #[test]
    fn bird_has_its_router_id_outside_and_its_families_as_channels() {
        let text = "router id 192.0.2.1;\nprotocol bgp up {\n local 10.1.53.254 as 64601;\n \
                    neighbor 10.1.53.11 internal;\n ipv4 { import all; };\n}\n";
        let found = one(text, Dialect::Bird);
        assert_eq!((found.line, found.peer_as, found.local_as), (2, Some(64601), Some(64601)));
        assert_eq!((found.has_key, found.families), (Some(false), Some([true, false])));
        assert_eq!(found.router_id, Some(Ipv4Addr::new(192, 0, 2, 1)));
        let found = one("protocol bgp { neighbor 2001:db8::1 as 1; password \"x\"; ipv6 {}; }", Dialect::Bird);
        assert_eq!((found.has_key, found.families, found.local_as), (Some(true), Some([false, true]), None));
    }

    #[test]
    fn frr_says_it_line_by_line_and_of_groups() {
        let text = "router bgp 64601\n bgp router-id 192.0.2.9\n neighbor up peer-group\n neighbor up remote-as external\n \
                    neighbor up password x\n neighbor 10.1.53.254 peer-group up\n neighbor fe80::1 remote-as internal\n \
                    neighbor 10.1.53.254 update-source 10.1.53.11\n address-family ipv6 unicast\n  neighbor up activate\n";
        let found = declared(text, Dialect::Frr);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!((found[0].line, found[0].peer_as, found[0].local_as), (6, None, Some(64601)));
        assert_eq!((found[0].has_key, found[0].families), (Some(true), Some([true, true])));
        assert_eq!(found[0].local, Some("10.1.53.11".parse().unwrap()));
        assert_eq!((found[1].peer_as, found[1].has_key), (Some(64601), Some(false)));
    }

    #[test]
    fn what_is_no_address_is_left_out() {
        assert_eq!(declared("neighbor {{ peer }} { local-as 1; }", Dialect::Exabgp), []);
        assert_eq!(declared("protocol bgp { neighbor range 10.0.0.0/8 internal; }", Dialect::Bird), []);
        assert_eq!(declared("router bgp 1\n neighbor eth0 interface remote-as external\n", Dialect::Frr), []);
    }
}
