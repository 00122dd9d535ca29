use super::super::tests::{Case, fired, hold};
use super::*;
use crate::lint;

const GOOD: &str = r#"process watch {
	run /usr/local/bin/anycast-watchdog --interval 1s;
	encoder text;
}
neighbor 10.1.53.254 {
	router-id 10.1.53.11;
	local-address 10.1.53.11;
	local-as 64601;
	peer-as 64601; passive true;
	hold-time 10;
	md5-password s3cret;
	family {
		ipv4 unicast;
		ipv6 unicast;
	}
	api {
		processes [ watch ];
	}
	static {
		route 10.1.53.1/32 next-hop 10.1.53.11 watchdog anycastdns withdraw;
		route 2001:db8:53::1/128 next-hop 2001:db8:53::11 watchdog anycastdns withdraw;
	}
}
"#;

const CASES: &[Case] = &[
    ("\n\t}\n}", "\n\t}\n", &[(5, "braces")]),
    ("hold-time 10;", "process old {\n run /bin/cat;\n}\nhold-time 10;", &[(10, "nested-process")]),
    ("[ watch ]", "[ watch, other ]", &[(17, "undefined-process")]),
    ("\tprocesses [ watch ];\n", "\n", &[(1, "no-api")]),
    ("\tencoder text;\n", "\n", &[(1, "no-encoder")]),
    ("encoder text;", "encoder text; respawn false;", &[(3, "no-respawn")]),
    ("/usr/local/bin/anycast-watchdog", "/opt/other", &[]),
    ("processes [ watch ];", "processes [ watch ]; neighbor-changes;", &[]),
    (
        "run /usr/local/bin/anycast-watchdog --interval 1s",
        "run python3 -m exabgp healthcheck --cmd x",
        &[(1, "healthcheck-stays")],
    ),
    ("run /usr/local/bin/anycast-watchdog --interval 1s", "run exabgp healthcheck --withdraw-on-down", &[]),
    ("--interval 1s", "--name anycast", &[(1, "watchdog-name"), (20, "watchdog-name"), (21, "watchdog-name")]),
    ("--interval 1s", "--name=anycastdns", &[]),
    ("--interval 1s", "--name {{ name }}", &[]),
    ("watchdog anycastdns withdraw;\n\t\troute 2", "watchdog anycast withdraw;\n\t\troute 2", &[(20, "watchdog-name")]),
    ("10.1.53.11 watchdog anycastdns withdraw", "10.1.53.11 watchdog anycastdns", &[(20, "announced-at-start")]),
    ("10.1.53.11 watchdog anycastdns withdraw", "10.1.53.11", &[(20, "unwatched-route")]),
    ("static {", "static { route 10.1.53.0/24 next-hop 10.1.53.11;", &[]),
    ("static {", "static { route {{ prefix }} next-hop {{ v4 }};", &[]),
    ("static {", "static { route 10.9.9.9/32 { next-hop 10.1.53.11; watchdog anycastdns; withdraw; }", &[]),
    ("static {", "announce { ipv4 { unicast 10.9.9.9/32 next-hop 10.1.53.11; } } static {", &[(19, "unwatched-route")]),
    ("\t\tipv4 unicast;\n", "\n", &[(20, "family")]),
    ("\t\tipv6 unicast;\n", "\n", &[(21, "family")]),
    ("ipv6 unicast;\n", "{{ families }};\n", &[]),
    ("next-hop 2001:db8:53::11", "next-hop 10.1.53.11", &[(21, "next-hop")]),
    ("next-hop 2001:db8:53::11", "next-hop self", &[(21, "next-hop")]),
    ("next-hop 2001:db8:53::11", "next-hop {{ v6 }}", &[]),
    (
        "static {",
        "nexthop { ipv6 unicast ipv4; } static { route 2001:db8::1 next-hop 10.0.0.1 watchdog anycastdns withdraw;",
        &[],
    ),
    ("static {", "static { route 2001:db8::1 rd 1:1 label 9 next-hop 10.0.0.1 watchdog anycastdns withdraw;", &[]),
    ("next-hop 10.1.53.11", "next-hop self", &[]),
    ("next-hop 10.1.53.11", "next-hop 10.1.53.1", &[(20, "next-hop")]),
    ("next-hop 10.1.53.11", "next-hop 2001:db8:53::11", &[(20, "next-hop")]),
    ("static {", "static { route 10.1.53.11/32 next-hop self;", &[(19, "unwatched-route")]),
    ("router-id 10.1.53.11", "router-id 10.1.53.1", &[(6, "anycast-identity")]),
    ("hold-time 10;", "hold-time 10; adj-rib-out false;", &[(10, "adj-rib-out")]),
    ("hold-time 10;", "hold-time 10; adj-rib-out true;", &[]),
    ("hold-time 10;", "hold-time 10; capability { graceful-restart 120; }", &[(10, "graceful-restart")]),
    ("hold-time 10;", "hold-time 10; capability { graceful-restart disable; }", &[]),
    ("hold-time 10;", "hold-time 2;", &[(10, "hold-time")]),
    ("hold-time 10;", "hold-time 3;", &[]),
    ("hold-time 10;", "hold-time 0;", &[(10, "long-hold-time")]),
    ("\thold-time 10;\n", "\n", &[(5, "long-hold-time")]),
    ("hold-time 10;", "inherit elsewhere;", &[]),
    ("passive true;", "passive false;", &[(5, "shared-session")]),
    ("hold-time 10;", "hold-time 10; capability { multi-session; }", &[(10, "multi-session")]),
    ("hold-time 10;", "hold-time 10; incoming-ttl 2;", &[(10, "incoming-ttl")]),
    ("s3cret", "deadbeef", &[(11, "hex-md5")]),
    ("s3cret", "\"abcde\"", &[(11, "hex-md5")]),
    ("s3cret", "DEADBEEF", &[]),
    ("s3cret;", "deadbeef; md5-base64 false;", &[]),
    ("s3cret;", "deadbeef; md5-base64 auto;", &[(11, "hex-md5")]),
    ("s3cret;", "czNjcmV0; md5-base64 true;", &[]),
    ("s3cret;", "s3cret; md5-base64 true;", &[(11, "not-base64")]),
    ("s3cret", "s3(cret)!", &[]),
    ("s3cret", "s3,cret", &[(11, "cut-md5")]),
    ("s3cret", "\"s3,c ret\"", &[]),
    ("s3cret", "\"s3\\cret\"", &[(11, "escaped-md5")]),
    ("s3cret", "\"s3\\\\cret\"", &[]),
    (
        "s3cret",
        "123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789x1",
        &[(11, "long-md5")],
    ),
    ("s3cret", "{{ key }}", &[]),
];

