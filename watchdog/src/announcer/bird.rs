//! BIRD's control socket (2.0 to 3.1): lines of text, answered by lines that begin with a four-digit code.
//!
//! The routes are in protocols named after the service: enabling them announces, disabling withdraws. They begin `disabled`
//! in the configuration, so that a BIRD without a watchdog announces nothing. See [`protocols`] for their names.
//!
//! That a protocol is up does not say that a neighbour knows its routes: a filter may keep them back, or no session may be
//! up. So BIRD is asked, for each address, what it exports to each neighbour (BIRD user's guide, "show route ... export").
//!
//! Nothing said here makes BIRD send both families at once: one session has one connection, BIRD writes an UPDATE for each
//! family, and the kernel keeps the second back until the neighbour has acknowledged the first (RFC 896), which it may put
//! off for 40 ms. A session for each family has no such wait.

use std::collections::BTreeSet;

use super::dialect::{Complaint, Dialect, Script, Standing};
use crate::machine::Verb;

mod protocols;
mod reply;
#[cfg(test)]
mod tests;

use protocols::Protocols;
use reply::{Reply, body, code_of, refusal};

/// Somebody's `enable`, `disable` and `configure` are messages of the class `info`, what a neighbour complains about of `remote`
/// (BIRD 2; 3 has no such command yet).
const ECHO: &[u8] = b"echo { info, remote }\n";

const READY: u16 = 1;
const DISABLED: [u16; 2] = [9, 8];
const ENABLED: [u16; 2] = [11, 10];
const ROUTE: u16 = 1007;

/// Speaks to BIRD about a service's protocols.
#[derive(Debug, Clone)]
pub(crate) struct Bird {
    protocols: Protocols,
    prefixes: Vec<String>,
    /// It passes its log's messages on.
    tells_news: bool,
}

impl Bird {
    /// For the protocols named after the service, which [`is_name`] accepts, and for its prefixes.
    pub(crate) fn new(name: &str, prefixes: impl IntoIterator<Item = String>) -> Self {
        Self { protocols: Protocols::of(name), prefixes: prefixes.into_iter().collect(), tells_news: false }
    }

    /// The prefixes, each with the neighbour that it is asked about.
    fn exports<'b>(&'b self, neighbors: &'b BTreeSet<String>) -> impl Iterator<Item = (&'b String, &'b String)> {
        self.prefixes.iter().flat_map(|prefix| neighbors.iter().map(move |neighbor| (prefix, neighbor)))
    }

    /// Which of the prefixes are exported from one of our protocols to at least one neighbour, and which are not.
    fn exported(&self, verb: Verb, neighbors: &BTreeSet<String>, replies: &[Reply]) -> (Vec<String>, Vec<String>) {
        let mut told = BTreeSet::new();
        for ((prefix, _), reply) in self.exports(neighbors).zip(replies) {
            let is_ours = |(code, text): &(u16, String)| {
                let source = text.split_once('[').and_then(|(_, rest)| rest.split(' ').next());
                *code == ROUTE && source.is_some_and(|source| self.protocols.is_wanted(source, verb))
            };
            if reply.iter().any(is_ours) {
                told.insert(prefix);
            }
        }
        let (told, kept): (Vec<_>, Vec<_>) = self.prefixes.iter().cloned().partition(|prefix| told.contains(prefix));
        (told, kept)
    }
}

/// Whether it is safe within BIRD's quotes, and means itself in a pattern.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:".contains(c))
}

impl Dialect for Bird {
    type Reply = Reply;

    const DAEMON: &'static str = "BIRD";

    /// BIRD speaks first; then it is asked to pass its log's messages on, and which protocols there are.
    fn hello(&self) -> Script {
        let question = self.question();
        Script { bytes: [ECHO, &question.bytes].concat(), replies: 2 + question.replies }
    }

    /// What is wanted up comes first: so a prefix that changes its protocol is never withdrawn in between.
    fn command(&self, verb: Verb) -> Script {
        let line = |(word, name): (&str, &str)| format!("{word} \"{name}\"");
        Script::of_lines(&self.protocols.commands(verb).map(line).collect::<Vec<_>>(), b'\n')
    }

