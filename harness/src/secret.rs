//! What nobody is to read: shown as `•••` wherever it is written, but to the daemons that need it.

use std::fmt;

use serde::{Deserialize, Serialize, Serializer};

/// What is shown in place of a secret.
const SHOWN: &str = "•••";

/// A key.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Written")]
pub struct Secret(String);

/// As written. An error about what is no text must not quote it either.
#[derive(Deserialize)]
#[serde(untagged)]
enum Written {
    Text(String),
    Other(serde::de::IgnoredAny),
}

impl TryFrom<Written> for Secret {
    type Error = &'static str;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Text(key) => Ok(Self(key)),
            Written::Other(_) => Err("a key is a text: expected quotes around it"),
        }
    }
}

impl Secret {
    /// The key itself.
    #[must_use]
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// A text without the key.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        if self.0.is_empty() { text.to_owned() } else { text.replace(&self.0, SHOWN) }
    }
}

impl From<&str> for Secret {
    fn from(key: &str) -> Self {
        Self(key.to_owned())
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SHOWN)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(SHOWN)
    }
}

/// Whether a key of a table holds, by its name, what nobody is to read.
#[must_use]
pub(crate) fn is_secret(key: &str) -> bool {
    key == "md5"
}

/// A text without the values that directives of routing daemons call passwords: those of files that were given, whose keys
/// nobody told us.
#[must_use]
pub fn without_passwords(text: &str) -> String {
    text.split_inclusive('\n').map(without_password).collect()
}

/// A line of a scenario file with the keys in it made unreadable, and no other character moved: a caret points at it.
#[must_use]
pub(crate) fn without_keys(line: &str) -> String {
    let Some((head, value)) = line.split_once("md5").and_then(|(head, rest)| {
        let value = rest.trim_start().strip_prefix('=')?.trim_start();
        Some((line.get(..line.len() - value.len())?, value)).filter(|_| !head.ends_with(char::is_alphanumeric))
    }) else {
        return line.to_owned();
    };
    let quote = value.chars().next().filter(|c| ['"', '\''].contains(c));
    let end = match quote {
        Some(quote) => value.get(1..).and_then(|rest| rest.find(quote)).map_or(value.len(), |at| at + 2),
        None => value.find([',', '}', ' ']).unwrap_or(value.len()),
    };
    let (key, rest) = value.split_at(end);
    let key: String = key.chars().map(|c| if Some(c) == quote { c } else { '•' }).collect();
    format!("{head}{key}{}", without_keys(rest))
}

fn without_password(line: &str) -> String {
    for directive in ["md5-password ", "password "] {
        let before =
            |at: usize| line.get(..at).is_none_or(|text| text.is_empty() || text.ends_with([' ', '\t', '{', ';']));
        if let Some(at) = line.find(directive).filter(|at| before(*at)) {
            let (head, rest) = line.split_at(at + directive.len());
            let end = rest.find([';', '\n']).unwrap_or(rest.len());
            return format!("{head}{SHOWN}{}", rest.get(end..).unwrap_or(""));
        }
    }
    line.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_never_written() {
        let secret = Secret::from("the key");
        assert_eq!(format!("{secret} {secret:?}"), "••• •••");
        assert_eq!(serde_json::to_string(&secret).expect("JSON"), "\"•••\"");
        assert_eq!(secret.redact("password \"the key\";"), "password \"•••\";");
        assert_eq!(Secret::from("").redact("text"), "text");
    }

    #[test]
    fn a_key_in_a_scenario_file_is_covered_in_place() {
        for (written, shown) in [
            (
                "peers.router = { md5 = \"k y\", hold-time = \"9s\" }",
                "peers.router = { md5 = \"•••\", hold-time = \"9s\" }",
            ),
            ("a.md5='k'\tb.md5 = 17", "a.md5='•'\tb.md5 = ••"),
            ("md5-base64 = true", "md5-base64 = true"),
            ("md5 = \"never ended", "md5 = \"•••••••••••"),
            ("asn = 1", "asn = 1"),
        ] {
            assert_eq!(without_keys(written), shown);
        }
        let error = toml::from_str::<std::collections::BTreeMap<String, Secret>>("md5 = 4711").expect_err("no text");
        assert!(!error.message().contains("4711"), "{error}");
    }

    #[test]
    fn passwords_of_given_files_are_not_shown() {
        for (given, shown) in [
            ("  md5-password 'k e y';\n", "  md5-password •••;\n"),
            ("\tpassword \"key\"; hold time 9;", "\tpassword •••; hold time 9;"),
            (" neighbor 10.0.0.1 password k e y\n", " neighbor 10.0.0.1 password •••\n"),
            ("no-password x", "no-password x"),
            ("asn 1;\n", "asn 1;\n"),
        ] {
            assert_eq!(without_passwords(given), shown);
        }
    }
}
