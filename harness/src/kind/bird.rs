//! BIRD 2 and 3: as router takes the anycast routes in, and balances over equal ones; as speaker announces them.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::{Action, ControlSocket, Daemon};
use serde_json::json;

use super::template::fill;
use super::{Announcement, Kind, Leaves, Role, Session, Site, anycast_healthchecker, watchdog};
use crate::history::RibRoute;

pub(super) struct Bird;

const CONFIG: &str = "/etc/bird/bird.conf";
pub(super) const SOCKET: &str = "/run/bird.ctl";

impl Kind for Bird {
    fn name(&self) -> &'static str {
        "bird"
    }

    fn plays(&self) -> &'static [Role] {
        &[Role::Router, Role::Speaker]
    }

    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String> {
        let speaks = site.role == Role::Speaker;
        let mut sessions = Vec::new();
        let routes = if speaks { site.announced()? } else { Vec::new() };
        for session in site.sessions {
            let mut hops = [None, None];
            if speaks {
                for announcement in site.announcements(session)? {
                    hops[usize::from(announcement.v6)] = Some(announcement.next_hop);
                }
            }
            let [hop4, hop6] = hops;
            sessions.push(json!({
                "protocol": protocol(session),
                "families": session.families(),
                "local": session.local,
                "remote": session.remote,
                "local_asn": session.local_asn,
                "remote_asn": session.remote_asn,
                "hold_time": session.hold_time,
                "key": session.key(),
                "says_how": !site.runs.get(&site.role).is_some_and(|product| product.version.starts_with("2.0.")),
                "multihop": session.multihop.or(session.ttl_security.filter(|hops| *hops > 1)),
                "ttl_security": session.ttl_security.is_some(),
                "graceful_restart": session.graceful_restart,
                "passes_on": site.passes_on(session),
                "reflects": site.passes_on(session) && !session.external(),
                "next_hops": { "ipv4": hop4, "ipv6": hop6 },
            }));
        }
        let values = json!({
            "router_id": site.router_id(),
            "sessions": sessions,
            "speaks": speaks,
            "resolves": site.sessions.iter().any(|session| session.multihop.is_some() || site.passes_on(session)),
            "watchdog_name": watchdog::NAME,
            "waits": site.waits(),
            "services": services(&routes),
            "lists": lists(site),
        });
        Ok(BTreeMap::from([(CONFIG.to_owned(), fill(include_str!("templates/bird.conf"), values)?)]))
    }

    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon> {
        vec![site.run(&["/usr/sbin/bird", "-f", "-c", CONFIG, "-s", SOCKET])]
    }

    /// What it would write to the kernel: of the routes that it knows, `show route` does not tell which are merged.
    fn control(&self, site: &Site<'_>) -> Option<ControlSocket> {
        let (daemon, path, command) = (site.role.to_string(), SOCKET.to_owned(), "show route export".to_owned());
        (site.role == Role::Router).then_some(ControlSocket::Bird { daemon, path, command })
    }

    fn through(&self, _site: &Site<'_>) -> Option<Vec<String>> {
        Some(["--through", "bird", "--socket", SOCKET].map(str::to_owned).to_vec())
    }

    fn session(&self, site: &Site<'_>, peer: &str, up: bool) -> Option<Vec<Vec<String>>> {
        let word = if up { "enable" } else { "disable" };
        Some(site.sessions_with(peer).map(|session| birdc(&[word, &protocol(session)])).collect())
    }

    fn reload(&self, _site: &Site<'_>) -> Option<Action> {
        Some(Action::Exec { argv: birdc(&["configure"]), timeout_ms: 10_000 })
    }

    /// `show route export kernel1`, with its reply codes:
    ///
    /// ```text
    /// 1007-Table master4:
    ///  10.1.53.1/32         unicast [ns1 09:12:33.123] * (100) [i]
    ///     via 10.1.53.11 on eth0 weight 1
    ///     via 10.1.53.12 on eth0 weight 1
    /// ```
    fn routes(&self, answer: &str) -> Result<Vec<RibRoute>, String> {
        let mut routes: Vec<RibRoute> = Vec::new();
        let mut prefix: Option<IpNet> = None;
        for line in answer.lines() {
            let text = without_code(line);
            let words: Vec<&str> = text.split_whitespace().collect();
            if let Some(found) = words.first().and_then(|word| word.parse().ok()) {
                prefix = Some(found);
            }
            if let ["via", hop, ..] = words.as_slice() {
                let hop: IpAddr = hop.parse().map_err(|_| format!("no next hop in {line:?}"))?;
                let route = routes.last_mut().ok_or_else(|| format!("a next hop before any route: {line:?}"))?;
                route.next_hops.push(hop);
            } else if let Some(at) = words.iter().position(|word| word.starts_with('[')) {
                let prefix = prefix.ok_or_else(|| format!("a route before any prefix: {line:?}"))?;
                let from = words.get(at).map_or("", |word| word).trim_start_matches('[').to_owned();
                routes.push(RibRoute { prefix, next_hops: Vec::new(), from });
            }
        }
        // Connected and static routes have no next hop, and are nobody's announcement.
        routes.retain(|route| !route.next_hops.is_empty());
        routes.sort();
        Ok(routes)
    }
}

/// The name of the protocol that holds the session: never one of BIRD's own words, such as `router`.
fn protocol(session: &Session) -> String {
    format!("to_{}", session.name().replace('-', "_"))
}

