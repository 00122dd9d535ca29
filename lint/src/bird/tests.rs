use super::super::tests::{Case, fired, hold};
use super::*;
use crate::lint;

const GOOD: &str = r#"log stderr all;
router id 10.1.53.11;
protocol device { }
protocol static anycastdns_v4 {
	disabled;
	ipv4;
	route 10.1.53.1/32 blackhole;
}
protocol static anycastdns_v6 {
	disabled;
	ipv6;
	route 2001:db8:53::1/128 blackhole;
}
protocol static others {
	ipv4;
	route 192.0.2.0/24 via 10.1.53.254;
}
template bgp router {
	hold time 10;
	error wait time 1, 5;
	password "s3cret";
}
protocol bgp r1 from router {
	local 10.1.53.11 as 64601;
	neighbor 10.1.53.254 as 64602;
	ipv4 { import none; export where source = RTS_STATIC; };
}
protocol bgp r2 from router {
	local 2001:db8:53::11 as 64601;
	neighbor 2001:db8:53::fe as 64602;
	ipv6 { import none; export where source = RTS_STATIC; };
}
"#;

const CASES: &[Case] = &[
    ("5;\n\tpassword \"s3cret\";\n}", "5;\n\tpassword \"s3cret\";\n", &[(18, "braces")]),
    ("\tdisabled;\n\tipv4", "\tipv4", &[(4, "announced-at-start")]),
    ("disabled;\n\tipv4", "disabled no;\n\tipv4", &[(4, "announced-at-start")]),
    ("anycastdns_v4 {", "anycastdns_v4 from elsewhere {", &[]),
    ("192.0.2.0/24 via 10.1.53.254", "192.0.2.1/32 blackhole", &[(16, "unwatched-route")]),
    ("192.0.2.0/24 via 10.1.53.254", "192.0.2.1/32 via 10.1.53.254", &[]),
    ("\tipv4;\n\troute 192.0.2.0/24 via 10.1.53.254", "\tipv4 { import none; };\n\troute 192.0.2.1/32 blackhole", &[]),
    ("log stderr all;", "cli \"/run/bird/bird.ctl\" { restrict; }", &[(1, "restricted-socket")]),
    ("log stderr all;", "cli \"/run/bird/looking-glass.ctl\" { restrict; }", &[]),
    ("local 10.1.53.11", "local 10.1.53.1", &[(24, "anycast-identity")]),
    ("ipv6 { import none", "ipv6 { import limit 9 action block; export limit 9; import none", &[]),
    ("ipv6 { import none", "ipv6 { import limit 9 action block", &[(31, "no-policy")]),
    ("\tipv6 { import none; export where source = RTS_STATIC; };\n", "", &[(9, "no-channel")]),
    ("hold time 10;", "hold time 10; ipv6 { import none; export all; };", &[(23, "shared-session")]),
    (
        "ipv6 { import none; export where source = RTS_STATIC",
        "ipv6 { import none; export where source = RTS_BGP",
        &[(9, "no-export")],
    ),
    ("ipv6 { import none; export where source = RTS_STATIC", "ipv6 { import none; export none", &[(9, "no-export")]),
    ("ipv6 { import none; export where source = RTS_STATIC", "ipv6 { import none; export filter mine", &[]),
    (
        "ipv6 { import none; export where source = RTS_STATIC",
        "ipv6 { import none; export where net ~ [ 2001:db8::/32{48,128} ]",
        &[],
    ),
    (
        "ipv6 { import none; export where source = RTS_STATIC; }",
        "ipv6 { import none; }",
        &[(9, "no-export"), (31, "no-policy")],
    ),
    ("ipv6 { import none; export", "ipv6 { export", &[(31, "no-policy")]),
    ("64602;\n\tipv4 { import none; export", "64601;\n\tipv4 { export", &[]),
    ("protocol device { }", "protocol direct { ipv4; }", &[]),
    ("ipv4 { import none; export where source = RTS_STATIC", "ipv4 { import none; export all", &[]),
    ("hold time 10;", "hold time 10; graceful restart on;", &[(19, "graceful-restart"), (19, "graceful-restart")]),
    ("hold time 10;", "hold time 10; graceful restart time 60;", &[]),
    ("hold time 10;", "hold time 10; graceful restart aware;", &[]),
    ("\thold time 10;\n", "\n", &[(23, "long-hold-time"), (28, "long-hold-time")]),
    ("hold time 10;", "hold time 0;", &[(19, "long-hold-time"), (19, "long-hold-time")]),
    ("hold time 10;", "hold time 180;", &[(19, "long-hold-time"), (19, "long-hold-time")]),
    ("\terror wait time 1, 5;\n", "\n", &[(23, "error-wait"), (28, "error-wait")]),
    ("hold time 10;", "hold time 10; bfd on;", &[(23, "no-bfd-protocol"), (28, "no-bfd-protocol")]),
    ("protocol device { }", "protocol bfd { } template bgp x { bfd on; }", &[]),
    ("hold time 10;", "hold time 10; disabled;", &[(19, "shutdown"), (19, "shutdown")]),
    ("\"s3cret\"", "s3cret", &[(21, "unquoted-password"), (21, "unquoted-password")]),
    ("\"s3cret\"", "KEY", &[(21, "unquoted-password"), (21, "unquoted-password")]),
    ("log stderr all;", "define s3cret = \"x\";", &[]),
    ("\"s3cret\"", "{{ key }}", &[]),
    (
        "s3cret",
        "123456789x123456789x123456789x123456789x123456789x123456789x123456789x123456789x1",
        &[(21, "long-md5"), (21, "long-md5")],
    ),
];

