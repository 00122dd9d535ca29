//! Where keys stand in a text: in the configuration of daemons, in scenario files, in what daemons quote of them.
//!
//! It errs on the side of hiding: what follows a word such as `password` is a key, whatever the daemon.

use std::ops::Range;

/// How a word announces a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Announces {
    /// Whatever follows: `password KEY`.
    Always,
    /// With `=`, `:` or `(` behind it: `key = KEY`, `setKey("KEY")`.
    Assigned,
}

/// Words at whose end a key follows: BIRD, FRR, ExaBGP (`password`, `md5-password`, `md5`, `secret`, `key-string`), named, rndc, NSD,
/// Knot (`secret`), keepalived (`auth_pass`), dnsdist and PowerDNS (`password`, `api-key`).
const ALWAYS: [&str; 9] =
    ["password", "passwords", "passwd", "passphrase", "secret", "authpass", "apikey", "keystring", "authenticationkey"];

/// Parts of words to which a key is assigned, also in `vars`, `env` and DNSSEC's private files.
const ASSIGNED: [&str; 10] = [
    "password",
    "passwd",
    "passphrase",
    "secret",
    "token",
    "credential",
    "apikey",
    "privatekey",
    "exponent",
    "coefficient",
];

/// Whether what is assigned to a name is nobody's to read.
pub(crate) fn is_secret(name: &str) -> bool {
    announces(name).is_some()
}

fn announces(word: &str) -> Option<Announces> {
    let flat: String = word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect();
    let is_name_of_another = ["base64", "file", "path", "encryption", "format"].iter().any(|end| flat.ends_with(end));
    if is_name_of_another {
        None
    } else if flat == "md5" || ALWAYS.iter().any(|end| flat.ends_with(end)) {
        Some(Announces::Always)
    } else if ASSIGNED.iter().any(|part| flat.contains(part))
        || ["key", "pass", "psk", "tsig", "md5", "prime1", "prime2"].iter().any(|end| flat.ends_with(end))
    {
        Some(Announces::Assigned)
    } else {
        None
    }
}

/// The keys in a text, in their order: without their quotes.
pub(super) fn keys(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut words = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(range) = pem(text, at) {
            at = range.end;
            found.push(range);
            continue;
        }
        let is_word = |c: char| c.is_alphanumeric() || ['_', '-'].contains(&c);
        let length = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        if length == 0 {
            at += rest.chars().next().map_or(1, char::len_utf8);
            continue;
        }
        let word = rest.get(..length).unwrap_or_default();
        at += length;
        // RIP's `authentication string KEY`; dnsdist's `webserver(ADDRESS, PASSWORD, KEY)`.
        let phrase = words.last() == Some(&"authentication") && word == "string";
        words.push(word);
        if word == "webserver" && text.get(at..).is_some_and(|rest| rest.starts_with('(')) {
            let end = line_end(text, at);
            let first = text.get(at..end).and_then(|arguments| arguments.find(',')).map_or(end, |comma| at + comma);
            found.extend(quoted(text, first..end));
            at = end;
            continue;
        }
        let Some(how) = announces(word).or(phrase.then_some(Announces::Always)) else { continue };
        let Some(value) = value(text, at, how) else { continue };
        at = value.end;
        found.extend(trimmed(text, value));
    }
    found
}

/// What follows a word that announces a key.
fn value(text: &str, at: usize, how: Announces) -> Option<Range<usize>> {
    let blank = |at: usize| {
        let rest = text.get(at..).unwrap_or_default();
        at + rest.len() - rest.trim_start_matches([' ', '\t']).len()
    };
    let next = |at: usize| text.get(at..).and_then(|rest| rest.chars().next());
    // The quote that ends the name itself, as in JSON.
    let named = match next(at) {
        Some('"' | '\'') if matches!(next(blank(at + 1)), Some(':' | '=')) => at + 1,
        Some('"' | '\'' | ']') if how == Announces::Assigned => at + 1,
        _ => at,
    };
    let mut start = blank(named);
    let assigned = matches!(next(start), Some('=' | ':' | '('));
    if assigned {
        start = blank(start + text.get(start..)?.find(|c| !['=', ':', '(', '>'].contains(&c))?);
    } else if how == Announces::Assigned || (start == named && !matches!(next(start), Some('"' | '\'' | '\n' | '\r'))) {
        return None;
    }
    // A daemon's grammar allows its value on the next line.
    let rest = text.get(start..)?;
    let further = start + rest.len() - rest.trim_start().len();
    if let Some(quote @ ('"' | '\'')) = next(further) {
        let long = quote.to_string().repeat(3);
        let mark = if text.get(further..)?.starts_with(&long) { long } else { quote.to_string() };
        let begin = further + mark.len();
        let end = ends(text.get(begin..)?, &mark).map_or_else(|| line_end(text, begin), |end| begin + end);
        return Some(begin..end);
    }
    // A block, whose words are looked at by themselves.
    if matches!(next(start), None | Some('{' | '\n')) { None } else { Some(start..line_end(text, start)) }
}

/// Where a quoted text ends: a quote behind a backslash does not end it.
fn ends(text: &str, mark: &str) -> Option<usize> {
    let mut from = 0;
    loop {
        let at = from + text.get(from..)?.find(mark)?;
        let slashes = text.get(..at)?.chars().rev().take_while(|c| *c == '\\').count();
        if slashes % 2 == 0 {
            return Some(at);
        }
        from = at + mark.len();
    }
}

/// The quoted texts in a part of a line, without their quotes.
fn quoted(text: &str, part: Range<usize>) -> Vec<Range<usize>> {
    let (mut found, mut at) = (Vec::new(), part.start);
    while let Some(rest) = text.get(at..part.end) {
        let Some((open, mark)) = rest.char_indices().find(|(_, c)| ['"', '\''].contains(c)) else { break };
        let begin = at + open + 1;
        let end = ends(text.get(begin..part.end).unwrap_or_default(), &mark.to_string());
        let end = end.map_or(part.end, |end| begin + end);
        found.extend(Some(begin..end).filter(|range| !range.is_empty()));
        at = end + 1;
    }
    found
}

fn line_end(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|rest| rest.find('\n')).map_or(text.len(), |end| at + end)
}

/// Without what ends a statement.
fn trimmed(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let all = text.get(range.clone())?;
    let kept = all.trim_end_matches([' ', '\t', '\r', ';', '}', ')', ',']);
    let from = range.start + kept.len() - kept.trim_start().len();
    Some(from..range.start + kept.len()).filter(|range| !range.is_empty())
}

/// The body of a private key that begins here (RFC 7468).
fn pem(text: &str, at: usize) -> Option<Range<usize>> {
    let rest = text.get(at..).filter(|rest| rest.starts_with("-----BEGIN "))?;
    let length = rest.bytes().take(100).position(|byte| byte == b'\n')?;
    let head = rest.get(..length).filter(|head| head.contains("PRIVATE KEY"))?;
    let start = (at + head.len() + 1).min(text.len());
    let body = text.get(start..)?;
    let body = body.get(..body.find("-----END").unwrap_or(body.len()))?.trim_end();
    Some(start..start + body.len()).filter(|range| !range.is_empty())
}