fn birdc(command: &[&str]) -> Vec<String> {
    ["/usr/sbin/birdc", "-s", SOCKET].iter().chain(command).map(|word| (*word).to_owned()).collect()
}

/// One static protocol for each service and family: what the watchdog turns on and off.
fn services(routes: &[Announcement]) -> Vec<serde_json::Value> {
    let same = |a: &Announcement, b: &Announcement| (&a.service, a.v6) == (&b.service, b.v6);
    let mut services: Vec<Vec<&Announcement>> = Vec::new();
    for route in routes {
        match services.iter_mut().find(|group| group.first().is_some_and(|first| same(first, route))) {
            Some(group) => group.push(route),
            None => services.push(vec![route]),
        }
    }
    let service = |group: &Vec<&Announcement>| {
        let first = group.first()?;
        let family = if first.v6 { "6" } else { "4" };
        let prefixes: Vec<String> = group.iter().map(|route| route.prefix.to_string()).collect();
        Some(json!({
            "name": format!("{}_{}", first.service.replace('-', "_"), family),
            "family": format!("ipv{family}"),
            "prefixes": prefixes,
            "local_pref": first.local_pref,
        }))
    };
    services.iter().filter_map(service).collect()
}

/// Those that the watchdog writes, if it does.
fn lists(site: &Site<'_>) -> Vec<serde_json::Value> {
    let lists = anycast_healthchecker::LISTS.iter().filter(|_| site.leaves() == Leaves::Lists);
    lists.map(|list| json!({ "family": list.family, "path": list.path, "name": list.name })).collect()
}

/// A reply line without its `1007-`, `1007 ` or ` ` (BIRD programmer's documentation, command-line interface).
fn without_code(line: &str) -> &str {
    match line.as_bytes() {
        [a, b, c, d, b'-' | b' ', ..] if [a, b, c, d].iter().all(|octet| octet.is_ascii_digit()) => {
            line.get(5..).unwrap_or("")
        }
        _ => line,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(prefix: &str, hops: &[&str], from: &str) -> RibRoute {
        RibRoute {
            prefix: prefix.parse().expect("prefix"),
            next_hops: hops.iter().map(|hop| hop.parse().expect("address")).collect(),
            from: from.to_owned(),
        }
    }

    #[test]
    fn two_families_and_two_peers_are_read() {
        let answer = "1007-Table master4:\n \
            10.1.53.0/24         unicast [direct1 09:12:30.000] * (240)\n \
            \tdev eth1\n \
            10.1.53.1/32         unicast [ns1 09:12:33.123] * (100) [i]\n \
            \tvia 10.1.53.11 on eth1\n \
                                 unicast [ns2 09:12:33.123] (100) [i]\n \
            \tvia 10.1.53.12 on eth1\n\
            1007-\n \
            Table master6:\n \
            2001:db8:53::1/128   unicast [ns1 09:12:33.124] * (100) [i]\n \
            \tvia 2001:db8:53::11 on eth1\n\
            0000 \n";
        let expected = vec![
            route("10.1.53.1/32", &["10.1.53.11"], "ns1"),
            route("10.1.53.1/32", &["10.1.53.12"], "ns2"),
            route("2001:db8:53::1/128", &["2001:db8:53::11"], "ns1"),
        ];
        assert_eq!(Bird.routes(answer), Ok(expected));
    }

    #[test]
    fn recorded_answers_hold_what_is_written_to_the_kernel() {
        let hops = |answer: &str| -> Vec<(String, Vec<String>)> {
            let routes = Bird.routes(answer).expect("an answer");
            let hops = |route: RibRoute| route.next_hops.iter().map(ToString::to_string).collect();
            routes.into_iter().map(|route| (route.prefix.to_string(), hops(route))).collect()
        };
        let of = |prefix: &str, hops: &[&str]| (prefix.to_owned(), hops.iter().map(|hop| (*hop).to_owned()).collect());
        // Two equal routes, merged.
        let equal = [
            of("10.1.53.1/32", &["10.1.53.11", "10.1.53.12"]),
            of("10.1.53.2/32", &["10.1.53.11", "10.1.53.12"]),
            of("2001:db8:53::1/128", &["2001:db8:53::11", "2001:db8:53::12"]),
            of("2001:db8:53::2/128", &["2001:db8:53::11", "2001:db8:53::12"]),
        ];
        assert_eq!(hops(include_str!("answers/bird-2.0.12")), equal);
        // One preferred to the other.
        let preferred = [
            of("10.1.53.1/32", &["10.1.53.11"]),
            of("10.1.53.2/32", &["10.1.53.12"]),
            of("2001:db8:53::1/128", &["fe80::ac53:ff:fe00:200"]),
            of("2001:db8:53::2/128", &["fe80::ac53:ff:fe00:300"]),
        ];
        assert_eq!(hops(include_str!("answers/bird-3.1")), preferred);
    }

    #[test]
    fn an_empty_table_is_no_error_and_nonsense_is() {
        assert_eq!(Bird.routes("1007-Table master4:\n0000 \n"), Ok(vec![]));
        assert!(Bird.routes("\tvia 10.0.0.1 on eth0\n").is_err());
        assert!(Bird.routes("10.1.53.1/32 unicast [ns1 09:00] * (100)\n\tvia nowhere on eth0\n").is_err());
    }
}
