//! anycast-healthchecker, from PyPI: a daemon that writes which prefixes BIRD may export, and has BIRD read that anew.

use std::collections::BTreeMap;

use protocol::Daemon;
use serde_json::json;

use super::template::fill;
use super::{Kind, Leaves, Role, Site, bird, check};

pub(super) struct AnycastHealthchecker;

const CONFIG: &str = "/etc/anycast-healthchecker.conf";

/// A list that BIRD's configuration includes: of IPv4 and of IPv6.
pub(super) struct List {
    /// `ipv4`, as BIRD calls the family.
    pub family: &'static str,
    /// The file, which defines it.
    pub path: &'static str,
    /// What it is called there.
    pub name: &'static str,
    /// What is on it always, as BIRD knows no empty lists; of the blocks for documentation.
    dummy: &'static str,
}

pub(super) const LISTS: [List; 2] = [
    List {
        family: "ipv4",
        path: "/var/lib/anycast-healthchecker/anycast-prefixes.conf",
        name: "ACAST_PS_ADVERTISE",
        dummy: "203.0.113.255/32",
    },
    List {
        family: "ipv6",
        path: "/var/lib/anycast-healthchecker/6/anycast-prefixes.conf",
        name: "ACAST6_PS_ADVERTISE",
        dummy: "2001:db8:ffff::ffff/128",
    },
];

impl Kind for AnycastHealthchecker {
    fn name(&self) -> &'static str {
        "anycast-healthchecker"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Watchdog]
    }

    fn tells(&self, speaker: &str) -> bool {
        speaker == "bird"
    }

    fn leaves(&self) -> Leaves {
        Leaves::Lists
    }

    /// Its own file, and the lists as they are before the first check: nothing is announced. It has no other interval while a
    /// service is down or about to be.
    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let timers = &site.node.watchdog;
        let service = |(address, zone)| json!({ "address": address, "command": check::command(address, zone) });
        let [v4, v6] = LISTS.map(|list| json!({ "path": list.path, "name": list.name, "dummy": list.dummy }));
        let values = json!({
            "v4": v4,
            "v6": v6,
            "socket": bird::SOCKET,
            "interval": check::seconds(timers.interval),
            "timeout": check::seconds(timers.timeout),
            "rise": timers.rise,
            "fall": timers.fall,
            "services": site.served().map(service).collect::<Vec<_>>(),
        });
        let config = fill(include_str!("templates/anycast-healthchecker.conf"), values)?;
        let empty =
            |list: &List| (list.path.to_owned(), format!("define {} =\n\t[\n\t\t{}\n\t];\n", list.name, list.dummy));
        Ok(LISTS.iter().map(empty).chain([(CONFIG.to_owned(), config)]).collect())
    }

    /// It tells each check on stderr, where a watchdog's decisions are expected: on stdout it is recorded, and not shown.
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        let command = format!("exec anycast-healthchecker --file {CONFIG} --dir /etc/anycast-healthchecker.d 2>&1");
        vec![site.run(&["sh", "-c", &command])]
    }

    fn gives_up(&self, line: &str) -> bool {
        line.contains("changed to DOWN")
    }
}
