//! Rules about sessions.

use super::model::is_off;
use super::{Dialect, Family, File, Finding, Neighbor, Rule, Severity};

pub(super) const RULES: &[&Rule] =
    &[&ADJ_RIB_OUT, &GRACEFUL, &SHARED, &HOLD, &LONG_HOLD, &MULTI_SESSION, &INCOMING_TTL];

const DEFAULT_HOLD_TIME: u32 = 180;

static ADJ_RIB_OUT: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "adj-rib-out",
    severity: Severity::Warning,
    summary: "`adj-rib-out false`: after a session's end nothing is announced again",
    reason: "ExaBGP forgets what it has sent. When the session comes back the route does not, and `announce watchdog` \
             once more changes nothing: ExaBGP takes it for announced. The server is lost until its next failure, and \
             nobody notices.",
    source: "ExaBGP 4.2 and 5.0 rib/outgoing.py",
    hint: "remove the line, or write `adj-rib-out true;`",
};

static GRACEFUL: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "graceful-restart",
    severity: Severity::Warning,
    summary: "graceful restart: the router keeps the routes of a dead server",
    reason: "When ExaBGP dies the router goes on sending queries here for the restart time. And when it comes back \
             ExaBGP says that it has sent all routes before the watchdog has checked anything, so the time does not \
             help a restart either. It is a note where the time is not longer than the hold time.",
    source: "ExaBGP issue 328; RFC 4724 section 4.2",
    hint: "remove `graceful-restart` from `capability`",
};

static SHARED: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "shared-session",
    severity: Severity::Note,
    summary: "routes of both families to one neighbour: the second withdrawal may wait for the first",
    reason: "Each family's withdrawal is a message of its own. On a connection that ExaBGP has opened it leaves Nagle's \
             algorithm on: the kernel keeps the second until the router has acknowledged the first, which may put that \
             off for 40 ms and more. On one that the router has opened it turns the algorithm off.",
    source: "ExaBGP 4.2 and 5.0 reactor/network/outgoing.py, incoming.py; tcp(7) TCP_NODELAY; RFC 1122 section 4.2.3.2",
    hint: "a neighbour for each family, or `passive true;` where the router connects",
};

static HOLD: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "hold-time",
    severity: Severity::Error,
    summary: "a hold time of 1 or 2 s",
    reason: "ExaBGP refuses the file: BGP knows 0, which means for ever, and 3 s or more.",
    source: "RFC 4271 section 4.2; ExaBGP 4.2 configuration/neighbor/parser.py",
    hint: "write `hold-time 3;` or more; what must be faster needs BFD",
};

static LONG_HOLD: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "long-hold-time",
    severity: Severity::Note,
    summary: "a hold time of 90 s or more, 180 s if there is none, or 0",
    reason: "When the machine or its link dies nobody says so: the router sends queries here until the hold time ends, \
             unless it asks for a shorter one itself, or BFD tells it.",
    source: "ExaBGP 4.2 configuration/neighbor/__init__.py",
    hint: "write `hold-time 10;`",
};

static MULTI_SESSION: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "multi-session",
    severity: Severity::Warning,
    summary: "`multi-session`, which the router must offer too",
    reason: "ExaBGP opens a session for each family and closes it when the router does not offer the same. BIRD and \
             FRR do not.",
    source: "ExaBGP 4.2 bgp/message/open/capability/negotiated.py",
    hint: "remove `multi-session` from `capability`",
};

static INCOMING_TTL: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "incoming-ttl",
    severity: Severity::Note,
    summary: "`incoming-ttl`: no check in version 4, a real one in later versions",
    reason: "Python has no IP_MINTTL, so version 4 asks for it in vain: packets are taken whatever their TTL. 5.0.15 \
             has the kernel drop packets with a lower TTL and, without `outgoing-ttl`, sends 255: an upgrade may end a \
             session. A session over several hops needs neither.",
    source: "ExaBGP 4.2 and 5.0.15 reactor/network/tcp.py",
    hint: "remove it, unless the router does TTL security and the number is right: 255 less the hops between",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    file.neighbors.iter().flat_map(|neighbor| of_timers(neighbor).into_iter().chain(of_options(neighbor))).collect()
}

fn of_timers(neighbor: &Neighbor<'_>) -> Vec<Finding> {
    let name = neighbor.name;
    let mut findings = Vec::new();
    let statement = neighbor.get("hold-time");
    let hold: Option<u32> = match statement {
        Some(statement) => statement.word(1).parse().ok(),
        None => neighbor.complete.then_some(DEFAULT_HOLD_TIME),
    };
    let line = statement.map_or(neighbor.line, |statement| statement.line);
    match hold {
        Some(1 | 2) => {
            findings.push(HOLD.at(line, format!("neighbor {name} has `hold-time {}`", hold.unwrap_or_default())));
        }
        Some(0) => findings.push(LONG_HOLD.at(line, format!("neighbor {name} is never given up"))),
        Some(hold @ 90..) => findings.push(LONG_HOLD.at(line, format!("neighbor {name} has a hold time of {hold} s"))),
        _ => {}
    }
    if let Some(statement) =
        neighbor.get_in("capability", "graceful-restart").filter(|s| !is_off(s.word(1)) && s.word(1) != "0")
    {
        // Without a number ExaBGP takes the hold time.
        let time = if statement.words.len() > 1 { statement.word(1).parse().ok() } else { hold };
        let within = hold.zip(time).is_some_and(|(hold, time)| time <= hold && hold < 90);
        let text = match time {
            Some(time) => format!("neighbor {name} keeps the routes of a dead ExaBGP for {time} s"),
            None => format!("neighbor {name} keeps the routes of a dead ExaBGP"),
        };
        let finding = GRACEFUL.at(statement.line, text);
        findings.push(if within { finding.with(Severity::Note) } else { finding });
    }
    findings
}

fn of_options(neighbor: &Neighbor<'_>) -> Vec<Finding> {
    let name = neighbor.name;
    let mut findings = Vec::new();
    // The word alone is read as false.
    if let Some(statement) = neighbor.get("adj-rib-out").filter(|s| is_off(s.word(1)) || s.words.len() == 1) {
        findings
            .push(ADJ_RIB_OUT.at(statement.line, format!("neighbor {name}: ExaBGP does not keep what it has sent")));
    }
    let has = |wanted| neighbor.routes.iter().any(|route| route.prefix.is_some_and(|prefix| prefix.family() == wanted));
    let is_passive = neighbor.get("passive").is_some_and(|s| !is_off(s.word(1)));
    if neighbor.complete && has(Family::V4) && has(Family::V6) && !is_passive {
        findings.push(SHARED.at(neighbor.line, format!("neighbor {name} gets routes of both families")));
    }
    if let Some(statement) = neighbor.get_in("capability", "multi-session").filter(|s| !is_off(s.word(1))) {
        findings.push(MULTI_SESSION.at(statement.line, format!("neighbor {name} must offer `multi-session`")));
    }
    if let Some(statement) = neighbor.get("incoming-ttl").filter(|s| !is_off(s.word(1)) && s.word(1) != "0") {
        findings
            .push(INCOMING_TTL.at(statement.line, format!("neighbor {name} has `incoming-ttl {}`", statement.word(1))));
    }
    findings
}
