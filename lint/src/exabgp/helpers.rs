//! Rules about helper processes.

use std::collections::BTreeSet;

use super::model::is_off;
use super::{Dialect, File, Finding, Rule, Severity};

pub(super) const RULES: &[&Rule] = &[&NESTED, &UNDEFINED, &UNNAMED, &NO_ENCODER, &NO_RESPAWN, &EVENTS, &STAYS];

static NESTED: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "nested-process",
    severity: Severity::Error,
    summary: "`process` inside `neighbor`, as in version 3",
    reason: "From version 4 on ExaBGP refuses such a file. An upgrade of the distribution is enough to lose the \
             sessions.",
    source: "ExaBGP 4.2 configuration/configuration.py; issue 796",
    hint: "move `process NAME { run ...; encoder text; }` to the top and name it in the neighbour: `api { processes [ \
           NAME ]; }`",
};

static UNDEFINED: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "undefined-process",
    severity: Severity::Error,
    summary: "`api { processes [ NAME ]; }` without `process NAME`",
    reason: "ExaBGP refuses the file: an API is used but not defined.",
    source: "ExaBGP 4.2 configuration/configuration.py validate()",
    hint: "define the process at the top, or correct its name",
};

static UNNAMED: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "no-api",
    severity: Severity::Warning,
    summary: "a process that no neighbour's `api` names",
    reason: "ExaBGP runs it, but its `announce route` commands match no neighbour and are answered with `error`. Only \
             `announce watchdog` reaches every neighbour, in versions 4 and 5.",
    source: "ExaBGP 4.2 reactor/loop.py, reactor/api/command/watchdog.py",
    hint: "name it in each neighbour it speaks for: `api { processes [ NAME ]; }`",
};

static NO_ENCODER: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "no-encoder",
    severity: Severity::Error,
    summary: "a process without `encoder`",
    reason: "Versions 4 and 5 refuse the file: the process lacks a section.",
    source: "ExaBGP 4.2 configuration/process/__init__.py",
    hint: "add `encoder text;`",
};

static NO_RESPAWN: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "no-respawn",
    severity: Severity::Warning,
    summary: "`respawn false`: a helper that dies leaves its routes announced",
    reason: "ExaBGP does not withdraw what a dead helper has announced, and nobody starts another one: from then on \
             the routes stay, whatever the server does.",
    source: "ExaBGP 4.2 reactor/api/processes.py",
    hint: "remove the line: ExaBGP then starts the helper anew, and one that begins with a withdraw is safe",
};

static EVENTS: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "api-events",
    severity: Severity::Note,
    summary: "events are written to the helper's stdin, among the answers to its commands",
    reason: "A helper that does not read them fills the pipe (64 KiB); ExaBGP then waits in its only thread, sends no \
             keepalive, and the sessions end. Events and answers (`done`, `error`) come on one stream, and must be \
             told apart.",
    source: "ExaBGP 4.2 reactor/api/processes.py write(); issues 1034, 1141",
    hint: "remove the events unless the helper reads and uses them",
};

static STAYS: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "healthcheck-stays",
    severity: Severity::Warning,
    summary: "ExaBGP's healthcheck without `--withdraw-on-down`",
    reason: "A service that is down stays announced, with a MED of 1000 instead of 100. Where the other servers are \
             further away by another measure, or there is no other, queries still come here.",
    source: "ExaBGP 4.2 application/healthcheck.py",
    hint: "add `--withdraw-on-down`",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    let mut findings = of_apis(file);
    for process in &file.processes {
        let name = process.name;
        if process.nested {
            let text = format!("process `{name}` is inside a neighbour");
            findings.push(NESTED.at(process.line, text));
        }
        // Version 3 did without.
        if process.get("encoder").is_none() && !process.nested {
            findings.push(NO_ENCODER.at(process.line, format!("process `{name}` has no `encoder`")));
        }
        if let Some(line) = process.get("respawn").filter(|s| is_off(s.word(1))).map(|s| s.line) {
            findings.push(NO_RESPAWN.at(line, format!("process `{name}` is not started again when it dies")));
        }
        let run = process.command();
        if run.iter().any(|word| word.contains("exabgp")) && run.contains(&"healthcheck") {
            // Its options may be in a file too.
            let says =
                run.iter().any(|word| matches!(*word, "--withdraw-on-down" | "--config" | "-F") || word.contains("{{"));
            if !says {
                let text = format!("process `{name}` runs ExaBGP's healthcheck without `--withdraw-on-down`");
                findings.push(STAYS.at(process.line, text));
            }
        }
    }
    findings
}

fn of_apis(file: &File<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut named = BTreeSet::new();
    let mut by_pattern = false;
    let defined = |name: &str| file.processes.iter().find(|process| process.name == name);
    for neighbor in &file.neighbors {
        by_pattern |= !neighbor.complete;
        for statement in neighbor.statements.iter().filter(|s| s.word(0) == "api").flat_map(|s| s.block()) {
            match statement.word(0) {
                "processes" => {
                    let names = statement.words.iter().skip(1).filter(|w| !matches!(w.text.as_str(), "[" | "]" | ","));
                    for word in names {
                        let Some(name) = word.known() else {
                            by_pattern = true;
                            continue;
                        };
                        named.insert(name);
                        if defined(name).is_none() {
                            let text = format!("neighbor {} names process `{name}`, which is not there", neighbor.name);
                            findings.push(UNDEFINED.at(word.line, text));
                        }
                    }
                }
                "processes-match" => by_pattern = true,
                _ => {}
            }
        }
        findings.extend(of_events(file, neighbor));
    }
    if !by_pattern && !file.neighbors.is_empty() {
        let unnamed = file.processes.iter().filter(|p| !p.nested && !named.contains(p.name) && !p.name.contains("{{"));
        findings
            .extend(unnamed.map(|p| UNNAMED.at(p.line, format!("no neighbour's `api` names process `{}`", p.name))));
    }
    findings
}

/// Our own program reads all there is. ExaBGP's healthcheck does not: a line for each command.
fn of_events(file: &File<'_>, neighbor: &super::Neighbor<'_>) -> Option<Finding> {
    let api = neighbor.statements.iter().find(|s| s.word(0) == "api")?;
    let is_event =
        |name: &str| matches!(name, "neighbor-changes" | "negotiated" | "fsm" | "signal" | "receive" | "send");
    let event = api.block().iter().find(|s| is_event(s.word(0)) && !is_off(s.word(1)))?;
    let mut readers = file
        .processes
        .iter()
        .filter(|process| api.block().iter().any(|s| s.words.iter().any(|w| w.text == process.name)));
    let unknown = readers.find(|process| process.our_arguments().is_none())?;
    let text = format!("`{}` sends events of neighbor {} to process `{}`", event.word(0), neighbor.name, unknown.name);
    Some(EVENTS.at(event.line, text))
}
