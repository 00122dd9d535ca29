//! Rules about sessions.

use super::{Bgp, Dialect, File, Finding, LONGEST_KEY, Neighbor, Rule, Severity};

pub(super) const RULES: &[&Rule] = &[&GRACEFUL, &LONG_HOLD, &SLOW_CONNECT, &SHUTDOWN, &DRAINED, &QUOTED, &LONG_KEY];

const DEFAULT_HOLD_TIME: u32 = 180;
const DEFAULT_RESTART_TIME: u32 = 120;

static GRACEFUL: Rule = Rule {
    dialect: Dialect::Frr,
    id: "graceful-restart",
    severity: Severity::Warning,
    summary: "graceful restart on a server, which is the default: the router keeps the routes of a dead one",
    reason: "Without a word bgpd is a `helper` and offers graceful restart with 120 s all the same: a router that \
             speaks it keeps the routes of a killed bgpd for that time, and between two FRR (`bgp graceful-restart \
             notification`, on by default) after an expired hold timer too. It is a note where the time is not longer \
             than the hold time.",
    source: "FRR documentation, BGP Graceful Restart; RFC 8538; seen in this project's lab",
    hint: "write `bgp graceful-restart-disable`",
};

static LONG_HOLD: Rule = Rule {
    dialect: Dialect::Frr,
    id: "long-hold-time",
    severity: Severity::Note,
    summary: "a hold time of 90 s or more, 180 s if there is none, or 0",
    reason: "When the machine at the other end or the link dies nobody says so: routes stay until the hold time ends, \
             unless the neighbour asks for a shorter one itself, or BFD tells it.",
    source: "FRR documentation, BGP `timers`; bgpd/bgp_vty.c",
    hint: "write `timers bgp 3 10`, or the same behind the neighbour",
};

static SLOW_CONNECT: Rule = Rule {
    dialect: Dialect::Frr,
    id: "slow-connect",
    severity: Severity::Note,
    summary: "no `timers connect`: after a failed attempt bgpd waits for 120 s",
    reason: "A session that was cut may come back up to two minutes later than the link; that long the server is left \
             out.",
    source: "FRR bgpd/bgp_vty.c (10 s with `frr defaults datacenter`)",
    hint: "write `neighbor NAME timers connect 5`",
};

static SHUTDOWN: Rule = Rule {
    dialect: Dialect::Frr,
    id: "shutdown",
    severity: Severity::Warning,
    summary: "a neighbour is shut down in the file",
    reason: "The session stays down, whatever the server says. Left over from maintenance, it takes the server away \
             for good.",
    source: "FRR documentation, BGP `shutdown`",
    hint: "remove the line, or the neighbour if it is not needed",
};

static DRAINED: Rule = Rule {
    dialect: Dialect::Frr,
    id: "drained",
    severity: Severity::Warning,
    summary: "`bgp graceful-shutdown` in the file",
    reason: "All routes are announced with local preference 0 and the community GRACEFUL_SHUTDOWN: routers prefer \
             every other server.",
    source: "FRR documentation, `bgp graceful-shutdown`; RFC 8326",
    hint: "remove the line when the maintenance is over",
};

static QUOTED: Rule = Rule {
    dialect: Dialect::Frr,
    id: "quoted-password",
    severity: Severity::Warning,
    summary: "a `password` in quotes",
    reason: "FRR has no quotes: they are part of the key, and the session never comes up with a neighbour that has it \
             without.",
    source: "FRR lib/command.c",
    hint: "write the key without quotes; it can have no blanks",
};

static LONG_KEY: Rule = Rule {
    dialect: Dialect::Frr,
    id: "long-md5",
    severity: Severity::Error,
    summary: "a key of more than 80 characters",
    reason: "The kernel takes no longer ones for TCP MD5.",
    source: "Linux uapi/linux/tcp.h",
    hint: "agree on a key of at most 80 characters",
};

