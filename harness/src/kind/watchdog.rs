//! Our watchdog: ExaBGP's helper process, or a daemon beside BIRD and FRR.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use protocol::Daemon;

use super::{Kind, Notices, Role, Site};
use crate::spec;

pub(super) struct Watchdog;

/// The name by which ExaBGP's routes and the watchdog's commands refer to each other.
pub(super) const NAME: &str = "anycastdns";

const CONFIG: &str = "/etc/nameserver_watchdog.conf";

/// Its command line.
pub(super) fn command(timers: &spec::Watchdog) -> Vec<String> {
    let spec::Watchdog { interval, fast_interval, timeout, rise, fall } = timers;
    let text = format!(
        "/usr/local/bin/anycast-watchdog --name {NAME} --interval {interval} --fast-interval {fast_interval} \
         --timeout {timeout} --rise {rise} --fall {fall}"
    );
    text.split_whitespace().map(str::to_owned).collect()
}

/// It asks over TCP once in so many questions.
const TCP_IS_SELDOM: u32 = 5;

impl Kind for Watchdog {
    fn name(&self) -> &'static str {
        "watchdog"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Watchdog]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let mut config = String::new();
        for (address, zone) in site.served() {
            writeln!(config, "{address}:{zone}").map_err(|error| error.to_string())?;
        }
        Ok(BTreeMap::from([(CONFIG.to_owned(), config)]))
    }

    /// ExaBGP starts it; beside other speakers it is a daemon of its own.
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        let speaker = site.runs.get(&Role::Speaker).and_then(|product| super::named(&product.kind));
        let Some(through) = speaker.and_then(|kind| kind.through(site)) else { return Vec::new() };
        let mut argv = command(&site.node.watchdog);
        argv.extend(through);
        let argv: Vec<&str> = argv.iter().map(String::as_str).collect();
        vec![site.run(&argv)]
    }

    /// A server fails just after a good answer over TCP, which it is asked for more seldom; then nothing is answered for the timeout, on
    /// two connections, or bad answers come one after the other. It comes back just after a question that waits for its timeout.
    fn notices(&self, timers: &spec::Watchdog) -> Notices {
        let spec::Watchdog { interval, fast_interval, timeout, rise, fall } = timers;
        Notices {
            fall: interval.0 * TCP_IS_SELDOM + timeout.0 * 2 + fast_interval.0 * *fall,
            rise: timeout.0 + fast_interval.0 * *rise,
        }
    }

    fn spoke<'l>(&self, line: &'l str) -> Option<&'l str> {
        line.split_once("anycast-watchdog: ").map(|(_, text)| text)
    }
}
