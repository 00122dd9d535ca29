//! What a step asserts: one subject, whose answers and routes it is about, and what it may cost.

use serde::{Deserialize, Serialize};

use super::happening::Happening;
use crate::value::{Family, Span};

/// An assertion.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Entry", into = "Entry")]
pub struct Expect {
    /// What must be so.
    pub subject: Subject,
    /// Only this service; else all.
    pub service: Option<String>,
    /// Only this family; else both.
    pub family: Option<Family>,
    /// Only at this router; else at all.
    pub at: Option<String>,
    /// Only as this client sees it; else as all do.
    pub client: Option<String>,
    /// The deadline, from the last inject or heal; else derived from the timers.
    pub within: Option<Span>,
    /// For how long it must then hold.
    pub stable: Span,
    /// How many queries may be lost since the last inject or heal.
    pub lost: Option<u64>,
    /// The longest that a client may be without a good answer from one address since the last inject or heal.
    pub gap: Option<Span>,
    /// How often a router's kernel may change the next hops of one address since the last inject or heal.
    pub flaps: Option<u64>,
    /// Whether queries of one flow must keep to one instance for as long as no route changes.
    pub sticky: bool,
}

/// What must be so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subject {
    /// The joint oracle: at every router RIB and FIB hold exactly these nodes, and exactly these answer every client.
    Serving(Vec<String>),
    /// Exactly these answer every client, whatever the routes say.
    AnsweredBy(Vec<String>),
    /// No query gets a good answer.
    Unanswered,
    /// What became of the BGP session between two nodes.
    Session {
        /// Its ends.
        between: [String; 2],
        /// What it must be.
        state: State,
        /// Whether its segments carry a TCP MD5 signature (RFC 2385); none for either.
        signed: Option<bool>,
    },
    /// All of this has happened since the last inject or heal, in this order.
    Ordered(Vec<Happening>),
}

/// What a BGP session can be, as the wire shows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Both ends have accepted the other's OPEN, and nothing has ended it since.
    Established,
    /// It was established once, and is no more.
    Down,
    /// It was tried, and never came up since the last inject or heal.
    NeverEstablished,
}

/// As written.
#[derive(Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    serving: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    answered_by: Option<Vec<String>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unanswered: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    session: Option<[String; 2]>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    signed: Option<bool>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ordered: Option<Vec<Happening>>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    family: Option<Family>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    within: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stable: Option<Span>,
    #[serde(default, rename = "for", skip_serializing_if = "Option::is_none")]
    lasting: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    lost: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gap: Option<Span>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    flaps: Option<u64>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    sticky: bool,
}

impl Expect {
    /// A second: four hundred queries, in the shared topologies.
    const STABLE: Span = Span::ms(1000);

    /// The nodes that must answer; none when it is not about answers.
    #[must_use]
    pub fn instances(&self) -> &[String] {
        match &self.subject {
            Subject::Serving(nodes) | Subject::AnsweredBy(nodes) => nodes,
            Subject::Unanswered | Subject::Session { .. } | Subject::Ordered(_) => &[],
        }
    }

    /// Whether it is about what clients are answered.
    #[must_use]
    pub fn asks_answers(&self) -> bool {
        matches!(self.subject, Subject::Serving(_) | Subject::AnsweredBy(_) | Subject::Unanswered)
    }

    /// Whether it can pass only after a time of its own, whatever the deadline.
    #[must_use]
    pub fn is_never(&self) -> bool {
        matches!(self.subject, Subject::Session { state: State::NeverEstablished, .. })
    }
}

impl TryFrom<Entry> for Expect {
    type Error = String;

