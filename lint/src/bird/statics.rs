//! Rules about the static protocols whose routes the watchdog announces.

use super::{Dialect, Family, File, Finding, Protocol, Rule, Severity, Statement};

pub(super) const RULES: &[&Rule] = &[&AT_START, &UNWATCHED, &RESTRICTED, &IDENTITY];

static AT_START: Rule = Rule {
    dialect: Dialect::Bird,
    id: "announced-at-start",
    severity: Severity::Error,
    summary: "the watchdog's protocol does not begin `disabled`",
    reason: "BIRD announces its routes as soon as a session is up, and again after each `configure`, before any check: \
             queries come to a server that may not run.",
    source: "BIRD 2 and 3 documentation, protocol option `disabled`",
    hint: "add `disabled;` to the protocol: the watchdog enables it",
};

static UNWATCHED: Rule = Rule {
    dialect: Dialect::Bird,
    id: "unwatched-route",
    severity: Severity::Warning,
    summary: "a single address as a static route that a session exports, in a protocol that no watchdog switches",
    reason: "The route is announced while BIRD runs, whether the server does or not.",
    source: "BIRD 2 and 3 documentation, protocol static",
    hint: "give the protocol a name that begins with the watchdog's `--name` (`anycastdns`), and `disabled;`",
};

static RESTRICTED: Rule = Rule {
    dialect: Dialect::Bird,
    id: "restricted-socket",
    severity: Severity::Error,
    summary: "BIRD's socket is restricted, and the watchdog must switch protocols over it",
    reason: "A restricted socket shows and does not change: BIRD denies `enable` and `disable`, and the routes stay as \
             they began.",
    source: "BIRD 3.1 conf/confbase.Y; BIRD 2.0 nest/cli.c",
    hint: "restrict another socket, and leave /run/bird/bird.ctl to the watchdog",
};

static IDENTITY: Rule = Rule {
    dialect: Dialect::Bird,
    id: "anycast-identity",
    severity: Severity::Warning,
    summary: "an announced address is the session's own address",
    reason: "Each server that announces the address has it: a session from it reaches any of them.",
    source: "RFC 4786",
    hint: "write the server's unicast address behind `local`",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for protocol in file.watched().filter(|protocol| protocol.complete && !protocol.is_disabled()) {
        findings.push(AT_START.at(protocol.line, format!("{} is not `disabled`", protocol.title())));
    }
    let restricts = |socket: &&&Statement| socket.block().iter().any(|s| s.word(0) == "restrict");
    // Another one is not the watchdog's, unless its options say so.
    let ours = |socket: &&&Statement| matches!(socket.word(1), "/run/bird/bird.ctl" | "/var/run/bird/bird.ctl");
    if let Some(socket) = file.sockets.iter().filter(ours).find(restricts).filter(|_| file.watched().next().is_some()) {
        findings.push(RESTRICTED.at(socket.line, format!("{} is restricted", socket.word(1))));
    }
    let watched = Vec::from_iter(file.watched().map(|protocol| protocol.line));
    let others = file.of_kind("static").filter(|p| !watched.contains(&p.line) && p.complete && !p.is_disabled());
    for protocol in others {
        let exported = |family| {
            // Its own filter may keep the route out of the table, and a filter of the sessions from them.
            let kept =
                protocol.policy(family, "import").is_some_and(|policy| policy.passes("RTS_STATIC") != Some(true));
            let passes =
                |p: &Protocol<'_>| p.policy(family, "export").is_some_and(|e| e.passes("RTS_STATIC") == Some(true));
            !kept && file.of_kind("bgp").any(passes)
        };
        // A route to another machine is none of ours.
        let own = |words: &str| matches!(words, "blackhole" | "unreachable" | "prohibit" | "reject" | "drop");
        let mut hosts =
            protocol.routes().filter(|(prefix, route)| prefix.is_host() && route.words.iter().any(|w| own(&w.text)));
        if let Some((_, route)) = hosts.find(|(prefix, _)| exported(prefix.family())) {
            let text =
                format!("{} announces {}, and is no protocol of the watchdog's", protocol.title(), route.word(1));
            findings.push(UNWATCHED.at(route.line, text));
        }
    }
    findings.extend(file.of_kind("bgp").filter_map(|protocol| of_identity(file, protocol)));
    findings
}

fn of_identity(file: &File<'_>, protocol: &Protocol<'_>) -> Option<Finding> {
    let local = protocol.get(&["local"])?;
    let address = local.word(1).parse::<std::net::IpAddr>().ok()?;
    let (_, route) =
        file.watched().flat_map(Protocol::routes).find(|(prefix, _)| prefix.is_host() && prefix.address == address)?;
    let text = format!("{} speaks from {address}, which is announced in line {}", protocol.title(), route.line);
    Some(IDENTITY.at(local.line, text))
}

/// The family of a static protocol: it has one channel.
pub(super) fn family(protocol: &Protocol<'_>) -> Option<Family> {
    [Family::V4, Family::V6].into_iter().find(|family| protocol.channel(*family).is_some())
}
