//! Rules about static routes.

use super::{Dialect, Family, File, Finding, Neighbor, Route, Rule, Severity, Statement, family};

pub(super) const RULES: &[&Rule] = &[&AT_START, &UNWATCHED, &FAMILY, &NEXT_HOP, &IDENTITY];

static AT_START: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "announced-at-start",
    severity: Severity::Error,
    summary: "`watchdog NAME` without `withdraw`",
    reason: "ExaBGP announces the route as soon as the session is up, before the first check: after a restart queries \
             come to a server that may not run yet.",
    source: "ExaBGP 4.2 rib/outgoing.py add_to_rib_watchdog()",
    hint: "write `watchdog NAME withdraw`",
};

static UNWATCHED: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "unwatched-route",
    severity: Severity::Warning,
    summary: "a static route without `watchdog`, beside a watchdog",
    reason: "No command of a watchdog withdraws it: it stays announced while the server is down. A covering route that \
             stays on purpose is not meant.",
    source: "ExaBGP 4.2 rib/outgoing.py",
    hint: "write `watchdog NAME withdraw` behind it",
};

static FAMILY: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "family",
    severity: Severity::Error,
    summary: "a route whose family is not in the neighbour's `family`",
    reason: "For an IPv6 route ExaBGP refuses the file. An IPv4 route it takes, and never sends.",
    source: "ExaBGP 4.2 and 5.0 configuration/neighbor/__init__.py",
    hint: "add `ipv4 unicast;` or `ipv6 unicast;` to `family`",
};

static NEXT_HOP: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "next-hop",
    severity: Severity::Error,
    summary: "a next hop of the other family, or the route's own address",
    reason: "ExaBGP takes any address and sends it as it is; the router drops the route, or the session. A next hop \
             that is the route's own address leads nowhere. `self` is the session's local address, and ExaBGP refuses \
             it for an IPv6 route over IPv4.",
    source: "ExaBGP 4.2 configuration/static/parser.py, bgp/neighbor.py ip_self()",
    hint: "write the server's unicast address of the route's family",
};

static IDENTITY: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "anycast-identity",
    severity: Severity::Warning,
    summary: "an announced address is the session's own address or router ID",
    reason: "Each server that announces the address has it: a session from it reaches any of them, and routers take \
             two servers with one ID for the same.",
    source: "RFC 4271 section 4.2, RFC 4456 section 8",
    hint: "use the server's unicast address",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    let watches = file.routes().any(|(_, route)| route.watchdog().is_some())
        || file.processes.iter().any(|process| process.our_arguments().is_some());
    let mut findings = Vec::new();
    for (neighbor, route) in file.routes() {
        let text = route.text;
        match route.watchdog() {
            Some(name) if !route.has("withdraw") => {
                let what = format!("route {text} has `watchdog {}` and no `withdraw`", name.text);
                findings.push(AT_START.at(route.line, what));
            }
            None if watches && !covers_watched(neighbor, route) => {
                findings.push(UNWATCHED.at(route.line, format!("route {text} has no `watchdog`")));
            }
            _ => {}
        }
        findings.extend(of_family(neighbor, route));
        findings.extend(of_next_hop(neighbor, route));
    }
    findings.extend(file.neighbors.iter().flat_map(of_identity));
    findings
}

fn covers_watched(neighbor: &Neighbor<'_>, route: &Route<'_>) -> bool {
    let watched = neighbor.routes.iter().filter(|route| route.watchdog().is_some());
    // Of variables nothing can be said.
    let Some(prefix) = route.prefix else { return true };
    watched.filter_map(|route| route.prefix).any(|other| prefix.covers(other))
}

fn of_family(neighbor: &Neighbor<'_>, route: &Route<'_>) -> Option<Finding> {
    if route.is_vpn() {
        return None;
    }
    let wanted = route.prefix?.family().name();
    let mut blocks = neighbor.statements.iter().filter(|s| s.word(0) == "family").peekable();
    blocks.peek().filter(|_| neighbor.complete)?;
    // Of variables, and of the names that older versions had, nothing is said.
    let is_known = |s: &Statement| matches!(s.word(0), "ipv4" | "ipv6" | "l2vpn" | "bgp-ls");
    let has = blocks.flat_map(|s| s.block()).any(|s| !is_known(s) || s.starts(&[wanted, "unicast"]));
    (!has).then(|| {
        let what =
            format!("route {} is {wanted}, and neighbor {} has no `{wanted} unicast`", route.text, neighbor.name);
        FAMILY.at(route.line, what)
    })
}

fn of_next_hop(neighbor: &Neighbor<'_>, route: &Route<'_>) -> Option<Finding> {
    if route.is_vpn() {
        return None;
    }
    let (prefix, word) = (route.prefix?, route.value("next-hop")?.known()?);
    let finding = |what: String| Some(NEXT_HOP.at(route.line, what));
    if word == "self" {
        let local = family(neighbor.value("local-address")?.parse().ok()?);
        return match (prefix.family(), local) {
            (Family::V6, Family::V4) => finding(format!("route {}: `next-hop self` over an IPv4 session", route.text)),
            (Family::V4, Family::V6) => {
                let what = format!("route {}: `next-hop self` over an IPv6 session is the router ID", route.text);
                finding(what).map(|finding| finding.with(Severity::Warning))
            }
            _ => None,
        };
    }
    let next_hop = word.parse().ok()?;
    if prefix.is_host() && prefix.address == next_hop {
        return finding(format!("route {} is its own next hop", route.text));
    }
    // RFC 8950: the other family's next hop, if agreed on.
    let agreed =
        neighbor.get("nexthop").is_some() || neighbor.get_in("capability", "nexthop").is_some() || !neighbor.complete;
    match (prefix.family(), family(next_hop)) {
        (Family::V6, Family::V4) if !agreed => {
            finding(format!("route {} has the IPv4 next hop {next_hop}", route.text))
        }
        (Family::V4, Family::V6) if !agreed => {
            finding(format!("route {} has the IPv6 next hop {next_hop}", route.text))
        }
        _ => None,
    }
}

fn of_identity(neighbor: &Neighbor<'_>) -> Vec<Finding> {
    let announced = |word: &str| {
        let address = word.parse::<std::net::IpAddr>().ok()?;
        // A server may well announce its own address.
        let mut watched = neighbor.routes.iter().filter(|route| route.watchdog().is_some());
        watched.find(|route| route.prefix.is_some_and(|prefix| prefix.is_host() && prefix.address == address))
    };
    let one = |name: &str| {
        let statement = neighbor.get(name)?;
        let route = announced(statement.word(1))?;
        Some(IDENTITY.at(
            statement.line,
            format!("`{name}` is {}, which is announced in line {}", statement.word(1), route.line),
        ))
    };
    ["local-address", "router-id"].into_iter().filter_map(one).collect()
}