    fn question(&self) -> Script {
        Script::of_lines(&["show protocols".to_owned()], b'\n')
    }

    /// Each is a look-up of one prefix, however many routes there are.
    fn follow_up(&self, verb: Verb, replies: &[Reply]) -> Option<Script> {
        let neighbors = replies.first().and_then(|reply| self.protocols.read(reply).ok())?.neighbors;
        let line = |(prefix, neighbor)| format!("show route for {prefix} export '{neighbor}'");
        let lines: Vec<_> = self.exports(&neighbors.up).map(line).collect();
        (verb != Verb::Withdraw && !lines.is_empty()).then(|| Script::of_lines(&lines, b'\n'))
    }

    fn take_news(&self, received: &mut Vec<u8>) -> bool {
        reply::take_messages(received)
    }

    fn tells_news(&self) -> bool {
        self.tells_news
    }

    fn take_reply(&self, received: &mut Vec<u8>) -> Result<Option<Reply>, Complaint> {
        reply::take(received)
    }

    fn greeted(&mut self, replies: &[Reply]) -> Result<String, Complaint> {
        match replies {
            [welcome, echo, protocols] => match welcome.as_slice() {
                [(READY, text)] => {
                    self.tells_news = matches!(echo.as_slice(), [(reply::END, _)]);
                    self.protocols.learn(&self.protocols.read(protocols)?);
                    Ok(text.clone())
                }
                other => Err(Complaint::Nonsense(format!("expected `0001 BIRD ... ready.`, found {other:?}"))),
            },
            other => Err(Complaint::Nonsense(format!("expected a welcome, an end and protocols, found {other:?}"))),
        }
    }

    fn obeyed(&self, verb: Verb, replies: &[Reply]) -> Result<(), Complaint> {
        for ((word, name), reply) in self.protocols.commands(verb).zip(replies) {
            let expected = if word == "enable" { ENABLED } else { DISABLED };
            match body(reply)? {
                [(code, _)] if expected.contains(code) => {}
                other => {
                    let found = format!("expected one of {expected:04?} for `{word} \"{name}\"`, found {other:?}");
                    return Err(Complaint::Nonsense(found));
                }
            }
        }
        Ok(())
    }

    fn holds(&mut self, verb: Verb, replies: &[Reply]) -> Result<Standing, Complaint> {
        let Some((protocols, exports)) = replies.split_first() else {
            return Err(Complaint::Nonsense("expected protocols, found nothing".to_owned()));
        };
        let seen = self.protocols.read(protocols)?;
        self.protocols.learn(&seen);
        let (mut all_hold, detail) = self.protocols.stand(verb, &seen)?;
        let mut details = vec![detail];
        let neighbors = &seen.neighbors;
        if verb != Verb::Withdraw && !self.prefixes.is_empty() && !neighbors.is_empty() {
            let (told, kept) = self.exported(verb, &neighbors.up, exports);
            let list = |names: &BTreeSet<String>| names.iter().cloned().collect::<Vec<_>>().join(", ");
            if neighbors.up.is_empty() {
                details.push(format!("no BGP neighbour is up: {} down", list(&neighbors.down)));
            } else if !kept.is_empty() {
                let (kept, up) = (kept.join(", "), list(&neighbors.up));
                let hint = "does a protocol have a route there, and does the neighbour's `export` let it pass?";
                details.push(format!("{kept} not exported to any neighbour that is up ({up}); hint: {hint}"));
            } else {
                details.push(format!("{} exported", told.join(", ")));
            }
            all_hold &= kept.is_empty();
        }
        // An answer that is no answer to `show route` is one about a neighbour that went down meanwhile, or refused.
        if let Some(denied) = exports.iter().flatten().find(|(code, _)| *code == reply::DENIED) {
            return Err(refusal(code_of(denied), &denied.1));
        }
        let detail = details.join("; ");
        Ok(if all_hold { Standing::Holds(detail) } else { Standing::NotYet(detail) })
    }
}
