//! anycastd, from PyPI: a daemon that has FRR's bgpd announce prefixes, by vtysh, while Cabourotte says that all is well.
//!
//! Cabourotte is on no registry that images are made from: a program of ours gives the answers of its `command-checks` in its stead.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::Daemon;
use serde_json::{Value, json};

use super::template::fill;
use super::{Kind, Notices, Role, Site, check};
use crate::spec::Watchdog;

pub(super) struct Anycastd;

const CONFIG: &str = "/etc/anycastd/config.toml";
const CHECKS: &str = "/etc/anycastd/checks.json";
const CHECKER: &str = "/usr/local/lib/anycastd/checks";

impl Kind for Anycastd {
    fn name(&self) -> &'static str {
        "anycastd"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Watchdog]
    }

    fn tells(&self, speaker: &str) -> bool {
        speaker == "frr"
    }

    /// A service for each address. One good or bad answer decides, and there is one interval.
    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let timers = &site.node.watchdog;
        let checks: Vec<Value> = site
            .served()
            .map(|(address, zone)| {
                json!({
                    "name": address,
                    "command": check::command(address, zone),
                    "interval": timers.interval.0.as_secs_f64(),
                    "timeout": timers.timeout.0.as_secs_f64(),
                })
            })
            .collect();
        let service = |(address, _): (IpAddr, &str)| json!({ "name": address, "prefix": IpNet::from(address) });
        let services: Vec<Value> = site.served().map(service).collect();
        let values = json!({ "interval": check::seconds(timers.interval), "services": services });
        Ok(BTreeMap::from([
            (CONFIG.to_owned(), fill(include_str!("templates/anycastd.toml"), values)?),
            (CHECKS.to_owned(), serde_json::to_string_pretty(&checks).map_err(|error| error.to_string())?),
            (CHECKER.to_owned(), include_str!("templates/checks.py").to_owned()),
        ]))
    }

    /// Cabourotte's check has a pace, and anycastd's question to it another of the same length.
    fn notices(&self, timers: &Watchdog) -> Notices {
        let decided = timers.interval.0 * 2 + timers.timeout.0;
        Notices { fall: decided, rise: decided }
    }

    /// It ends when bgpd is not there yet, as with systemd it is started after it.
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        let checker = site.run_as("checks", &["python3", CHECKER, CHECKS]);
        let command = "until vtysh -d bgpd -c 'show bgp summary' >/dev/null 2>&1; do sleep 0.1; done; \
                       exec anycastd run --no-color --log-format logfmt";
        vec![checker, site.run(&["sh", "-c", command])]
    }

    fn gives_up(&self, line: &str) -> bool {
        line.contains("denouncing related prefixes")
    }
}
