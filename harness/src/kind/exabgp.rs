//! ExaBGP 4 and 5: announces a node's service addresses, one static route each, when its watchdog tells it to.

use std::collections::BTreeMap;

use protocol::Daemon;
use serde::Serialize;
use serde_json::json;

use super::template::fill;
use super::{Kind, Role, Site, watchdog};

pub(super) struct Exabgp;

const CONFIG: &str = "/etc/exabgp/exabgp.conf";

#[derive(Serialize)]
struct Neighbor {
    remote: String,
    local: String,
    local_asn: u32,
    remote_asn: u32,
    hold_time: u64,
    routes: Vec<Route>,
}

#[derive(Serialize)]
struct Route {
    prefix: String,
    next_hop: String,
}

impl Kind for Exabgp {
    fn name(&self) -> &'static str {
        "exabgp"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Speaker]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let mut neighbors = Vec::new();
        for session in site.sessions {
            let mut routes = Vec::new();
            for (address, _) in site.served() {
                let next_hop =
                    session.next_hops.iter().find(|hop| hop.is_ipv4() == address.is_ipv4()).ok_or_else(|| {
                        format!(
                            "{address} has no next hop: `{}` has no address of that family toward `{}`",
                            site.name, session.peer
                        )
                    })?;
                let prefix = format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 });
                routes.push(Route { prefix, next_hop: next_hop.to_string() });
            }
            neighbors.push(Neighbor {
                remote: session.remote.to_string(),
                local: session.local.to_string(),
                local_asn: session.local_asn,
                remote_asn: session.remote_asn,
                hold_time: session.hold_time,
                routes,
            });
        }
        let values = json!({
            "router_id": site.router_id(),
            "helper": site.watchdog().map(watchdog::command),
            "watchdog_name": watchdog::NAME,
            "waits": site.waits(),
            "neighbors": neighbors,
        });
        Ok(BTreeMap::from([(CONFIG.to_owned(), fill(include_str!("templates/exabgp.conf"), values)?)]))
    }

    /// As root, because a node has no other users; without its command line's named pipes; logging to stdout.
    fn daemon(&self, site: &Site<'_>) -> Option<Daemon> {
        let mut daemon = site.run(&["exabgp", CONFIG]);
        for (key, value) in [
            ("exabgp_daemon_user", "root"),
            ("exabgp_api_cli", "false"),
            ("exabgp_log_destination", "stdout"),
            ("exabgp_log_short", "true"),
        ] {
            daemon.env.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        Some(daemon)
    }
}