#[test]
fn each_rule() {
    hold(GOOD, Dialect::Exabgp, CASES, &["no-helper", "api-events"]);
}

#[test]
fn routes_that_wait_for_nobody() {
    let start = GOOD.find("neighbor").unwrap();
    let alone = GOOD[start..].replace("\tapi {\n\t\tprocesses [ watch ];\n\t}\n", "");
    assert_eq!(fired(&alone, Dialect::Exabgp), [(13, "no-helper")]);
    assert_eq!(fired(&alone.replace(" watchdog anycastdns withdraw", ""), Dialect::Exabgp), []);
}

#[test]
fn a_helper_without_routes() {
    let process = "process w {\n run anycast-watchdog;\n encoder text;\n}\n";
    let neighbor = "neighbor 10.0.0.1 {\n hold-time 9;\n api {\n  processes [ w ];\n }\n}\n";
    assert_eq!(fired(&format!("{process}{neighbor}"), Dialect::Exabgp), [(1, "watchdog-name")]);
    let inherits = neighbor.replace("hold-time 9;", "hold-time 9; inherit elsewhere;");
    assert_eq!(fired(&format!("{process}{inherits}"), Dialect::Exabgp), []);
}

#[test]
fn events_for_a_helper_that_may_not_read_them() {
    let other = GOOD.replace("anycast-watchdog", "other");
    assert_eq!(fired(&other, Dialect::Exabgp), []);
    let events = other.replace("[ watch ];", "[ watch ];\n\t\treceive {\n\t\t\tparsed;\n\t\t}");
    assert_eq!(fired(&events, Dialect::Exabgp), [(18, "api-events")]);
}

#[test]
fn graceful_restart_within_the_hold_time_is_a_note() {
    let severity = |capability: &str| {
        let text = GOOD.replace("hold-time 10;", &format!("hold-time 10; capability {{ {capability} }}"));
        lint(&text, Dialect::Exabgp, "").iter().map(|finding| finding.severity).max()
    };
    assert_eq!(severity("graceful-restart 10;"), Some(Severity::Note));
    // Without a number it is the hold time.
    assert_eq!(severity("graceful-restart;"), Some(Severity::Note));
    assert_eq!(severity("graceful-restart 11;"), Some(Severity::Warning));
}

#[test]
fn what_is_inherited_counts() {
    let text = "template {\n neighbor base {\n  hold-time 2;\n  static {\n   \
                route 10.0.0.1/32 next-hop 10.0.0.2 watchdog a;\n  }\n }\n}\n\
                neighbor 10.0.0.3 {\n inherit base;\n}\nneighbor 10.0.0.4 {\n inherit base;\n hold-time 9;\n}\n";
    assert_eq!(fired(text, Dialect::Exabgp), [(3, "hold-time"), (5, "announced-at-start")]);
    let group = "group a {\n hold-time 9;\n adj-rib-out false;\n neighbor 10.0.0.1 {\n }\n}\n";
    assert_eq!(fired(group, Dialect::Exabgp), [(3, "adj-rib-out")]);
}

/// The scenarios' own files, as Jinja templates and filled in.
#[test]
fn the_scenarios_files_have_at_most_notes() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    for (file, notes) in
        [("anycasting-dns", ["shared-session"].as_slice()), ("provider", &["incoming-ttl", "graceful-restart"])]
    {
        let template = std::fs::read_to_string(folder.join(file).join("exabgp.conf.j2")).unwrap();
        let mut filled = template.clone();
        for (variable, value) in [
            ("v4", "10.1.53.11"),
            ("v6", "2001:db8:53::11"),
            ("address", "2001:db8:1::11"),
            ("router_id", "192.0.2.11"),
            ("as_number", "64601"),
            ("md5_password", "deadbeef"),
            ("md5_base64", "false"),
            ("name | default(\"anycastdns\")", "anycastdns"),
        ] {
            filled = filled.replace(&format!("{{{{ {variable} }}}}"), value);
        }
        assert!(!filled.contains("{{"), "{filled}");
        for text in [template, filled] {
            let findings = lint(&text, Dialect::Exabgp, "anycastdns");
            assert!(findings.iter().all(|finding| finding.severity == Severity::Note), "{findings:?}");
            assert_eq!(Vec::from_iter(findings.iter().map(|finding| finding.rule.id)), notes);
        }
    }
}
