//! Rules about the router beside the servers.

use super::{Dialect, Family, File, Finding, Policy, Protocol, Rule, Severity};

pub(super) const RULES: &[&Rule] = &[&NO_ECMP, &AWARE];

static NO_ECMP: Rule = Rule {
    dialect: Dialect::Bird,
    id: "no-ecmp",
    severity: Severity::Note,
    summary: "a router's `protocol kernel` without `merge paths`",
    reason: "Of several servers that announce an address BIRD gives the kernel one: the others get no queries until it \
             fails.",
    source: "BIRD 2 documentation, kernel option `merge paths`",
    hint: "write `merge paths on;` if the servers are to share the queries",
};

static AWARE: Rule = Rule {
    dialect: Dialect::Bird,
    id: "graceful-restart-aware",
    severity: Severity::Note,
    summary: "a router's session without `graceful restart off`",
    reason: "BIRD is `aware` if nothing is said: a server that asks for graceful restart keeps its routes here after \
             its death, for the time that it asks for.",
    source: "BIRD 2 documentation, BGP option `graceful restart`",
    hint: "write `graceful restart off;` for sessions with anycast servers",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    // A server's own kernel routes do not matter to those who ask it.
    if file.watched().next().is_some() || !file.complete {
        return Vec::new();
    }
    let gives =
        |kernel: &Protocol<'_>, family| kernel.policy(family, "export").is_some_and(|policy| policy != Policy::None);
    let takes = |session: &Protocol<'_>, family| {
        session.channel(family).is_some() && session.policy(family, "import").unwrap_or(Policy::All) != Policy::None
    };
    let mut findings = Vec::new();
    let mut listening = Vec::new();
    for family in [Family::V4, Family::V6] {
        let Some(kernel) = file.of_kind("kernel").find(|kernel| !kernel.is_disabled() && gives(kernel, family)) else {
            continue;
        };
        let neighbours = Vec::from_iter(file.of_kind("bgp").filter(|session| takes(session, family)));
        if neighbours.len() > 1 && kernel.complete && !kernel.is_on(&["merge", "paths"]).unwrap_or_default() {
            let text = format!("{} (`{}`) has no `merge paths`", kernel.title(), family.name());
            findings.push(NO_ECMP.at(kernel.line, text));
        }
        listening.extend(neighbours);
    }
    let aware = |session: &&&Protocol<'_>| session.complete && session.get(&["graceful", "restart"]).is_none();
    findings.extend(
        listening.iter().filter(aware).map(|session| AWARE.at(session.line, format!("{} is `aware`", session.title()))),
    );
    findings
}
