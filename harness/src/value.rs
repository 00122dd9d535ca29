//! VALUES: the small words of scenario files: time spans, daemons, roles, families, names and paths.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::image::catalog;

mod name;
mod path;

pub use name::{FileName, Zone, is_label};
pub use path::{Beside, FileError, NodePath, Regular};

/// A time span as operators write it: `500ms`, `2s`, `1.5s`, `2m`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(pub Duration);

impl Span {
    /// So many milliseconds.
    #[must_use]
    pub const fn ms(ms: u64) -> Self {
        Self(Duration::from_millis(ms))
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
        let (number, unit) = text.split_at(unit_at);
        let seconds_per_unit = match unit {
            "ms" => 0.001,
            "s" => 1.0,
            "m" => 60.0,
            _ => {
                return Err(format!(
                    "`{text}` is not a time span: expected a number and `ms`, `s` or `m`, such as \"500ms\""
                ));
            }
        };
        let number: f64 =
            number.parse().map_err(|_| format!("`{text}` is not a time span: `{number}` is not a number"))?;
        let seconds = number * seconds_per_unit;
        if seconds > 3600.0 {
            return Err(format!("`{text}` is longer than an hour"));
        }
        // Whole microseconds: a float such as 0.3 must not become 299999999 ns.
        Ok(Self(Duration::from_micros((seconds * 1e6).round() as u64)))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Span> for String {
    fn from(span: Span) -> Self {
        span.to_string()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros();
        match micros {
            0 => write!(f, "0s"),
            m if m < 1_000_000 => write!(f, "{}ms", micros as f64 / 1e3),
            _ => write!(f, "{}s", micros as f64 / 1e6),
        }
    }
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A daemon in one version, as `bind@9.20`; what is ours has one version only, and is named without it, as `hickory`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Product {
    /// The kind's name.
    pub kind: String,
    /// Its version.
    pub version: String,
}

impl Product {
    /// The kind that plays the watchdog unless another one is named.
    pub const OUR_WATCHDOG: &str = "watchdog";

    /// In a sentence: `bind 9.20`; what is ours without its version, as `hickory`.
    #[must_use]
    pub fn words(&self) -> String {
        self.to_string().replace('@', " ")
    }
}

impl FromStr for Product {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('@') {
            Some((kind, version)) if !kind.is_empty() && !version.is_empty() => {
                Ok(Self { kind: kind.to_owned(), version: version.to_owned() })
            }
            None if catalog::versions(text) == [catalog::OURS] => {
                Ok(Self { kind: text.to_owned(), version: catalog::OURS.to_owned() })
            }
            _ => Err(format!("`{text}` names no version: expected KIND@VERSION, such as \"bind@9.20\"")),
        }
    }
}

impl TryFrom<String> for Product {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Product> for String {
    fn from(product: Product) -> Self {
        product.to_string()
    }
}

impl fmt::Display for Product {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.version.as_str() {
            catalog::OURS => f.write_str(&self.kind),
            version => write!(f, "{}@{version}", self.kind),
        }
    }
}

/// What a daemon is there for; the matrix says which product plays the role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    /// Answers DNS queries.
    Resolver,
    /// Announces the anycast routes.
    Speaker,
    /// Takes them in, and balances over them.
    Router,
    /// Tells the speaker whether the resolver is healthy.
    Watchdog,
}

impl Role {
    /// All of them, in the order in which their daemons start.
    pub const ALL: [Self; 4] = [Self::Resolver, Self::Router, Self::Speaker, Self::Watchdog];

    /// Whether its daemon holds BGP sessions.
    #[must_use]
    pub fn speaks_bgp(self) -> bool {
        matches!(self, Self::Speaker | Self::Router)
    }

    /// The role of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.to_string() == name)
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Resolver => "resolver",
            Self::Speaker => "speaker",
            Self::Router => "router",
            Self::Watchdog => "watchdog",
        })
    }
}

/// An address family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Both.
    pub const ALL: [Self; 2] = [Self::V4, Self::V6];

    /// The family of an address.
    #[must_use]
    pub fn of(address: std::net::IpAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::V4 => "v4",
            Self::V6 => "v6",
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_read_as_operators_write_them() {
        for (text, ms) in [("500ms", 500), ("2s", 2000), ("1.5s", 1500), ("2m", 120_000), ("0s", 0)] {
            assert_eq!(text.parse(), Ok(Span::ms(ms)), "{text}");
        }
        for text in ["", "5", "s", "5 s", "-1s", "1h", "1..5s", "61m", "nans"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_span_reads_back(ms in 0_u64..3_600_000) {
            prop_assert_eq!(Span::ms(ms).to_string().parse(), Ok(Span::ms(ms)));
        }
    }

    #[test]
    fn a_product_needs_a_version_unless_it_is_ours() {
        for text in ["bind@9.20", "hickory", "watchdog"] {
            assert_eq!(text.parse::<Product>().map(|product| product.to_string()).as_deref(), Ok(text));
        }
        assert_eq!("hickory".parse::<Product>(), "hickory@ours".parse());
        for text in ["bind", "bind@", "@9.20", "hickory@", "nothing", ""] {
            assert!(text.parse::<Product>().is_err(), "{text}");
        }
    }
}
