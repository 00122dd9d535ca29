//! For each rule a file in which it fires, and one in which it does not; the catalog; what is printed.

use std::collections::BTreeSet;
use std::path::Path;

use super::*;

/// A change of a good file, and the rules that then fire, with their lines.
pub(super) type Case = (&'static str, &'static str, &'static [(usize, &'static str)]);

pub(super) fn fired(text: &str, dialect: Dialect) -> Vec<(usize, &'static str)> {
    lint(text, dialect, "anycastdns").iter().map(|finding| (finding.line, finding.rule.id)).collect()
}

/// Each case fires what it says and nothing else, the good file nothing at all, and no rule is without a case, except
/// for those that have tests of their own.
pub(super) fn hold(good: &str, dialect: Dialect, cases: &[Case], elsewhere: &[&str]) {
    assert_eq!(fired(good, dialect), [], "the good file");
    assert_eq!(Dialect::of(good), Some(dialect));
    let mut missing: BTreeSet<&str> = rules().filter(|rule| rule.dialect == dialect).map(|rule| rule.id).collect();
    for (from, to, expected) in cases {
        assert!(good.contains(from), "{from}");
        assert_eq!(fired(&good.replacen(from, to, 1), dialect), *expected, "{from} -> {to}");
        expected.iter().for_each(|(_, id)| {
            missing.remove(id);
        });
    }
    missing.retain(|id| !elsewhere.contains(id));
    assert!(missing.is_empty(), "no case for {missing:?}");
}

#[test]
fn a_rule_has_one_name_for_a_daemon() {
    let all = Vec::from_iter(rules().map(|rule| (rule.dialect.name(), rule.id)));
    assert_eq!(BTreeSet::from_iter(&all).len(), all.len());
    for rule in rules() {
        assert!(rule.reason.ends_with('.') && !rule.hint.ends_with('.') && !rule.summary.contains('|'), "{}", rule.id);
    }
}

/// `LINT.md` ends with their table; to write it anew: UPDATE_LINT_MD=1 cargo test -p anycast-lint.
#[test]
fn the_document_has_all_rules() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("LINT.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let row = |rule: &Rule| {
        let (summary, reason) = (rule.summary.replace('|', "\\|"), rule.reason);
        format!(
            "| {} | `{}` | {} | {summary} | {reason} *{}* | {} |\n",
            rule.dialect.name(),
            rule.id,
            rule.severity.name(),
            rule.source,
            rule.hint
        )
    };
    let head = "| Daemon | Rule | | Trap | Why | Remedy |\n|---|---|---|---|---|---|\n";
    let (before, _) = text.split_once(head).unwrap();
    let wanted = format!("{before}{head}{}", rules().map(row).collect::<String>());
    if std::env::var_os("UPDATE_LINT_MD").is_some() {
        std::fs::write(&path, &wanted).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&path).unwrap(), wanted, "UPDATE_LINT_MD=1 writes the table anew");
}

#[test]
fn whose_configuration_it_is() {
    for (text, dialect) in [
        ("neighbor 10.0.0.1 {\n}", Some(Dialect::Exabgp)),
        ("template {\n neighbor a {\n", Some(Dialect::Exabgp)),
        ("process w {", Some(Dialect::Exabgp)),
        ("log syslog all;\nrouter id 10.0.0.1;", Some(Dialect::Bird)),
        ("protocol device\n{\n}", Some(Dialect::Bird)),
        ("template bgp a {", Some(Dialect::Bird)),
        ("frr version 10.3\n", Some(Dialect::Frr)),
        ("hostname a\nrouter bgp 64601\n neighbor 10.0.0.1 remote-as 1", Some(Dialect::Frr)),
        ("options { directory \"/\"; };", None),
        ("", None),
    ] {
        assert_eq!(Dialect::of(text), dialect, "{text}");
    }
}

