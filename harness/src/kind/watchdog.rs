//! Our watchdog, as ExaBGP's helper process.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use protocol::Daemon;

use super::{Kind, Role, Site};
use crate::spec;

pub(super) struct Watchdog;

/// The name by which ExaBGP's routes and the watchdog's commands refer to each other.
pub(super) const NAME: &str = "anycastdns";

const CONFIG: &str = "/etc/nameserver_watchdog.conf";

/// The helper's command line.
pub(super) fn command(timers: &spec::Watchdog) -> String {
    let spec::Watchdog { interval, fast_interval, timeout, rise, fall } = timers;
    format!(
        "/usr/local/bin/anycast-watchdog --name {NAME} --interval {interval} --fast-interval {fast_interval} \
         --timeout {timeout} --rise {rise} --fall {fall}"
    )
}

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

    /// ExaBGP starts it.
    fn daemon(&self, _site: &Site<'_>) -> Option<Daemon> {
        None
    }

    fn spoke<'l>(&self, line: &'l str) -> Option<&'l str> {
        line.split_once("anycast-watchdog: ").map(|(_, text)| text)
    }
}
