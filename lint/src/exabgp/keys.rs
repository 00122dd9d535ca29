//! Rules about MD5 keys. No key is ever repeated in a finding.

use super::{Dialect, File, Finding, Neighbor, Rule, Severity, Word};

pub(super) const RULES: &[&Rule] = &[&HEX, &CUT, &ESCAPE, &NOT_BASE64, &LONG];

/// TCP_MD5SIG_MAXKEYLEN of the Linux kernel.
pub(crate) const LONGEST: usize = 80;

static HEX: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "hex-md5",
    severity: Severity::Warning,
    summary: "a key of digits and a-f, without `md5-base64`",
    reason: "Version 4 takes it for base64 and decodes it: the key is another one than the router's, and the session \
             never comes up. Version 5 does not, unless `md5-base64 auto` asks for it.",
    source: "ExaBGP 4.2 reactor/network/tcp.py MD5()",
    hint: "add `md5-base64 false;`",
};

static CUT: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "cut-md5",
    severity: Severity::Error,
    summary: "a key without quotes, of more than one word",
    reason: "ExaBGP splits at blanks, commas and brackets and takes the first piece for the key, without a complaint: \
             the session never comes up.",
    source: "ExaBGP 4.2 configuration/core/format.py, configuration/neighbor/parser.py md5()",
    hint: "put the key in quotes",
};

static ESCAPE: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "escaped-md5",
    severity: Severity::Warning,
    summary: "a key with a backslash",
    reason: "ExaBGP removes it and may take the next character for a control character, in quotes too.",
    source: "ExaBGP 4.2 configuration/core/format.py unescape()",
    hint: "write the backslash twice, or choose a key without one",
};

static NOT_BASE64: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "not-base64",
    severity: Severity::Error,
    summary: "`md5-base64 true` and a key that is no base64",
    reason: "ExaBGP decodes it all the same, leaves out what it cannot read or stops with an error: the router has \
             another key.",
    source: "ExaBGP 4.2 reactor/network/tcp.py MD5()",
    hint: "write `md5-base64 false;` if the key is the text that the router has",
};

static LONG: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "long-md5",
    severity: Severity::Error,
    summary: "a key of more than 80 characters",
    reason: "The kernel takes no longer ones, and ExaBGP refuses the file.",
    source: "Linux uapi/linux/tcp.h; ExaBGP 4.2 configuration/neighbor/__init__.py",
    hint: "agree on a key of at most 80 characters",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    file.neighbors.iter().flat_map(of).collect()
}

fn of(neighbor: &Neighbor<'_>) -> Vec<Finding> {
    let Some(words) = neighbor.get("md5-password").map(|s| s.words.get(1..).unwrap_or_default()) else {
        return Vec::new();
    };
    let Some(key) = words.first() else { return Vec::new() };
    let name = neighbor.name;
    let mut findings = Vec::new();
    if words.len() > 1 {
        findings.push(CUT.at(key.line, format!("the key of neighbor {name} has no quotes and more than one word")));
    }
    if words.iter().any(has_lone_backslash) {
        findings.push(ESCAPE.at(key.line, format!("the key of neighbor {name} has a backslash")));
    }
    let Some(text) = key.known().filter(|_| words.len() == 1) else { return findings };
    let is_base64 = match neighbor.get("md5-base64") {
        // Left out or `auto`: version 4 guesses.
        None if neighbor.complete => None,
        Some(statement) if statement.word(1) == "auto" => None,
        Some(statement) => Some(matches!(statement.word(1), "true" | "enable" | "enabled")),
        None => Some(false),
    };
    if is_base64.is_none() && text.chars().all(|c| matches!(c, '0'..='9' | 'a'..='f')) {
        let never = if text.len() % 4 == 1 { ", and is of a length that cannot be decoded" } else { "" };
        let what = format!("the key of neighbor {name} has only digits and a-f{never}, and `md5-base64` is not set");
        findings.push(HEX.at(key.line, what));
    }
    if is_base64 == Some(true) && !could_be_base64(text) {
        findings.push(NOT_BASE64.at(key.line, format!("the key of neighbor {name} is no base64")));
    }
    let length = if is_base64 == Some(true) { text.trim_end_matches('=').len() * 3 / 4 } else { text.len() };
    if length > LONGEST {
        findings.push(LONG.at(key.line, format!("the key of neighbor {name} has {length} characters")));
    }
    findings
}

fn has_lone_backslash(word: &Word) -> bool {
    word.text.replace("\\\\", "").contains('\\')
}

fn could_be_base64(text: &str) -> bool {
    let inside = text.trim_end_matches('=');
    let known = inside.chars().all(|c| c.is_ascii_alphanumeric() || c == '+' || c == '/');
    known && text.len().is_multiple_of(4) && text.len() - inside.len() <= 2
}
