//! FRR: zebra, which holds the kernel's routes, and bgpd, which speaks BGP; as router and as speaker.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::{Action, ControlSocket, Daemon};
use serde::Deserialize;
use serde_json::json;

use super::template::fill;
use super::{Announcement, Kind, Role, Session, Site};
use crate::history::RibRoute;

pub(super) struct Frr;

/// What vtysh gives each daemon its part of.
const CONFIG: &str = "/etc/frr/frr.conf";
const SOCKET: &str = "/run/frr/bgpd.vty";

impl Kind for Frr {
    fn name(&self) -> &'static str {
        "frr"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Router, Role::Speaker]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let speaks = site.role == Role::Speaker;
        let mut sessions = Vec::new();
        let routes = if speaks { lists(&site.announced()?) } else { Vec::new() };
        for session in site.sessions {
            let own = if speaks { lists(&site.announcements(session)?) } else { Vec::new() };
            // FRR sends TTL 255 within an AS, and knows these two only between two.
            let (multihop, ttl_security) = (session.multihop, session.ttl_security);
            if !session.external() && ttl_security.is_some() {
                return Err(format!("`{}` is in the same AS: FRR has TTL security between two only", session.peer));
            }
            if session.key().is_some_and(|key| key.contains(' ')) {
                return Err(format!("the key toward `{}` has a blank in it: FRR takes no such keys", session.peer));
            }
            sessions.push(json!({
                "map": match (speaks, site.passes_on(session)) {
                    (true, _) => Some(format!("to_{}", session.name())),
                    (false, true) => None,
                    (false, false) => Some("nothing".to_owned()),
                },
                "reflects": site.passes_on(session) && !session.external(),
                "local": session.local,
                "remote": session.remote,
                "families": session.families(),
                "remote_asn": session.remote_asn,
                "hold_time": session.hold_time,
                "keepalive": session.keepalive(),
                "key": session.key(),
                "multihop": multihop.filter(|_| session.external()),
                "ttl_security": ttl_security,
                "graceful_restart": session.graceful_restart,
                "routes": own,
            }));
        }
        let values = json!({
            "asn": asn(site),
            "router_id": site.router_id(),
            "restart_time": site.sessions.iter().filter_map(|session| session.graceful_restart).max(),
            "sessions": sessions,
            "routes": routes,
            "speaks": speaks,
            "waits": site.waits(),
        });
        Ok(BTreeMap::from([(CONFIG.to_owned(), fill(include_str!("templates/frr.conf"), values)?)]))
    }

    /// bgpd, which bears the role's name, and beside it zebra, with the mgmtd that it cannot do without since 10.
    ///
    /// A file that was given goes through vtysh, which knows whose each line is, and may need staticd. A generated one is bgpd's own:
    /// it knows its neighbours when it begins to listen, and turns none of them away.
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        let given = site.node.files.contains_key(CONFIG);
        let version = site.runs.get(&site.role).map_or("", |product| product.version.as_str());
        let beside = [("mgmtd", !version.starts_with("8.")), ("zebra", true), ("staticd", given)];
        let beside = beside.iter().filter(|(_, needed)| *needed).map(|(name, _)| {
            let argv: &[&str] = if given { &["frr-daemon", "-b", name] } else { &["frr-daemon", name] };
            site.run_as(name, argv)
        });
        let bgpd: &[&str] = if given { &["frr-daemon", "-b", "bgpd"] } else { &["frr-daemon", "bgpd", "-f", CONFIG] };
        beside.chain([site.run(bgpd)]).collect()
    }

    fn control(&self, site: &Site<'_>) -> Option<ControlSocket> {
        let commands = ["ipv4", "ipv6"].map(|family| format!("show bgp {family} unicast json")).to_vec();
        let (daemon, path) = (site.role.to_string(), SOCKET.to_owned());
        (site.role == Role::Router).then_some(ControlSocket::Frr { daemon, path, commands })
    }

    fn through(&self, site: &Site<'_>) -> Option<Vec<String>> {
        let asn = asn(site).to_string();
        Some(["--through", "frr", "--socket", SOCKET, "--asn", &asn].map(str::to_owned).to_vec())
    }

    fn session(&self, site: &Site<'_>, peer: &str, up: bool) -> Option<Vec<Vec<String>>> {
        let no = if up { "no " } else { "" };
        let shutdown = |session: &Session| {
            let line = format!("{no}neighbor {} shutdown", session.remote);
            vtysh(&["configure terminal", &format!("router bgp {}", asn(site)), &line])
        };
        Some(site.sessions_with(peer).map(shutdown).collect())
    }

    /// What has changed or is new; what has gone stays until bgpd is restarted.
    fn reload(&self, _site: &Site<'_>) -> Option<Action> {
        let argv = ["vtysh", "-b", "-n", "-d", "bgpd"].map(str::to_owned).to_vec();
        Some(Action::Exec { argv, timeout_ms: 10_000 })
    }

    /// `show bgp ipv4 unicast json`, and the same of IPv6 behind it: of each prefix all paths, of which the best one and those that
    /// go with it are given to the kernel.
    fn routes(&self, answer: &str) -> Result<Vec<RibRoute>, String> {
        let mut routes = Vec::new();
        // Before it has its configuration, bgpd says in words that it speaks no BGP.
        let tables = answer.find('{').and_then(|at| answer.get(at..)).unwrap_or("");
        for table in serde_json::Deserializer::from_str(tables).into_iter::<Table>() {
            let table = table.map_err(|error| format!("{error} in bgpd's answer"))?;
            for (prefix, paths) in table.routes {
                for path in paths.into_iter().filter(|path| path.bestpath || path.multipath) {
                    let used: Vec<IpAddr> = path.nexthops.iter().filter(|hop| hop.used).map(|hop| hop.ip).collect();
                    routes.push(RibRoute { prefix, next_hops: used, from: path.peer });
                }
            }
        }
        // What it announces itself has no next hop.
        routes.retain(|route| route.next_hops.iter().any(|hop| !hop.is_unspecified()));
        routes.sort();
        Ok(routes)
    }
}

