use super::super::tests::{Case, fired, hold};
use super::*;
use crate::lint;
use std::collections::BTreeSet;

const GOOD: &str = r#"frr version 10.3
frr defaults traditional
ip prefix-list anycast permit 10.1.53.1/32
ipv6 prefix-list anycast permit 2001:db8:53::1/128
!
interface lo
 ip address 10.1.53.1/32
!
route-map anycast permit 10
 match ip address prefix-list anycast
!
router bgp 64601
 bgp router-id 10.1.53.11
 no bgp default ipv4-unicast
 no bgp network import-check
 bgp graceful-restart-disable
 neighbor 10.1.53.254 remote-as 64602
 neighbor 10.1.53.254 timers 3 10
 neighbor 10.1.53.254 timers connect 1
 neighbor 10.1.53.254 password s3cret
 !
 address-family ipv4 unicast
  neighbor 10.1.53.254 activate
  neighbor 10.1.53.254 route-map anycast out
 exit-address-family
 !
 address-family ipv6 unicast
  neighbor 10.1.53.254 activate
  neighbor 10.1.53.254 prefix-list anycast out
 exit-address-family
exit
"#;

const CASES: &[Case] = &[
    (" unicast\n", " unicast\n  network 10.1.53.1/32\n", &[(23, "announced-at-start")]),
    (" unicast\n", " unicast\n  network 10.1.53.0/24\n", &[(23, "unwatched-route")]),
    (" unicast\n", " unicast\n  network 192.0.2.0/24\n", &[]),
    (" unicast\n", " unicast\n  redistribute connected\n", &[(23, "connected-exported")]),
    (" unicast\n", " unicast\n  redistribute connected route-map some\n", &[]),
    (" no bgp network import-check\n", " !\n", &[(12, "import-check")]),
    // Its own address is no anycast address.
    (" unicast\n", " unicast\n  network 10.1.53.11/32\n", &[]),
    ("  neighbor 10.1.53.254 route-map anycast out\n", "", &[(17, "no-policy")]),
    ("  neighbor 10.1.53.254 prefix-list anycast out\n", "", &[(17, "no-policy")]),
    ("remote-as 64602", "remote-as external", &[]),
    (" unicast\n  neighbor 10.1.53.254 activate\n", " unicast\n", &[(23, "not-activated")]),
    (" unicast\n", " unicast\n  maximum-paths 1\n", &[(23, "no-ecmp")]),
    (" unicast\n", " unicast\n  maximum-paths 16\n", &[]),
    (" bgp graceful-restart-disable\n", " !\n", &[(17, "graceful-restart")]),
    (
        "graceful-restart-disable\n",
        "graceful-restart-disable\n neighbor 10.1.53.254 graceful-restart\n",
        &[(17, "graceful-restart")],
    ),
    (" neighbor 10.1.53.254 timers 3 10\n", " !\n", &[(17, "long-hold-time")]),
    (" neighbor 10.1.53.254 timers 3 10\n", " timers bgp 3 10\n", &[]),
    (" neighbor 10.1.53.254 timers 3 10\n", " neighbor 10.1.53.254 bfd\n", &[]),
    ("timers 3 10", "timers 30 90", &[(18, "long-hold-time")]),
    ("timers 3 10", "timers 0 0", &[(18, "long-hold-time")]),
    (" neighbor 10.1.53.254 timers connect 1\n", " !\n", &[(17, "slow-connect")]),
    (" neighbor 10.1.53.254 timers connect 1\n", " neighbor 10.1.53.254 passive\n", &[]),
    ("password s3cret", "shutdown message later", &[(20, "shutdown")]),
    (" bgp router-id 10.1.53.11", " bgp shutdown", &[(13, "shutdown")]),
    (" bgp router-id 10.1.53.11", " bgp graceful-shutdown", &[(13, "drained")]),
    ("s3cret", "\"s3cret\"", &[(20, "quoted-password")]),
    (
        "s3cret",
        "123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789x1",
        &[(20, "long-md5")],
    ),
];

#[test]
fn each_rule() {
    hold(GOOD, Dialect::Frr, CASES, &[]);
}

#[test]
fn policy_is_required_of_some_only() {
    let bare = GOOD
        .replace("  neighbor 10.1.53.254 route-map anycast out\n", "")
        .replace(" no bgp network import-check\n", " !\n");
    let ids = |from: &str, to: &str| {
        Vec::from_iter(fired(&bare.replace(from, to), Dialect::Frr).into_iter().map(|(_, id)| id))
    };
    assert_eq!(ids("", ""), ["import-check", "no-policy"]);
    assert_eq!(ids("remote-as 64602", "remote-as 64601"), ["import-check"]);
    assert_eq!(ids("defaults traditional", "defaults datacenter"), ["import-check"]);
    assert_eq!(ids("version 10.3", "version 7.3.1"), [""; 0]);
    assert_eq!(ids(" bgp router-id", " no bgp ebgp-requires-policy\n bgp router-id"), ["import-check"]);
}