pub(super) fn check(file: &File<'_>, bgp: &Bgp<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for neighbor in bgp.neighbors() {
        findings.extend(of_timers(file, bgp, &neighbor));
        // A router may have its reasons.
        if file.is_of_server(bgp) {
            findings.extend(of_restart(file, bgp, &neighbor));
        }
        if let Some(line) = bgp.said(&neighbor, &["shutdown"]) {
            findings.push(SHUTDOWN.at(line.number, format!("neighbor {} is shut down", neighbor.name)));
        }
        if let Some((line, key)) =
            bgp.said(&neighbor, &["password"]).and_then(|line| Some((line, line.rest_after("password")?)))
        {
            if key.starts_with('"') || key.starts_with('\'') {
                findings.push(QUOTED.at(line.number, format!("the key of neighbor {} is in quotes", neighbor.name)));
            }
            if key.len() > LONGEST_KEY {
                let text = format!("the key of neighbor {} has {} characters", neighbor.name, key.len());
                findings.push(LONG_KEY.at(line.number, text));
            }
        }
    }
    if let Some(line) = bgp.get(&["bgp", "shutdown"]) {
        findings.push(SHUTDOWN.at(line.number, format!("all neighbours of router bgp {} are shut down", bgp.asn)));
    }
    if let Some(line) = bgp.get(&["bgp", "graceful-shutdown"]) {
        findings.push(DRAINED.at(line.number, format!("router bgp {} is drained", bgp.asn)));
    }
    findings
}

/// The hold time, and where it is said.
fn hold_time(file: &File<'_>, bgp: &Bgp<'_>, neighbor: &Neighbor<'_>) -> Option<(u32, usize)> {
    // Not `timers connect`.
    let of = |name: &str| {
        let mut lines = bgp.lines.iter().filter(|line| line.words.get(1) == Some(&name));
        let line = lines
            .find(|line| matches!(line.words.as_slice(), ["neighbor", _, "timers", time, _] if *time != "connect"));
        line.map(|line| (line, 4))
    };
    let own = of(neighbor.name).or_else(|| of(neighbor.group?));
    match own.or_else(|| bgp.get(&["timers", "bgp"]).map(|line| (line, 3))) {
        Some((line, at)) => Some((line.words.get(at)?.parse().ok()?, line.number)),
        None if file.datacenter => Some((9, neighbor.line)),
        None => Some((DEFAULT_HOLD_TIME, neighbor.line)),
    }
}

fn of_timers(file: &File<'_>, bgp: &Bgp<'_>, neighbor: &Neighbor<'_>) -> Vec<Finding> {
    let name = neighbor.name;
    let mut findings = Vec::new();
    let bfd = bgp.said(neighbor, &["bfd"]).is_some();
    match hold_time(file, bgp, neighbor) {
        Some((0, line)) => findings.push(LONG_HOLD.at(line, format!("neighbor {name} is never given up"))),
        Some((hold @ 90.., line)) if !bfd => {
            findings.push(LONG_HOLD.at(line, format!("neighbor {name} has a hold time of {hold} s")));
        }
        _ => {}
    }
    let connects = bgp.said(neighbor, &["timers", "connect"]).is_some() || file.datacenter;
    if !connects && bgp.said(neighbor, &["passive"]).is_none() {
        findings.push(SLOW_CONNECT.at(neighbor.line, format!("neighbor {name} has no `timers connect`")));
    }
    findings
}

fn of_restart(file: &File<'_>, bgp: &Bgp<'_>, neighbor: &Neighbor<'_>) -> Option<Finding> {
    let disabled = bgp.said(neighbor, &["graceful-restart-disable"]).is_some()
        || (bgp.get(&["bgp", "graceful-restart-disable"]).is_some()
            && bgp.said(neighbor, &["graceful-restart"]).is_none());
    if disabled {
        return None;
    }
    let said = bgp.get(&["bgp", "graceful-restart", "restart-time"]);
    let time = said.and_then(|line| line.words.get(3)?.parse().ok()).unwrap_or(DEFAULT_RESTART_TIME);
    let line = bgp.said(neighbor, &["graceful-restart"]).or(said).map_or(neighbor.line, |line| line.number);
    let within = hold_time(file, bgp, neighbor).is_some_and(|(hold, _)| time <= hold && hold < 90);
    let finding = GRACEFUL.at(line, format!("neighbor {} keeps the routes of a dead bgpd for {time} s", neighbor.name));
    Some(if within { finding.with(Severity::Note) } else { finding })
}