#[test]
fn each_rule() {
    hold(GOOD, Dialect::Bird, CASES, &["connected-exported", "no-ecmp", "graceful-restart-aware"]);
}

#[test]
fn a_constant_may_be_the_key() {
    let text = GOOD.replace("\"s3cret\"", "KEY").replace("log stderr all;", "define KEY = \"s3cret\";");
    assert_eq!(fired(&text, Dialect::Bird), []);
    let text = GOOD.replace("\"s3cret\"", "KEY").replace("log stderr all;", "include \"keys.conf\";");
    assert_eq!(fired(&text, Dialect::Bird), []);
}

#[test]
fn connected_networks() {
    let with = |direct: &str, export: &str| {
        let text = GOOD.replace("protocol device { }", direct).replacen("export where source = RTS_STATIC", export, 1);
        fired(&text, Dialect::Bird)
    };
    let fires = [(23, "connected-exported")];
    assert_eq!(with("protocol direct { ipv4; ipv6; }", "export all"), fires);
    assert_eq!(
        with("protocol direct { ipv4; interface \"lo\", \"eth*\"; }", "export where source = RTS_DEVICE")[1..],
        fires
    );
    for direct in
        ["{ disabled; ipv4; }", "{ ipv6; }", "{ ipv4; interface \"eth*\"; }", "{ ipv4; interface \"-lo\", \"*\"; }"]
    {
        assert_eq!(with(&format!("protocol direct {direct}"), "export all"), [], "{direct}");
    }
    assert_eq!(with("protocol direct { ipv4; }", "export filter mine"), []);
}

const ROUTER: &str = r#"protocol kernel {
	ipv4 { import none; export where source = RTS_BGP; };
	merge paths on;
}
template bgp servers {
	local 10.1.53.254 as 64601;
	hold time 10;
	error wait time 1, 5;
	graceful restart off;
	ipv4 { import all; export none; };
}
protocol bgp a from servers { neighbor 10.1.53.11 as 64601; }
protocol bgp b from servers { neighbor 10.1.53.12 as 64601; }
"#;

#[test]
fn a_router() {
    let with = |from: &str, to: &str| fired(&ROUTER.replace(from, to), Dialect::Bird);
    assert_eq!(with("", ""), []);
    assert_eq!(with("merge paths on", "merge paths off"), [(1, "no-ecmp")]);
    assert_eq!(with("\tmerge paths on;\n", "\n"), [(1, "no-ecmp")]);
    assert_eq!(
        with("graceful restart off", "keepalive time 3"),
        [(12, "graceful-restart-aware"), (13, "graceful-restart-aware")]
    );
    // A router may restart gracefully itself.
    assert_eq!(with("graceful restart off", "graceful restart on"), []);
    // One server has nobody to share with.
    assert_eq!(with("merge paths on;\n}", "}\nprotocol bgp c { disabled; }").first(), Some(&(1, "no-ecmp")));
    let one = ROUTER.lines().filter(|line| !line.starts_with("protocol bgp b") && !line.contains("merge"));
    assert_eq!(fired(&Vec::from_iter(one).join("\n"), Dialect::Bird), []);
}

#[test]
fn the_watchdogs_name_can_be_another() {
    let ids = |name| {
        lint(&GOOD.replace("disabled;", ""), Dialect::Bird, name)
            .iter()
            .map(|f| (f.line, f.rule.id))
            .collect::<Vec<_>>()
    };
    assert_eq!(ids("anycastdns_v4"), [(4, "announced-at-start"), (12, "unwatched-route")]);
    assert_eq!(ids("x"), [(7, "unwatched-route"), (12, "unwatched-route")]);
}

#[test]
fn restart_within_the_hold_time_is_a_note() {
    let severity = |options: &str| {
        let text = GOOD.replace("hold time 10;", &format!("hold time 10; graceful restart on; {options}"));
        lint(&text, Dialect::Bird, "anycastdns").first().map(|finding| finding.severity)
    };
    assert_eq!(severity("graceful restart time 10;"), Some(Severity::Note));
    assert_eq!(severity("graceful restart time 11;"), Some(Severity::Warning));
    assert_eq!(severity("graceful restart time 10; long lived graceful restart on;"), Some(Severity::Warning));
}

/// With BFD a minute's wait follows interruptions that nobody would have seen.
#[test]
fn error_wait_is_worse_with_bfd() {
    let severity =
        |from: &str, to: &str| lint(&GOOD.replace(from, to), Dialect::Bird, "anycastdns").first().map(|f| f.severity);
    assert_eq!(severity("error wait time 1, 5", "bfd off"), Some(Severity::Note));
    assert_eq!(severity("error wait time 1, 5", "bfd on"), Some(Severity::Warning));
}
