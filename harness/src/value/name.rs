//! Names: of zones, and of files that the harness makes.

use std::fmt;
use std::path::Path;

use hickory_proto::rr::Name;
use serde::{Deserialize, Serialize};

/// A DNS zone, without its final dot: `example.test` (RFC 1035, section 2.3.1).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Zone(String);

impl Zone {
    /// The zone as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Zone {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{}` is not a zone: {why}", text.escape_debug()));
        if text.is_empty() {
            return wrong("expected a DNS name, such as \"example.test\"");
        }
        if text.ends_with('.') {
            return wrong("expected a DNS name below the root, without its final dot");
        }
        let plain = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
        let edges = |label: &str| !label.starts_with('-') && !label.ends_with('-');
        if !text.chars().all(plain) || !text.split('.').all(edges) {
            return wrong("expected labels of letters, digits, `-` and `_`, without `-` at their ends");
        }
        // The zone's SOA record names this host: it has to fit, too.
        match Name::from_ascii(format!("hostmaster.{text}.")) {
            Ok(_) => Ok(Self(text)),
            Err(error) => wrong(&error.to_string()),
        }
    }
}

impl From<Zone> for String {
    fn from(zone: Zone) -> Self {
        zone.0
    }
}

impl fmt::Display for Zone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a text is a DNS label of lower-case letters, digits and `-` that starts with a letter, of at most 40 characters: it
/// becomes a host name, a container's name and a file's name, with something behind it.
#[must_use]
pub fn is_label(text: &str) -> bool {
    let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.chars().all(good)
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && !text.ends_with('-')
        && text.len() <= 40
}

/// The name of a file or folder that the harness makes: one component, which stays in the folder that it is joined to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileName(String);

impl FileName {
    /// Takes a name of letters, digits, `.`, `-` and `_` that starts with a letter or a digit.
    ///
    /// # Errors
    /// It is no such name.
    pub fn new(text: impl Into<String>) -> Result<Self, String> {
        let text = text.into();
        let plain = |c: char| c.is_ascii_alphanumeric() || ['-', '_', '.'].contains(&c);
        let good =
            text.chars().all(plain) && text.starts_with(|c: char| c.is_ascii_alphanumeric()) && text.len() <= 255;
        if good { Ok(Self(text)) } else { Err(format!("`{}` is not a file's name", text.escape_debug())) }
    }
}

impl AsRef<Path> for FileName {
    fn as_ref(&self) -> &Path {
        Path::new(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_a_dns_name_without_its_final_dot() {
        for good in ["example.test", "a", "Example.Test", "_dns.example.test", "53.198.in-addr.arpa", "1.2.3.4"] {
            assert_eq!(Zone::try_from(good.to_owned()).map(String::from).as_deref(), Ok(good));
        }
        let (long, name) = ("a".repeat(64), ["abcdefg"; 31].join("."));
        for bad in [
            "",
            ".",
            "..",
            "example.test.",
            "a..b",
            ".a",
            "a b",
            "-a",
            "a-.b",
            "../../etc/passwd",
            "a/b",
            "a\" { ... }; zone \"b",
            "a\nb",
            "a\0",
            "ä.test",
            "$INCLUDE",
            "@",
            "*.a",
            "a\\046b",
            &long,
            &name,
        ] {
            assert!(Zone::try_from(bad.to_owned()).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_files_name_stays_in_its_folder() {
        for good in ["ns1", "kill-named-no-watchdog-12ab", "resolver.log", "probe"] {
            assert!(FileName::new(good).is_ok(), "{good}");
        }
        for bad in ["", ".", "..", ".ssh", "a/b", "../a", "/a", "a\0", "a b", "-a", &"a".repeat(256)] {
            assert!(FileName::new(bad).is_err(), "{bad:?}");
        }
    }
}
