use super::*;

fn targets(text: &str) -> Vec<String> {
    parse(Path::new("x.conf"), text).unwrap().iter().map(Target::to_string).collect()
}

fn error(text: &str) -> String {
    parse(Path::new("/etc/nameserver_watchdog.conf"), text).unwrap_err().to_string()
}

#[test]
fn one_line_as_the_perl_script_reads_it() {
    assert_eq!(targets("10.1.53.1:example.test\n"), ["10.1.53.1:example.test"]);
}

#[test]
fn blank_lines_comments_and_blanks_around() {
    let text = "# targets\n\n  10.1.53.1:example.test\r\n\t# more\n10.1.53.2 : example.test";
    assert_eq!(targets(text), ["10.1.53.1:example.test", "10.1.53.2:example.test"]);
}

#[test]
fn ipv6_bare_and_in_brackets() {
    let text = "2001:db8::1:example.test\n[2001:db8::2]:example.test\n::1:test";
    let expected = ["[2001:db8::1]:example.test", "[2001:db8::2]:example.test", "[::1]:test"];
    assert_eq!(targets(text), expected);
}

#[test]
fn the_root_is_a_domain() {
    assert_eq!(targets("127.0.0.1:."), ["127.0.0.1:."]);
}

#[test]
fn errors_name_file_and_line_expected_and_found_and_a_hint() {
    insta::assert_snapshot!(error("10.1.53.1:example.test\n\n10.1.53.1\n"), @"
    /etc/nameserver_watchdog.conf:3: expected `address:domain`, found `10.1.53.1`
    hint: for example `10.1.53.1:example.test` or `[2001:db8::1]:example.test`
    ");
}

#[test]
fn errors_name_what_is_wrong_with_the_line() {
    for (line, expected, found) in [
        ("10.1.53.1:", "`address:domain`", "10.1.53.1:"),
        (":example.test", "`address:domain`", ":example.test"),
        ("10.1.53.300:example.test", "an IPv4 or IPv6 address before the last colon", "10.1.53.300"),
        ("ns.example.test:example.test", "an IPv4 or IPv6 address before the last colon", "ns.example.test"),
        ("2001:db8::1", "an IPv4 or IPv6 address before the last colon", "2001:db8:"),
        ("[10.1.53.1:example.test", "an IPv4 or IPv6 address before the last colon", "[10.1.53.1"),
        ("10.1.53.1:example test", "a domain name after the last colon", "example test"),
        ("10.1.53.1:example..test", "a domain name after the last colon", "example..test"),
    ] {
        let text = error(line);
        let expected = format!("/etc/nameserver_watchdog.conf:1: expected {expected}, found `{found}`\nhint: ");
        assert!(text.starts_with(&expected), "{text}");
    }
}

#[test]
fn no_target_is_an_error() {
    insta::assert_snapshot!(error("# nothing\n"), @"
    /etc/nameserver_watchdog.conf: expected at least one line `address:domain`, found none
    hint: for example `10.1.53.1:example.test`
    ");
}
