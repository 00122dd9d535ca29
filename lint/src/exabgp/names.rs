//! Rules about the names by which helpers speak of routes.

use std::collections::BTreeSet;

use super::{Dialect, File, Finding, Process, Rule, Severity, listed};

pub(super) const RULES: &[&Rule] = &[&NO_HELPER, &OTHER_NAME];

static NO_HELPER: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "no-helper",
    severity: Severity::Warning,
    summary: "routes with `watchdog ... withdraw`, and no process at all",
    reason: "They begin withdrawn and wait for `announce watchdog NAME`, which no process in this file says.",
    source: "ExaBGP 4.2 rib/outgoing.py",
    hint: "add `process NAME { run /usr/local/bin/anycast-watchdog; encoder text; }` and name it in `api { processes [ \
           NAME ]; }`",
};

static OTHER_NAME: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "watchdog-name",
    severity: Severity::Error,
    summary: "no route has the helper's `--name`, or no helper the route's `watchdog NAME`",
    reason: "ExaBGP answers `done` to a name that no route has, and does nothing: the routes stay as they are for \
             ever, and neither side complains.",
    source: "ExaBGP 4.2 reactor/api/command/watchdog.py",
    hint: "give both the same name; without `--name` it is `anycastdns`",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    let waiting = Vec::from_iter(file.routes().filter_map(|(_, route)| Some((route, route.watchdog()?))));
    if file.processes.is_empty() {
        let first = waiting.iter().find(|(route, _)| route.has("withdraw"));
        let finding = |(route, _): &(&super::Route<'_>, _)| {
            NO_HELPER.at(route.line, format!("route {} waits for a watchdog", route.text))
        };
        return first.map(finding).into_iter().collect();
    }
    // Of other programs we do not know what they say.
    let Some(said) = file.processes.iter().map(Process::watchdog).collect::<Option<BTreeSet<&str>>>() else {
        return Vec::new();
    };
    let known = file.neighbors.iter().all(|neighbor| neighbor.complete);
    let Some(heard) = waiting.iter().map(|(_, word)| word.known()).collect::<Option<BTreeSet<&str>>>() else {
        return Vec::new();
    };
    let mut findings = Vec::new();
    for (route, word) in waiting.iter().filter(|(_, word)| !said.contains(word.text.as_str())) {
        let others = listed(said.iter().copied());
        let text = format!("route {} waits for watchdog `{}`, the helpers speak of {others}", route.text, word.text);
        findings.push(OTHER_NAME.at(route.line, text));
    }
    for process in file.processes.iter().filter(|_| known) {
        let name = process.watchdog().unwrap_or_default();
        // Routes without any watchdog are another rule's.
        if heard.contains(name) || (heard.is_empty() && file.routes().next().is_some()) {
            continue;
        }
        let others = if heard.is_empty() {
            "there is no route".to_owned()
        } else {
            format!("the routes wait for {}", listed(heard.iter().copied()))
        };
        let text = format!("process `{}` speaks of watchdog `{name}`, {others}", process.name);
        findings.push(OTHER_NAME.at(process.line, text));
    }
    findings
}
