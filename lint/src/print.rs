//! Findings for people and for programs.

use std::cmp::Reverse;
use std::path::Path;

use serde_json::json;

use super::{Finding, Rule, Severity};

/// Findings as people read them, the worst first: where and what, then, once for each rule, why and what to do.
#[must_use]
pub fn for_people(path: &Path, findings: &[Finding]) -> String {
    let mut groups: Vec<(Severity, &Rule, Vec<&Finding>)> = Vec::new();
    for finding in findings {
        let same = groups.iter_mut().find(|(severity, rule, _)| *severity == finding.severity && *rule == finding.rule);
        match same {
            Some((_, _, group)) => group.push(finding),
            None => groups.push((finding.severity, finding.rule, vec![finding])),
        }
    }
    // The order of the lines is kept among those that are equally bad.
    groups.sort_by_key(|(severity, ..)| Reverse(*severity));
    let told = |(severity, rule, group): &(Severity, &Rule, Vec<&Finding>)| {
        let heads = group.iter().map(|finding| {
            format!("{}:{}: {}[{}]: {}\n", path.display(), finding.line, severity.name(), rule.id, finding.what)
        });
        let why = indented(&format!("{} ({})", rule.reason, rule.source));
        heads.collect::<String>() + &format!("{why}\n{}\n", indented(&format!("hint: {}", rule.hint)))
    };
    groups.iter().map(told).collect()
}

/// At most 110 characters a line, four of them blank. Nothing in backticks is parted.
fn indented(text: &str) -> String {
    const WIDTH: usize = 106;
    let mut lines = vec![String::new()];
    let mut pieces: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match pieces.last_mut() {
            Some(last) if last.matches('`').count() % 2 == 1 => *last = format!("{last} {word}"),
            _ => pieces.push(word.to_owned()),
        }
    }
    for piece in pieces {
        match lines.last_mut() {
            Some(line) if line.is_empty() => *line = piece,
            Some(line) if line.chars().count() + 1 + piece.chars().count() <= WIDTH => {
                *line = format!("{line} {piece}");
            }
            _ => lines.push(piece),
        }
    }
    Vec::from_iter(lines.iter().map(|line| format!("    {line}"))).join("\n")
}

/// Findings as JSON Lines.
#[must_use]
pub fn for_programs(path: &Path, findings: &[Finding]) -> String {
    let line = |finding: &Finding| {
        let rule = finding.rule;
        let object = json!({
            "file": path.display().to_string(),
            "line": finding.line,
            "severity": finding.severity.name(),
            "daemon": rule.dialect.name(),
            "rule": rule.id,
            "what": finding.what,
            "reason": rule.reason,
            "source": rule.source,
            "hint": rule.hint,
        });
        format!("{object}\n")
    };
    findings.iter().map(line).collect()
}

/// A rule in one line.
#[must_use]
pub fn of_rule(rule: &Rule) -> String {
    format!("{:<7} {:<8} {:<23} {}", rule.dialect.name(), rule.severity.name(), rule.id, rule.summary)
}
