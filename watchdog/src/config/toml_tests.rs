use super::*;
use crate::service::Through;

/// The README's example, which says all defaults.
fn example() -> Config {
    let readme = include_str!("../../README.md");
    let (_, rest) = readme.split_once("```toml\n").unwrap();
    parse(rest.split_once("```").unwrap().0).unwrap()
}

#[test]
fn the_readme_is_right_about_the_defaults() {
    let config = example();
    let service = &config.services[0];
    assert_eq!(service.judging, Judging::default());
    assert_eq!(service.drain, DRAIN);
    assert_eq!(config.lease, Config::default().lease);
    assert_eq!(service.through, Through::Exabgp { next_hop: None, dialect: ExabgpDialect::V4 });
    assert_eq!(service.binding, Binding::Required);
}

#[test]
fn a_question_without_an_address_is_asked_at_each_of_the_services() {
    let service = &example().services[0];
    let asked: Vec<String> = service
        .checks
        .iter()
        .map(|check| match &check.what {
            What::Dns(dns) => format!("{} {} {} udp={} tcp={}", dns.address, dns.kind, dns.name, dns.udp, dns.tcp),
            other => format!("{other:?}, {:?}", check.scope),
        })
        .collect();
    insta::assert_debug_snapshot!(asked, @r#"
    [
        "10.1.53.1 SOA example.test udp=true tcp=true",
        "2001:db8:53::1 SOA example.test udp=true tcp=true",
        "10.1.53.1 A canary.example.test udp=true tcp=false",
        "2001:db8:53::1 A canary.example.test udp=true tcp=false",
        "Command([\"/usr/local/lib/is-backbone-there\"]), Shared",
    ]
    "#);
}

#[test]
fn mistakes_are_told_with_their_place() {
    let service = "[service.dns]\nthrough = \"exabgp\"\naddresses = [\"10.1.53.1\"]\n";
    let check = "[[service.dns.check]]\ndns = { name = \"example.test\" }\n";
    let error = |text: &str| parse(text).unwrap_err();
    for (text, expected) in [
        (String::new(), "expected at least one [service.NAME], found none"),
        (service.to_owned(), "[service.dns]: expected at least one [[service.dns.check]], found none"),
        (
            format!("{service}asn = 1\n{check}"),
            "[service.dns]: `asn` does not go with `through = \"exabgp\"`: expected `through = \"frr\"`",
        ),
        (format!("{service}fall = 0\n{check}"), "[service.dns]: fall: expected at least 1, found 0"),
        (
            format!("{service}window = {{ failed = 7, of = 6 }}\n{check}"),
            "[service.dns]: window: expected `failed` from 1 to `of`, found 7 of 6",
        ),
        (
            format!("{service}[[service.dns.check]]\nscope = \"shared\"\n"),
            "[service.dns]: check 1: expected one of `dns = { name = ... }`, `tcp = \"ADDRESS:PORT\"`, `command = [...]`",
        ),
        (
            format!("{service}[[service.dns.check]]\ndns = {{ name = \"x.test\", age = \"1s\" }}\n"),
            "[service.dns]: check 1: `age` needs the `primary` whose serial it is compared with",
        ),
        (service.replace("exabgp", "frr") + check, "[service.dns]: `through = \"frr\"` needs `asn`, found none"),
    ] {
        assert_eq!(error(&text), expected);
    }
    for (text, expected) in [
        (format!("{service}intervall = \"1s\"\n{check}"), "unknown field `intervall`"),
        (format!("{service}interval = \"1\"\n{check}"), "expected a number and its unit"),
        (format!("{service}[[service.dns.check]]\ndns = {{ name = \"a..b\" }}\n"), "found `a..b`"),
    ] {
        let error = error(&text);
        assert!(error.contains(expected) && error.contains("line "), "{error}");
    }
}
