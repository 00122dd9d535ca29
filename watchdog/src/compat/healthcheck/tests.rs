use std::collections::BTreeMap;
use std::fmt::Write;

use clap::CommandFactory;

use super::*;

/// `lo` as on a host with two labelled addresses, and what everybody has.
fn lo() -> Vec<Bound> {
    let bound = |address: &str, prefix, label: Option<&str>| Bound {
        address: address.parse().unwrap(),
        prefix,
        label: label.map(str::to_owned),
    };
    vec![
        bound("127.0.0.1", 8, None),
        bound("192.0.2.53", 32, Some("dns1")),
        bound("192.0.2.54", 32, Some("dns2")),
        bound("198.51.100.80", 32, Some("haproxy")),
        bound("203.0.113.7", 24, None),
        bound("::1", 128, None),
        bound("2001:db8::53", 128, None),
    ]
}

/// As a shell divides it, for what stands in `run ...;` of exabgp.conf.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (None, ' ') => words.push(String::new()),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => words.last_mut().unwrap().push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

const FILE: &str = "# dns-lb-1\n\ndebug\nname = dns-lb-1\nip = 192.0.2.53\nnext-hop = 192.0.2.1\ncommand = dig @192.0.2.53 a \
                    example.test +short\ndisable = /etc/exabgp/dns-lb-1.disable\ninterval = 5\nfast-interval = 1\nrise = 5\n\
                    fall = 2\nwithdraw-on-down\n";

fn read(path: &Path) -> io::Result<String> {
    match path.to_str() {
        Some("/etc/exabgp/dns-lb-1") => Ok(FILE.to_owned()),
        Some("/etc/exabgp/sections") => Ok("\n[check]\ntype = http\n".to_owned()),
        _ => Err(io::ErrorKind::NotFound.into()),
    }
}

fn translated(line: &str) -> Result<Translation, HealthcheckError> {
    translate(&words(line), &lo(), read)
}

fn service(line: &str) -> Service {
    let translation = translated(line).unwrap();
    assert_eq!(translation.services.len(), 1, "{line}");
    translation.services[0].clone()
}

#[test]
fn the_flags_are_consistent() {
    Flags::command().debug_assert();
}

/// Lines as they stand in documentation, articles and questions, with other names and addresses.
#[test]
fn real_command_lines() {
    let mut text = String::new();
    for line in [
        "--cmd \"curl -sf http://127.0.0.1/healthcheck\" --label haproxy",
        "--config /etc/exabgp/dns-lb-1",
        "--cmd 'dig @127.0.0.1 example.test' --ip 192.0.2.53/32 --withdraw-on-down --no-syslog --no-ip-setup -i 1 -f 0.2 -t 1 \
         --rise 2 --fall 2",
        "-s --name dns --cmd 'nc -z -w2 localhost 53' --ip 192.0.2.53 --ip 2001:db8::53 --start-ip 1 --next-hop 192.0.2.1 \
         --community '64500:1 no-export' --disabled-community 64500:9 --disable /run/dns.off --up-metric 10 --down-metric 90 \
         --disabled-metric 50 --increase 20",
        "--command=/bin/check --ip 192.0.2.0/31 --deaggregate-networks --increase 0 --withdraw-on-down --dynamic-ip-setup \
         --as-path 64500 --local-preference 200 --no-ack --pid /run/hc.pid \
         --execute 'logger $STATE' --up-execute 'a' --up-execute 'b'",
    ] {
        let translation = translated(line).unwrap();
        writeln!(text, "$ {line}\n{translation:#?}\n").unwrap();
    }
    insta::assert_snapshot!(text);
}

/// All flags of both versions: what becomes of each.
#[test]
fn every_flag_is_taken_or_refused() {
    let base = translated("--ip 192.0.2.53 -c true --increase 0").unwrap();
    let mut fates = BTreeMap::new();
    for flag in [
        "--silent",
        "-s",
        "--syslog-facility",
        "--syslog-facility local0",
        "-sF local0",
        "-sF",
        "--no-syslog",
        "--debug",
        "-d",
        "--no-ack",
        "-a",
        "--sudo",
        "--name x",
        "-n x",
        "--config /etc/exabgp/dns-lb-1",
        "-F /etc/exabgp/dns-lb-1",
        "--config /nowhere",
        "--config /etc/exabgp/sections",
        "--pid /run/x",
        "-p /run/x",
        "--user nobody",
        "--group nogroup",
        "--interval 2",
        "-i 0.5",
        "--interval 0",
        "--interval -1",
        "--interval inf",
        "--fast-interval 0.1",
        "-f 0.1",
        "--fast-interval 0",
        "--timeout 2",
        "-t 2",
        "--timeout 0",
        "--timeout 1.5",
        "--rise 1",
        "--rise 0",
        "--rise -1",
        "--fall 1",
        "--fall 0",
        "--disable /run/off",
        "--command false",
        "--cmd false",
        "-c false",
        "--next-hop 192.0.2.1",
        "-N 192.0.2.1",
        "--next-hop self",
        "--ip 192.0.2.54",
        "--ip 192.0.2.0/24",
        "--ip 192.0.2.1/24",
        "--ip dns.example",
        "--ip-ifname 192.0.2.53%eth0",
        "--ip-ifname 192.0.2.53%eth0 --no-ip-setup",
        "--local-preference 200",
        "--local-preference -1",
        "--deaggregate-networks",
        "--deaggregate-networks --ip 10.0.0.0/8",
        "--no-ip-setup",
        "--dynamic-ip-setup",
        "--label dns",
        "--label-exact-match",
        "--start-ip 1",
        "--up-metric 1",
        "--up-metric -1",
        "--down-metric 1",
        "--disabled-metric 1",
        "--increase 5",
        "--community 64500:1",
        "--community no-export",
        "--community 64500:70000",
        "--community target:1:1",
        "--extended-community target:1:1",
        "--large-community 1:2:3",
        "--disabled-community 64500:9",
        "--as-path '64500 64500'",
        "--as-path 64500",
        "--as-path '64500 64501'",
        "--up-as-path '64500 64500'",
        "--down-as-path '64500 64500'",
        "--disabled-as-path '64500 64500'",
        "--withdraw-on-down",
        "--withdraw",
        "--path-id 1",
        "--neighbor 192.0.2.1",
        "--neighbor '*'",
        "--debounce",
        "--execute a",
        "--up-execute a",
        "--down-execute a",
        "--disabled-execute a",
        "--name 'x y'",
        "--nonsense",
    ] {
        let fate = match translated(&format!("--ip 192.0.2.53 -c true --increase 0 {flag}")) {
            Ok(same) if same == base => "takes it; the default".to_owned(),
            Ok(other) => differences(&base, &other),
            Err(HealthcheckError::Flags(error)) => error.to_string().lines().next().unwrap().to_owned(),
            Err(error) => error.to_string(),
        };
        fates.insert(flag, fate);
    }
    let text: String =
        fates.iter().map(|(flag, fate)| format!("{flag}\n    {}\n", fate.replace('\n', "\n    "))).collect();
    insta::assert_snapshot!(text);
}

