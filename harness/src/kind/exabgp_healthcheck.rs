//! The health checker that comes with ExaBGP: a helper process for each address, which says the route itself.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use protocol::Daemon;
use serde_json::json;

use super::template::fill;
use super::{Kind, Leaves, Notices, Role, Site, check};
use crate::spec::Watchdog;

pub(super) struct ExabgpHealthcheck;

impl Kind for ExabgpHealthcheck {
    fn name(&self) -> &'static str {
        "exabgp-healthcheck"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Watchdog]
    }

    fn tells(&self, speaker: &str) -> bool {
        speaker == "exabgp"
    }

    fn leaves(&self) -> Leaves {
        Leaves::Nothing
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let timers = &site.node.watchdog;
        let mut files = BTreeMap::new();
        for (number, Route { address, zone, next_hop, local_pref }) in routes(site)?.into_iter().enumerate() {
            let values = json!({
                "command": check::command(address, zone),
                "interval": check::seconds(timers.interval),
                "fast_interval": check::seconds(timers.fast_interval),
                "timeout": whole_seconds(timers).as_secs(),
                "rise": timers.rise,
                "fall": timers.fall,
                "address": address,
                "next_hop": next_hop,
                "local_pref": local_pref,
            });
            let text = fill(include_str!("templates/exabgp-healthcheck.conf"), values)?;
            files.insert(config(number), text);
        }
        Ok(files)
    }

    fn helpers(&self, site: &Site<'_>) -> Result<Option<Vec<(String, String)>>, String> {
        let version = site.runs.get(&Role::Speaker).map_or("", |product| product.version.as_str());
        // Debian's is among the system's modules; PyPI's is in an environment of its own.
        let python = if version.starts_with("4.") { "/usr/bin/python3" } else { "/opt/exabgp/bin/python3" };
        let helper = |number: usize| {
            let run = format!("{python} -m exabgp healthcheck --config {}", config(number));
            (format!("healthcheck-{}", number + 1), run)
        };
        Ok(Some((0..routes(site)?.len()).map(helper).collect()))
    }

    /// Its timeout is in whole seconds; while it counts, it asks at the faster pace.
    fn notices(&self, timers: &Watchdog) -> Notices {
        let round = timers.fast_interval.0 + whole_seconds(timers);
        Notices { fall: timers.interval.0 + round * timers.fall, rise: timers.interval.0 + round * timers.rise }
    }

    /// ExaBGP starts it.
    fn daemons(&self, _site: &Site<'_>) -> Vec<Daemon> {
        Vec::new()
    }

    fn gives_up(&self, line: &str) -> bool {
        line == "send announces for DOWN state to ExaBGP"
    }

    /// `WARNING[healthcheck] Check command was unsuccessful: 9`; that of ExaBGP 4 says no more than this, and only warns.
    fn spoke<'l>(&self, line: &'l str) -> Option<&'l str> {
        let plain = ["Check command was unsuccessful", "Timeout ("].iter().any(|words| line.starts_with(words));
        let text = line.split_once("[healthcheck] ").map(|(_, text)| text).or(plain.then_some(line));
        // It says so every interval.
        text.filter(|text| !text.starts_with("send announces for UP"))
    }
}

fn whole_seconds(timers: &Watchdog) -> Duration {
    Duration::from_secs(timers.timeout.0.as_millis().div_ceil(1000).try_into().unwrap_or(u64::MAX))
}

fn config(number: usize) -> String {
    format!("/etc/exabgp/healthcheck-{}.conf", number + 1)
}

struct Route<'s> {
    address: IpAddr,
    zone: &'s str,
    next_hop: IpAddr,
    local_pref: Option<u32>,
}

/// What is announced; to all neighbours with the same next hop, as it has one option for all.
fn routes<'s>(site: &'s Site<'_>) -> Result<Vec<Route<'s>>, String> {
    let mut routes: Vec<Route<'s>> = Vec::new();
    for session in site.sessions {
        for announcement in site.announcements(session)? {
            let (address, next_hop) = (announcement.prefix.addr(), announcement.next_hop);
            match routes.iter().find(|route| route.address == address) {
                Some(route) if route.next_hop == next_hop => {}
                Some(route) => {
                    return Err(format!("{address} would have two next hops, {} and {next_hop}", route.next_hop));
                }
                None => {
                    let zone = site.served().find(|(served, _)| *served == address).map_or("", |(_, zone)| zone);
                    routes.push(Route { address, zone, next_hop, local_pref: announcement.local_pref });
                }
            }
        }
    }
    Ok(routes)
}

#[cfg(test)]
mod tests {
    use crate::kind::{gives_up, speaker_of};

    #[test]
    fn its_lines_are_told_from_exabgps() {
        // ExaBGP 5's checker, ExaBGP 4's, and ExaBGP itself.
        let (daemon, text) = speaker_of("speaker", "INFO[healthcheck] send announces for DOWN state to ExaBGP");
        assert_eq!((daemon, gives_up(text)), ("watchdog", true));
        let (daemon, text) = speaker_of("speaker", "Check command was unsuccessful: 1");
        assert_eq!((daemon, gives_up(text)), ("watchdog", false));
        for line in ["INFO[healthcheck] send announces for UP state to ExaBGP", "reactor connected to peer-1"] {
            assert_eq!(speaker_of("speaker", line), ("speaker", line));
        }
    }
}
