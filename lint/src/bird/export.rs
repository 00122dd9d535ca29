//! Rules about what a server's sessions give away: the watchdog's routes, and nothing that stays without them.

use super::statics::family;
use super::{Dialect, Family, File, Finding, Policy, Protocol, Rule, Severity};

pub(super) const RULES: &[&Rule] = &[&NO_CHANNEL, &NO_EXPORT, &NO_POLICY, &CONNECTED];

static NO_CHANNEL: Rule = Rule {
    dialect: Dialect::Bird,
    id: "no-channel",
    severity: Severity::Error,
    summary: "no session has a channel of the watchdog's routes' family",
    reason: "A session carries the families whose channels it has. The routes are in BIRD's table, and no neighbour \
             hears of them.",
    source: "BIRD 2 documentation, BGP channels",
    hint: "add `ipv4 { ... };` or `ipv6 { ... };` to the session",
};

static NO_EXPORT: Rule = Rule {
    dialect: Dialect::Bird,
    id: "no-export",
    severity: Severity::Error,
    summary: "no session exports the watchdog's routes",
    reason: "Without `export` an internal session exports nothing, and a filter for other sources lets no static route \
             through: the watchdog enables the protocol, BIRD says that it is up, and no neighbour hears of the route.",
    source: "BIRD 2 proto/bgp/bgp.c bgp_postconfig()",
    hint: "write `export where source = RTS_STATIC;` in the channel",
};

static NO_POLICY: Rule = Rule {
    dialect: Dialect::Bird,
    id: "no-policy",
    severity: Severity::Error,
    summary: "an external session without `import` or `export`",
    reason: "BIRD refuses the file: RFC 8212 wants both said for a session with another AS.",
    source: "BIRD 2 and 3 proto/bgp/bgp.c bgp_postconfig()",
    hint: "write both in the channel, for example `import none; export where source = RTS_STATIC;`",
};

static CONNECTED: Rule = Rule {
    dialect: Dialect::Bird,
    id: "connected-exported",
    severity: Severity::Warning,
    summary: "`protocol direct` sees `lo`, and a session exports its routes",
    reason: "The anycast addresses on `lo` are announced as connected networks while BIRD runs: when the watchdog \
             disables its protocol, the route is still there.",
    source: "BIRD 2 documentation, protocol direct",
    hint: "write `export where source = RTS_STATIC;` in the session, or leave `lo` out of `protocol direct`",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(file.of_kind("bgp").flat_map(without_policy));
    if file.watched().next().is_none() {
        return findings;
    }
    let sessions = Vec::from_iter(file.of_kind("bgp").filter(|session| !session.is_disabled()));
    let known = file.complete && sessions.iter().all(|session| session.complete) && !sessions.is_empty();
    for protocol in file.watched().filter(|_| known) {
        let Some(family) = family(protocol) else { continue };
        let title = protocol.title();
        if sessions.iter().all(|session| session.channel(family).is_none()) {
            findings
                .push(NO_CHANNEL.at(protocol.line, format!("{title}: no session has the channel `{}`", family.name())));
        } else if sessions.iter().all(|session| gives_nothing(session, family)) {
            findings.push(NO_EXPORT.at(protocol.line, format!("{title}: no session exports its routes")));
        }
    }
    findings.extend(connected(file, &sessions));
    findings
}

fn gives_nothing(session: &Protocol<'_>, family: Family) -> bool {
    session.channel(family).is_none()
        || session.policy(family, "export").unwrap_or(Policy::None).passes("RTS_STATIC") == Some(false)
}

fn without_policy(session: &Protocol<'_>) -> Vec<Finding> {
    if !session.complete || !is_external(session) {
        return Vec::new();
    }
    let channels = Family::ALL.into_iter().filter_map(|family| Some((family, session.channel(family)?)));
    let missing = channels.flat_map(|(family, channel)| {
        let lacks = move |direction: &&str| session.policy(family, direction).is_none();
        ["import", "export"].into_iter().filter(lacks).map(move |direction| (family, channel, direction))
    });
    let finding = |(family, channel, direction): (Family, &super::Statement, &str)| {
        let text = format!("{} has no `{direction}` in its channel `{}`", session.title(), family.name());
        NO_POLICY.at(channel.line, text)
    };
    missing.map(finding).collect()
}

/// Whether both AS numbers are there and differ, or it is said.
fn is_external(session: &Protocol<'_>) -> bool {
    let after_as = |word: &str| -> Option<u32> {
        let words =
            &session.statements.iter().find(|s| s.word(0) == word && s.words.iter().any(|w| w.text == "as"))?.words;
        let at = words.iter().position(|w| w.text == "as")?;
        words.get(at + 1)?.text.parse().ok()
    };
    let says = |statement: &&super::Statement| {
        statement.word(0) == "neighbor" && statement.words.iter().any(|w| w.text == "external")
    };
    session.statements.iter().copied().any(|s| says(&s))
        || after_as("local").zip(after_as("neighbor")).is_some_and(|(a, b)| a != b)
}

fn connected(file: &File<'_>, sessions: &[&Protocol<'_>]) -> Option<Finding> {
    let sees_lo = |protocol: &&Protocol<'_>| {
        let mut patterns = protocol
            .statements
            .iter()
            .filter(|s| s.word(0) == "interface")
            .flat_map(|s| s.words.iter().skip(1))
            .peekable();
        // Patterns are tried in order; one with `-` before it leaves its interfaces out.
        patterns.peek().is_none()
            || patterns
                .find(|w| matches!(w.text.as_str(), "lo" | "*" | "lo*" | "-lo" | "-lo*"))
                .is_some_and(|w| !w.text.starts_with('-'))
    };
    let direct = file.of_kind("direct").filter(|p| p.complete && !p.is_disabled()).find(sees_lo)?;
    let gives = |session: &&&Protocol<'_>| {
        Family::ALL.iter().any(|family| {
            let export = session.policy(*family, "export");
            direct.channel(*family).is_some() && export.is_some_and(|policy| policy.passes("RTS_DEVICE") == Some(true))
        })
    };
    let session = sessions.iter().find(gives)?;
    let text = format!("{} exports what `protocol direct` in line {} finds on `lo`", session.title(), direct.line);
    Some(CONNECTED.at(session.line, text))
}