/// The lines in which two translations differ.
fn differences(base: &Translation, other: &Translation) -> String {
    let (base, other) = (format!("{base:#?}"), format!("{other:#?}"));
    let mut left: Vec<&str> = base.lines().map(str::trim).collect();
    let mut new = Vec::new();
    for line in other.lines().map(str::trim) {
        match left.iter().position(|one| *one == line) {
            Some(index) => drop(left.remove(index)),
            None => new.push(line),
        }
    }
    new.join("\n")
}

#[test]
fn the_flags_of_both_versions_are_all_known() {
    let mut known: Vec<String> =
        Flags::command().get_arguments().filter_map(|arg| arg.get_long().map(str::to_owned)).collect();
    known.sort();
    insta::assert_snapshot!(known.join(" "));
}

#[test]
fn a_label_chooses_addresses_on_lo() {
    let addresses = |line: &str| {
        let translation = translated(line).unwrap();
        translation.services.iter().flat_map(|service| &service.addresses).map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(addresses("--label dns"), ["192.0.2.53", "192.0.2.54"]);
    assert_eq!(addresses("--label dns1 --label-exact-match"), ["192.0.2.53"]);
    assert_eq!(addresses(""), ["192.0.2.53", "192.0.2.54", "198.51.100.80", "2001:db8::53"]);
    assert_eq!(addresses("--label dns --start-ip 1"), ["192.0.2.54", "192.0.2.53"]);
    assert_eq!(addresses("--label dns --start-ip -1"), ["192.0.2.54", "192.0.2.53"]);
    insta::assert_snapshot!(translated("--label mail").unwrap_err(), @r"
    --ip: expected at least one address, found none, nor one on lo that is labelled lo:mail
    hint: name them with --ip, or bind them to lo before
    ");
}

#[test]
fn without_withdraw_on_down_failures_drain() {
    let [stays, goes] = ["", "--withdraw-on-down"].map(|flag| service(&format!("--ip 192.0.2.53 -c true {flag}")));
    assert_eq!(stays.checks[0].scope, crate::service::Scope::Shared);
    assert_eq!((stays.up.med, stays.drained.med), (Some(100), Some(1000)));
    assert_eq!(goes.checks[0].scope, crate::service::Scope::Local);
    assert!(goes.drain.is_zero());
}

#[test]
fn what_cannot_fail_is_only_ever_disabled() {
    let service = service("--ip 192.0.2.53 --disable /run/off");
    assert!(service.checks.is_empty());
    assert_eq!(service.drained.med, Some(500));
}

#[test]
fn flags_count_for_more_than_the_file_and_addresses_add_up() {
    let translation = translated("--config /etc/exabgp/dns-lb-1 --rise 7 --ip 192.0.2.54 --increase 0").unwrap();
    let service = &translation.services[0];
    assert_eq!((service.judging.rise, service.judging.fall), (7, 2));
    assert_eq!(service.addresses.len(), 2);
}

#[test]
fn it_is_called_by_its_name_or_as_a_subcommand() {
    let flags = |line: &str| flags_in(&words(line)).map(<[String]>::to_vec);
    assert_eq!(flags("/usr/bin/exabgp-healthcheck -s"), Some(vec!["-s".to_owned()]));
    assert_eq!(flags("anycast-watchdog healthcheck -s"), Some(vec!["-s".to_owned()]));
    assert_eq!(flags("anycast-watchdog --name healthcheck"), None);
    assert_eq!(flags("exabgp-healthcheck"), Some(Vec::new()));
    assert_eq!(flags_in(&[]), None);
}

#[test]
fn lo_has_the_loopback_address() {
    let bound = on_lo().unwrap();
    assert!(bound.contains(&Bound { address: "127.0.0.1".parse().unwrap(), prefix: 8, label: None }), "{bound:?}");
}