#[test]
fn for_people() {
    let text = "neighbor 10.1.53.254 {\n hold-time 10;\n static {\n  \
                route 10.1.53.1/32 next-hop 10.1.53.11 watchdog a;\n  \
                route 10.1.53.2/32 next-hop 10.1.53.11 watchdog a;\n }\n adj-rib-out false;\n}";
    let findings = lint(text, Dialect::Exabgp, "");
    insta::assert_snapshot!(print::for_people(Path::new("exabgp.conf"), &findings), @r"
    exabgp.conf:4: error[announced-at-start]: route 10.1.53.1/32 has `watchdog a` and no `withdraw`
    exabgp.conf:5: error[announced-at-start]: route 10.1.53.2/32 has `watchdog a` and no `withdraw`
        ExaBGP announces the route as soon as the session is up, before the first check: after a restart queries
        come to a server that may not run yet. (ExaBGP 4.2 rib/outgoing.py add_to_rib_watchdog())
        hint: write `watchdog NAME withdraw`
    exabgp.conf:7: warning[adj-rib-out]: neighbor 10.1.53.254: ExaBGP does not keep what it has sent
        ExaBGP forgets what it has sent. When the session comes back the route does not, and `announce watchdog`
        once more changes nothing: ExaBGP takes it for announced. The server is lost until its next failure, and
        nobody notices. (ExaBGP 4.2 and 5.0 rib/outgoing.py)
        hint: remove the line, or write `adj-rib-out true;`
    ");
}

#[test]
fn for_programs() {
    let findings = lint("router bgp 64601\n neighbor 10.0.0.1 shutdown\n", Dialect::Frr, "");
    let lines = print::for_programs(Path::new("frr.conf"), &findings);
    let all = Vec::from_iter(lines.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()));
    let shutdown = all.iter().find(|line| line["rule"] == "shutdown").unwrap();
    assert_eq!(shutdown["file"], "frr.conf");
    assert_eq!(
        (&shutdown["line"], &shutdown["severity"], &shutdown["daemon"]),
        (&2.into(), &"warning".into(), &"frr".into())
    );
    assert_eq!(shutdown["what"], "neighbor 10.0.0.1 is shut down");
}

#[test]
fn no_key_is_printed() {
    for key in ["0123456789abc", "aSecret aSecret", "aSecret\\n", &"aSecret".repeat(12)] {
        for (dialect, text) in [
            (Dialect::Exabgp, format!("neighbor 10.0.0.1 {{\n md5-password {key};\n}}")),
            (Dialect::Exabgp, format!("neighbor 10.0.0.1 {{\n md5-base64 true;\n md5-password \"{key}\";\n}}")),
            (Dialect::Bird, format!("protocol bgp a {{\n password {key};\n}}")),
            (Dialect::Bird, format!("protocol bgp a {{\n password \"{key}\";\n}}")),
            (Dialect::Frr, format!("router bgp 1\n neighbor 10.0.0.1 password \"{key}\"\n")),
        ] {
            let findings = lint(&text, dialect, "anycastdns");
            let printed =
                print::for_people(Path::new("a"), &findings) + &print::for_programs(Path::new("a"), &findings);
            assert!(
                !findings.is_empty() && !printed.contains("aSecret") && !printed.contains("0123456789abc"),
                "{printed}"
            );
        }
    }
}

proptest::proptest! {
    #[test]
    fn nothing_makes_it_panic(words in proptest::collection::vec(proptest::sample::select(WORDS), 0..60)) {
        for dialect in [Dialect::Exabgp, Dialect::Bird, Dialect::Frr] {
            let findings = lint(&words.join(" "), dialect, "anycastdns");
            assert_eq!(print::for_people(Path::new("a"), &findings).is_empty(), findings.is_empty());
        }
    }
}

/// What the rules look for, in any order.
const WORDS: &[&str] = &[
    "neighbor",
    "10.0.0.1",
    "2001:db8::1",
    "{",
    "}",
    ";",
    "\n",
    "process",
    "run",
    "anycast-watchdog",
    "--name",
    "api",
    "processes",
    "[",
    "]",
    "static",
    "route",
    "10.1.53.1/32",
    "next-hop",
    "self",
    "watchdog",
    "withdraw",
    "hold-time",
    "2",
    "md5-password",
    "md5-base64",
    "true",
    "family",
    "ipv4",
    "ipv6",
    "unicast",
    "capability",
    "graceful-restart",
    "inherit",
    "template",
    "a",
    "protocol",
    "bgp",
    "anycastdns",
    "disabled",
    "export",
    "all",
    "where",
    "source",
    "=",
    "RTS_STATIC",
    "from",
    "password",
    "direct",
    "kernel",
    "hold",
    "time",
    "router",
    "64601",
    "remote-as",
    "network",
    "address-family",
    "activate",
    "timers",
    "connect",
    "peer-group",
    "exit",
    "no",
    "route-map",
    "out",
    "\"",
    "local",
    "as",
    "interface",
    "lo",
    "ip",
    "address",
    "frr",
    "version",
    "9",
    "maximum-paths",
    "1",
    "redistribute",
    "connected",
];
