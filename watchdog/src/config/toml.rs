//! The configuration file in TOML: `[watchdog]` for the process, `[service.NAME]` for each service.

use std::fmt::Display;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::Config;
use super::way::{Way, Word, checked_name};
use crate::duration;
use crate::journal::Format;
use crate::operate::office;
use crate::service::{
    Attributes, Binding, Check, Dns, ExabgpDialect, Expectation, Freshness, FrrBy, HoldDown, Judging, Scope, Service,
    What, Window,
};

#[cfg(test)]
#[path = "toml_tests.rs"]
mod tests;

/// The port of DNS.
pub(super) const DNS: u16 = 53;

/// From a drain that was asked for to the withdrawal.
pub(super) const DRAIN: Duration = Duration::from_secs(10);

/// A zone may be behind its primary for so long: two usual refresh intervals.
const SERIAL_AGE: Duration = Duration::from_secs(2 * 3600);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct File {
    #[serde(default)]
    watchdog: Process,
    #[serde(default)]
    service: indexmap::IndexMap<String, Entry>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Process {
    control: Option<PathBuf>,
    maintenance: Option<PathBuf>,
    metrics: Option<SocketAddr>,
    journal: Option<Format>,
    lease: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    through: Word,
    socket: Option<PathBuf>,
    asn: Option<u32>,
    by: Option<FrrBy>,
    next_hop: Option<String>,
    dialect: Option<ExabgpDialect>,
    start: Option<Vec<String>>,
    process: Option<String>,
    addresses: Vec<IpAddr>,
    #[serde(default)]
    check: Vec<Checking>,
    interval: Option<Span>,
    fast_interval: Option<Span>,
    jitter: Option<u8>,
    timeout: Option<Span>,
    rise: Option<u32>,
    fall: Option<u32>,
    window: Option<Window>,
    hold_down: Option<Holding>,
    #[serde(default)]
    up: Attributes,
    drained: Option<Attributes>,
    drain: Option<Span>,
    #[serde(default)]
    binding: Binding,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Holding {
    within: Option<Span>,
    first: Option<Span>,
    ceiling: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Checking {
    dns: Option<Asking>,
    tcp: Option<SocketAddr>,
    command: Option<Vec<String>>,
    #[serde(default)]
    scope: Scope,
    interval: Option<Span>,
    timeout: Option<Span>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Asking {
    #[serde(deserialize_with = "by_text")]
    name: Name,
    /// Without: each of the service's addresses.
    address: Option<IpAddr>,
    #[serde(default = "dns_port")]
    port: u16,
    #[serde(rename = "type", default = "soa", deserialize_with = "by_text")]
    kind: RecordType,
    #[serde(default = "yes")]
    udp: bool,
    #[serde(default = "yes")]
    tcp: bool,
    source: Option<IpAddr>,
    rcode: Option<String>,
    #[serde(default)]
    aa: bool,
    #[serde(default)]
    nodata: bool,
    answer: Option<String>,
    primary: Option<SocketAddr>,
    age: Option<Span>,
    rrsig: Option<Span>,
}

fn dns_port() -> u16 {
    DNS
}

fn soa() -> RecordType {
    RecordType::SOA
}

fn yes() -> bool {
    true
}

fn by_text<'de, D: Deserializer<'de>, T: FromStr<Err: Display>>(deserializer: D) -> Result<T, D::Error> {
    let text = String::deserialize(deserializer)?;
    text.parse().map_err(|error| D::Error::custom(format!("{error}, found `{text}`")))
}

/// A duration with its unit.
#[derive(Debug, Clone, Copy)]
struct Span(Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        duration::parse(&text).map(Self).map_err(D::Error::custom)
    }
}

fn or(span: Option<Span>, default: Duration) -> Duration {
    span.map_or(default, |Span(duration)| duration)
}

/// Reads the file's text.
///
/// # Errors
/// In words, with the line and a caret where TOML knows it.
pub(super) fn parse(text: &str) -> Result<Config, String> {
    let file: File = toml::from_str(text).map_err(|error| error.to_string().trim_end().to_owned())?;
    let defaults = Config::default();
    let mut services = Vec::new();
    for (name, entry) in file.service {
        services.push(service(&name, entry).map_err(|reason| format!("[service.{name}]: {reason}"))?);
    }
    if services.is_empty() {
        return Err("expected at least one [service.NAME], found none".to_owned());
    }
    Ok(Config {
        services,
        office: office::Options {
            control: file.watchdog.control,
            metrics: file.watchdog.metrics,
            maintenance: file.watchdog.maintenance,
            journal: file.watchdog.journal,
        },
        lease: or(file.watchdog.lease, defaults.lease),
        ..defaults
    })
}

fn service(name: &str, entry: Entry) -> Result<Service, String> {
    checked_name(name, entry.through)?;
    if entry.addresses.is_empty() {
        return Err("expected addresses, such as `addresses = [\"10.1.53.1\"]`, found none".to_owned());
    }
    let defaults = Judging::default();
    let hold_down = entry.hold_down.map_or(defaults.hold_down, |holding| HoldDown {
        within: or(holding.within, defaults.hold_down.within),
        first: or(holding.first, defaults.hold_down.first),
        ceiling: or(holding.ceiling, defaults.hold_down.ceiling),
    });
    let judging = Judging {
        interval: or(entry.interval, defaults.interval),
        fast_interval: or(entry.fast_interval, defaults.fast_interval),
        jitter: entry.jitter.unwrap_or(defaults.jitter).min(100),
        timeout: or(entry.timeout, defaults.timeout),
        rise: at_least_one("rise", entry.rise, defaults.rise)?,
        fall: at_least_one("fall", entry.fall, defaults.fall)?,
        window: entry.window.unwrap_or(defaults.window),
        hold_down,
    };
    let Window { failed, of } = judging.window;
    if failed == 0 || failed > of {
        return Err(format!("window: expected `failed` from 1 to `of`, found {failed} of {of}"));
    }
    let mut checks = Vec::new();
    for (number, checking) in (1..).zip(entry.check) {
        checks.extend(check(checking, &entry.addresses).map_err(|reason| format!("check {number}: {reason}"))?);
    }
    if checks.is_empty() {
        return Err(format!("expected at least one [[service.{name}.check]], found none"));
    }
    let way = Way {
        socket: entry.socket,
        asn: entry.asn,
        by: entry.by,
        next_hop: entry.next_hop,
        dialect: entry.dialect,
        start: entry.start,
        process: entry.process,
    };
    Ok(Service {
        name: name.to_owned(),
        addresses: entry.addresses,
        checks,
        judging,
        through: way.through(entry.through)?,
        up: entry.up,
        drained: entry.drained.unwrap_or_else(graceful_shutdown),
        drain: or(entry.drain, DRAIN),
        binding: entry.binding,
    })
}

fn at_least_one(key: &str, found: Option<u32>, default: u32) -> Result<u32, String> {
    match found {
        Some(0) => Err(format!("{key}: expected at least 1, found 0")),
        found => Ok(found.unwrap_or(default)),
    }
}

/// One entry asks every address of the service, unless it names its own.
fn check(checking: Checking, addresses: &[IpAddr]) -> Result<Vec<Check>, String> {
    let Checking { scope, dns, tcp, command, .. } = checking;
    let whats = match (dns, tcp, command) {
        (Some(asking), None, None) => questions(&asking, addresses)?,
        (None, Some(server), None) => vec![What::Tcp { address: server.ip(), port: server.port() }],
        (None, None, Some(command)) if !command.is_empty() => vec![What::Command(command)],
        _ => {
            return Err(
                "expected one of `dns = { name = ... }`, `tcp = \"ADDRESS:PORT\"`, `command = [...]`".to_owned()
            );
        }
    };
    let span = |span: Option<Span>| span.map(|Span(duration)| duration);
    let (interval, timeout) = (span(checking.interval), span(checking.timeout));
    Ok(whats.into_iter().map(|what| Check { what, scope, interval, timeout }).collect())
}

fn questions(asking: &Asking, addresses: &[IpAddr]) -> Result<Vec<What>, String> {
    if !asking.udp && !asking.tcp {
        return Err("expected UDP or TCP or both, found `udp = false, tcp = false`".to_owned());
    }
    let serial = match (asking.primary, asking.age) {
        (Some(primary), age) => Some(Freshness { primary: (primary.ip(), primary.port()), age: or(age, SERIAL_AGE) }),
        (None, Some(_)) => return Err("`age` needs the `primary` whose serial it is compared with".to_owned()),
        (None, None) => None,
    };
    let expect = Expectation {
        rcode: asking.rcode.clone(),
        aa: asking.aa,
        nodata: asking.nodata,
        answer: asking.answer.clone(),
        serial,
        rrsig: asking.rrsig.map(|Span(duration)| duration),
    };
    let ask = |address: IpAddr| {
        What::Dns(Box::new(Dns {
            address,
            port: asking.port,
            name: asking.name.clone(),
            kind: asking.kind,
            udp: asking.udp,
            tcp: asking.tcp,
            source: asking.source,
            expect: expect.clone(),
        }))
    };
    Ok(asking.address.map_or_else(|| addresses.to_vec(), |address| vec![address]).into_iter().map(ask).collect())
}

/// What routes carry while drained, unless it is said: GRACEFUL_SHUTDOWN, and the lowest preference (RFC 8326, section 4).
pub(super) fn graceful_shutdown() -> Attributes {
    Attributes { local_pref: Some(0), communities: vec!["65535:0".to_owned()], ..Attributes::default() }
}