#[test]
fn an_ipv6_neighbour_needs_no_policy_for_ipv4_that_nobody_asked_for() {
    let text = "router bgp 1\n timers bgp 3 9\n neighbor 2001:db8::1 remote-as 2\n \
                neighbor 2001:db8::1 timers connect 1\n \
                address-family ipv4 unicast\n exit-address-family\n address-family ipv6 unicast\n  \
                neighbor 2001:db8::1 activate\n  neighbor 2001:db8::1 route-map a out\n exit-address-family\n";
    assert_eq!(fired(text, Dialect::Frr), []);
    let asked = text.replace("ipv4 unicast\n", "ipv4 unicast\n  neighbor 2001:db8::1 activate\n");
    assert_eq!(fired(&asked, Dialect::Frr), [(3, "no-policy")]);
}

/// What a router has is no trap: it takes routes, and gives none of its own.
#[test]
fn a_router() {
    let router = r#"ip prefix-list anycast permit 10.1.53.1/32
router bgp 64602
 neighbor servers peer-group
 neighbor servers remote-as 64601
 neighbor servers timers 3 10
 neighbor servers timers connect 1
 neighbor servers prefix-list anycast in
 neighbor 10.1.53.11 peer-group servers
 neighbor 192.0.2.1 remote-as 64602
 neighbor 192.0.2.1 timers 3 10
 neighbor 192.0.2.1 timers connect 1
 neighbor 192.0.2.1 prefix-list anycast out
"#;
    assert_eq!(fired(router, Dialect::Frr), []);
    let connected = format!("{router} redistribute connected\n");
    assert_eq!(fired(&connected, Dialect::Frr), []);
    let connected = format!("interface lo\n ip address 192.0.2.7/32\n{connected}");
    let findings = lint(&connected, Dialect::Frr, "");
    assert_eq!(
        Vec::from_iter(findings.iter().map(|f| (f.rule.id, f.severity))),
        [("connected-exported", Severity::Note)]
    );
    let open = router.replace(" neighbor servers prefix-list anycast in\n", "");
    assert!(fired(&open, Dialect::Frr).iter().any(|(_, id)| *id == "no-policy"));
}

#[test]
fn activation() {
    let six = "router bgp 64601\n timers bgp 3 10\n neighbor 2001:db8::1 remote-as 64601\n \
               neighbor 2001:db8::1 timers connect 1\n address-family ipv6 unicast\n  redistribute static\n exit-address-family\n";
    assert_eq!(fired(six, Dialect::Frr), [(5, "not-activated")]);
    let ids = |from: &str, to: &str| fired(&six.replace(from, to), Dialect::Frr);
    assert_eq!(ids("  redistribute", "  neighbor 2001:db8::1 activate\n  redistribute"), []);
    assert_eq!(ids("  redistribute", "  no neighbor 2001:db8::1 activate\n  redistribute"), [(5, "not-activated")]);
    assert_eq!(ids(" timers bgp", " bgp default ipv6-unicast\n timers bgp"), []);
    // Without routes the family is meant for nobody.
    assert_eq!(ids("  redistribute static\n", ""), []);
    assert_eq!(
        ids(" timers bgp", " no bgp default ipv4-unicast\n timers bgp"),
        [(4, "not-activated"), (6, "not-activated")]
    );
    let group = six.replace("  redistribute", "  neighbor g activate\n  redistribute").replace(
        "timers connect 1\n",
        "timers connect 1\n neighbor g peer-group\n neighbor 2001:db8::1 peer-group g\n",
    );
    assert_eq!(fired(&group, Dialect::Frr), []);
    let evpn = "router bgp 1\n no bgp default ipv4-unicast\n timers bgp 3 9\n neighbor 10.0.0.1 remote-as 1\n \
                neighbor 10.0.0.1 timers connect 1\n address-family l2vpn evpn\n  neighbor 10.0.0.1 activate\n";
    assert_eq!(fired(evpn, Dialect::Frr), []);
}

#[test]
fn restart_within_the_hold_time_is_a_note() {
    let severity = |time: &str| {
        let text = GOOD.replace("graceful-restart-disable", &format!("graceful-restart restart-time {time}"));
        lint(&text, Dialect::Frr, "").first().map(|finding| (finding.rule.id, finding.severity))
    };
    assert_eq!(severity("10"), Some(("graceful-restart", Severity::Note)));
    assert_eq!(severity("60"), Some(("graceful-restart", Severity::Warning)));
}

/// Quagga has families for IPv6 only.
#[test]
fn quagga() {
    let text = "hostname bgpd\npassword zebra\nrouter bgp 64601\n bgp router-id 10.1.53.11\n network 10.1.53.1/32\n \
                neighbor 10.1.53.254 remote-as 64601\n neighbor 10.1.53.254 timers 3 10\nline vty\n";
    let ids = BTreeSet::from_iter(fired(text, Dialect::Frr).into_iter().map(|(_, id)| id));
    assert_eq!(ids, BTreeSet::from(["announced-at-start", "graceful-restart", "import-check", "slow-connect"]));
}
