//! ExaBGP 3.4 to 5: announces a node's service addresses, one static route each, when its watchdog tells it to.

use std::collections::BTreeMap;

use protocol::{Action, Daemon, Signal};
use serde::Serialize;
use serde_json::json;

use super::template::fill;
use super::{Announcement, Kind, Leaves, Role, Session, Site, watchdog};

pub(super) struct Exabgp;

const CONFIG: &str = "/etc/exabgp/exabgp.conf";

#[derive(Serialize)]
struct Neighbor {
    remote: String,
    local: String,
    local_asn: u32,
    remote_asn: u32,
    hold_time: u64,
    md5: Option<String>,
    md5_base64: Option<bool>,
    outgoing_ttl: Option<u8>,
    incoming_ttl: Option<u8>,
    graceful_restart: Option<u64>,
    families: Vec<&'static str>,
    routes: Vec<Announcement>,
}

impl Kind for Exabgp {
    fn name(&self) -> &'static str {
        "exabgp"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Speaker]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let says_routes = site.leaves() == Leaves::Nothing;
        let mut neighbors = Vec::new();
        for session in site.sessions {
            neighbors.push(Neighbor {
                remote: session.remote.to_string(),
                local: session.local.to_string(),
                local_asn: session.local_asn,
                remote_asn: session.remote_asn,
                hold_time: session.hold_time,
                md5: session.key().map(str::to_owned),
                md5_base64: session.md5_base64,
                outgoing_ttl: session.multihop.or(session.ttl_security.map(|_| u8::MAX)),
                incoming_ttl: session.ttl_security.map(|hops| u8::MAX - (hops - 1)),
                graceful_restart: session.graceful_restart,
                families: session.families(),
                routes: if says_routes { Vec::new() } else { site.announcements(session)? },
            });
        }
        let helpers = match site.watchdog() {
            Some(kind) => kind.helpers(site)?.unwrap_or_else(|| ours(site)),
            None => Vec::new(),
        };
        let names: Vec<&str> = helpers.iter().map(|(name, _)| name.as_str()).collect();
        let values = json!({
            "router_id": site.router_id(),
            "helpers": helpers,
            "names": names.join(" "),
            "watchdog_name": watchdog::NAME,
            "waits": site.waits(),
            "neighbors": neighbors,
        });
        let template = if is_old(site) {
            site.sessions.iter().try_for_each(can_be_old)?;
            include_str!("templates/exabgp-3.4.conf")
        } else {
            include_str!("templates/exabgp.conf")
        };
        Ok(BTreeMap::from([(CONFIG.to_owned(), fill(template, values)?)]))
    }

    /// As root, because a node has no other users; without its command line's named pipes; logging to stdout.
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        let mut daemon = site.run(&["exabgp", CONFIG]);
        // The environment wins over the file (exabgp.env): who brings the file decides.
        if site.node.files.keys().any(|path| path.as_str().ends_with("/exabgp.env")) {
            return vec![daemon];
        }
        for (key, value) in [
            ("exabgp_daemon_user", "root"),
            ("exabgp_api_cli", "false"),
            ("exabgp_log_destination", "stdout"),
            ("exabgp_log_short", "true"),
        ] {
            daemon.env.entry(key.to_owned()).or_insert_with(|| value.to_owned());
        }
        vec![daemon]
    }

    /// It reads its file anew (exabgp(1)).
    fn reload(&self, site: &Site<'_>) -> Option<Action> {
        Some(Action::Signal { daemon: site.role.to_string(), signal: Signal::SigUsr1 })
    }
}

/// Whether it is a version with another grammar, and fewer words.
fn is_old(site: &Site<'_>) -> bool {
    site.runs.get(&Role::Speaker).is_some_and(|product| product.version.starts_with("3."))
}

fn can_be_old(session: &Session) -> Result<(), String> {
    let lacks =
        |what| Err(format!("expected a session that ExaBGP 3.4 can have, found {what}, which came with version 4"));
    match session {
        Session { ttl_security: Some(_), .. } => lacks("`ttl-security` (its own is the TTL that it sends)"),
        Session { md5_base64: Some(_), .. } => lacks("`md5-base64`"),
        _ => Ok(()),
    }
}

fn ours(site: &Site<'_>) -> Vec<(String, String)> {
    vec![("watch-nameserver".to_owned(), watchdog::command(&site.node.watchdog).join(" "))]
}