fn asn(site: &Site<'_>) -> u32 {
    site.node.asn.or_else(|| site.sessions.first().map(|session| session.local_asn)).unwrap_or_default()
}

/// Announcements, each with a name for the prefix list that it is matched by.
fn lists(announcements: &[Announcement]) -> Vec<serde_json::Value> {
    let named = |announcement: &Announcement| {
        let Announcement { service, v6, prefix, next_hop, local_pref } = announcement;
        let list = format!("{service}_{}", prefix.addr());
        json!({ "list": list, "v6": v6, "prefix": prefix, "next_hop": next_hop, "local_pref": local_pref })
    };
    announcements.iter().map(named).collect()
}

fn vtysh(commands: &[&str]) -> Vec<String> {
    let words = commands.iter().flat_map(|command| ["-c", command]);
    ["vtysh", "-d", "bgpd"].into_iter().chain(words).map(str::to_owned).collect()
}

#[derive(Deserialize)]
struct Table {
    #[serde(default)]
    routes: BTreeMap<IpNet, Vec<Path>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Path {
    #[serde(default)]
    bestpath: bool,
    #[serde(default)]
    multipath: bool,
    #[serde(default, rename = "peerId")]
    peer: String,
    #[serde(default)]
    nexthops: Vec<Hop>,
}

#[derive(Deserialize)]
struct Hop {
    ip: IpAddr,
    #[serde(default)]
    used: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Recorded at a router between three AS, with two routes that are equal: all of them best or `multipath`.
    const EQUAL: &str = include_str!("answers/frr-8.4.json");
    /// Recorded at a router in one AS, where each of two routes is preferred to the other by its local preference.
    const PREFERRED: &str = include_str!("answers/frr-10.3.json");

    fn hops(answer: &str) -> Vec<(String, String)> {
        let routes = Frr.routes(answer).expect("an answer");
        let hops =
            |route: RibRoute| route.next_hops.into_iter().map(move |hop| (route.prefix.to_string(), hop.to_string()));
        routes.into_iter().flat_map(hops).collect()
    }

    fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
        expected.iter().map(|(prefix, hop)| ((*prefix).to_owned(), (*hop).to_owned())).collect()
    }

    #[test]
    fn equal_routes_are_all_in_use_by_the_hop_that_the_kernel_gets() {
        let expected = [
            ("10.1.53.1/32", "10.1.53.11"),
            ("10.1.53.1/32", "10.1.53.12"),
            ("10.1.53.2/32", "10.1.53.11"),
            ("10.1.53.2/32", "10.1.53.12"),
            ("2001:db8:53::1/128", "fe80::ac53:ff:fe00:200"),
            ("2001:db8:53::1/128", "fe80::ac53:ff:fe00:300"),
            ("2001:db8:53::2/128", "fe80::ac53:ff:fe00:200"),
            ("2001:db8:53::2/128", "fe80::ac53:ff:fe00:300"),
        ];
        assert_eq!(hops(EQUAL), pairs(&expected));
    }

    #[test]
    fn a_route_that_is_less_preferred_is_not_in_use() {
        let expected = [
            ("10.1.53.1/32", "10.1.53.11"),
            ("10.1.53.2/32", "10.1.53.12"),
            ("2001:db8:53::1/128", "2001:db8:53::11"),
            ("2001:db8:53::2/128", "2001:db8:53::12"),
        ];
        assert_eq!(hops(PREFERRED), pairs(&expected));
    }

    #[test]
    fn an_answer_cut_short_is_an_error_and_one_without_bgp_is_not() {
        for cut in [30, 400, EQUAL.len() - 5] {
            assert!(Frr.routes(&EQUAL[..cut]).is_err(), "{cut}");
        }
        assert_eq!(Frr.routes("% Default BGP instance not found\n"), Ok(vec![]));
        assert_eq!(Frr.routes("{\"warning\":\"Default BGP instance not found\"}\n"), Ok(vec![]));
        // What bgpd announces itself.
        let own = r#"{"routes":{"10.0.0.1/32":[{"bestpath":true,"nexthops":[{"ip":"0.0.0.0","used":true}]}]}}"#;
        assert_eq!(Frr.routes(own), Ok(vec![]));
    }
}