    fn try_from(entry: Entry) -> Result<Self, String> {
        let is_session = entry.session.is_some();
        if !is_session && (entry.state.is_some() || entry.signed.is_some()) {
            return Err("`state` and `signed` say something of a session: expected `session = [NODE, NODE]`".to_owned());
        }
        if entry.unanswered == Some(false) {
            return Err("`unanswered = false` asserts nothing: expected `answered-by = [NODE, ...]`".to_owned());
        }
        let session = match (entry.session, entry.state) {
            (Some(between), Some(state)) => Some(Subject::Session { between, state, signed: entry.signed }),
            (Some(_), None) => {
                let states = "`established`, `down` or `never-established`";
                return Err(format!("a session is expected to be in some state: expected `state`, one of {states}"));
            }
            (None, _) => None,
        };
        let subjects = [
            entry.serving.map(Subject::Serving),
            session,
            entry.answered_by.map(Subject::AnsweredBy),
            entry.unanswered.map(|_| Subject::Unanswered),
            entry.ordered.map(Subject::Ordered),
        ];
        let subjects: Vec<Subject> = subjects.into_iter().flatten().collect();
        let [subject] = <[Subject; 1]>::try_from(subjects).map_err(|found| {
            let known = "`serving`, `session`, `answered-by`, `unanswered` or `ordered`";
            format!("an expect has one subject ({known}), found {}", found.len())
        })?;
        let stable = match (entry.stable, entry.lasting) {
            (Some(_), Some(_)) => return Err("`for` and `stable` are the same: expected one of them".to_owned()),
            (stable, lasting) => lasting.or(stable),
        };
        let expect = Self {
            subject,
            service: entry.service,
            family: entry.family,
            at: entry.at,
            client: entry.client,
            within: entry.within,
            stable: stable.unwrap_or(Self::STABLE),
            lost: entry.lost,
            gap: entry.gap,
            flaps: entry.flaps,
            sticky: entry.sticky,
        };
        if expect.is_never() && (stable.is_none() || expect.within.is_some()) {
            return Err("`never-established` is watched for a time: expected `for`, and no `within`".to_owned());
        }
        Ok(expect)
    }
}

impl From<Expect> for Entry {
    fn from(expect: Expect) -> Self {
        let Expect { subject, service, family, at, client, within, stable, lost, gap, flaps, sticky } = expect;
        let stable = Some(stable);
        let rest = Self { service, family, at, client, within, stable, lost, gap, flaps, sticky, ..Self::default() };
        match subject {
            Subject::Serving(nodes) => Self { serving: Some(nodes), ..rest },
            Subject::AnsweredBy(nodes) => Self { answered_by: Some(nodes), ..rest },
            Subject::Unanswered => Self { unanswered: Some(true), ..rest },
            Subject::Session { between, state, signed } => {
                Self { session: Some(between), state: Some(state), signed, ..rest }
            }
            Subject::Ordered(happenings) => Self { ordered: Some(happenings), ..rest },
        }
    }
}

impl std::fmt::Display for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Established => "established",
            Self::Down => "down",
            Self::NeverEstablished => "never established",
        })
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Serving(nodes) if nodes.is_empty() => f.write_str("nobody serves"),
            Self::Serving(nodes) => write!(f, "serving {}", nodes.join(" ")),
            Self::AnsweredBy(nodes) => write!(f, "answered by {}", nodes.join(" ")),
            Self::Unanswered => f.write_str("unanswered"),
            Self::Session { between: [one, other], state, signed } => {
                write!(f, "session {one} {other} {state}")?;
                match signed {
                    Some(true) => f.write_str(", signed"),
                    Some(false) => f.write_str(", not signed"),
                    None => Ok(()),
                }
            }
            Self::Ordered(happenings) => {
                let words: Vec<String> = happenings.iter().map(ToString::to_string).collect();
                f.write_str(&words.join(", then "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Expect, String> {
        toml::from_str::<Expect>(text).map_err(|error| error.message().to_owned())
    }

    #[test]
    fn every_subject_reads_back_as_it_was_written() {
        for text in [
            "serving = [\"ns1\"]\nlost = 3\nflaps = 2\nsticky = true",
            "answered-by = [\"ns1\"]\nfamily = \"v4\"",
            "unanswered = true",
            "session = [\"a\", \"b\"]\nstate = \"never-established\"\nsigned = true\nfor = \"12s\"",
            "ordered = [\"detected ns1\", \"fib without ns1\"]",
        ] {
            let expect = read(text).expect(text);
            let again = serde_json::from_str(&serde_json::to_string(&expect).expect("JSON")).expect("reads back");
            assert_eq!(expect, again);
        }
    }

    #[test]
    fn what_is_no_assertion_is_refused_in_words() {
        for (text, told) in [
            ("stable = \"1s\"", "found 0"),
            ("serving = []\nunanswered = true", "found 2"),
            ("unanswered = false", "asserts nothing"),
            ("serving = []\nsigned = true", "expected `session"),
            ("session = [\"a\", \"b\"]", "expected `state`"),
            ("session = [\"a\"]\nstate = \"down\"", "invalid length 1"),
            ("session = [\"a\", \"b\"]\nstate = \"never-established\"", "expected `for`"),
            ("serving = []\nfor = \"1s\"\nstable = \"1s\"", "the same"),
            ("serving = []\ncolour = 1", "unknown field `colour`"),
        ] {
            let error = read(text).expect_err(text);
            assert!(error.contains(told), "{error:?} tells {told:?}");
        }
    }
}
