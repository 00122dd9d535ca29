//! The terminal socket of FRR's bgpd (8.4 to 10.3), as vtysh speaks it: a line ends with a NUL; its reply is text, three
//! NULs, and a status.
//!
//! The routes are `network` statements in `router bgp`, one for each target's address. They must not be in frr.conf, so that
//! a bgpd without a watchdog announces nothing.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde_json::Value;

use super::dialect::{Complaint, Dialect, Script, Standing};
use crate::machine::Verb;

#[cfg(test)]
mod tests;

const SUCCESS: u8 = 0;

/// What bgpd answers to `no network` for a prefix that it does not have: the state is as wanted.
const NOT_THERE: &str = "% Can't find static route specified";

/// Speaks to bgpd about the prefixes.
#[derive(Debug, Clone)]
pub(crate) struct Frr {
    asn: u32,
    prefixes: Vec<Prefix>,
}

/// An address as a route of its own.
#[derive(Debug, Clone)]
struct Prefix {
    family: &'static str,
    /// As FRR writes it.
    text: String,
}

/// A reply's text and status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Reply {
    text: String,
    status: u8,
}

impl Frr {
    /// For the addresses, each as a /32 or /128, in `router bgp ASN`.
    pub(crate) fn new(asn: u32, addresses: impl IntoIterator<Item = IpAddr>) -> Self {
        let prefix = |address| match address {
            IpAddr::V4(_) => Prefix { family: "ipv4", text: format!("{address}/32") },
            IpAddr::V6(_) => Prefix { family: "ipv6", text: format!("{address}/128") },
        };
        Self { asn, prefixes: BTreeSet::from_iter(addresses).into_iter().map(prefix).collect() }
    }

    fn command_lines(&self, verb: Verb) -> Vec<String> {
        let verb = match verb {
            Verb::Announce => "",
            Verb::Withdraw => "no ",
        };
        let mut lines = vec!["configure terminal".to_owned(), format!("router bgp {}", self.asn)];
        for family in self.prefixes.chunk_by(|a, b| a.family == b.family) {
            lines.extend(family.first().map(|prefix| format!("address-family {} unicast", prefix.family)));
            lines.extend(family.iter().map(|prefix| format!("{verb}network {}", prefix.text)));
            lines.push("exit-address-family".to_owned());
        }
        // Back to where the next command begins, whatever became of this one.
        lines.push("end".to_owned());
        lines
    }

    fn question_lines(&self) -> Vec<String> {
        let line = |prefix: &Prefix| format!("show bgp {} unicast {} json", prefix.family, prefix.text);
        self.prefixes.iter().map(line).collect()
    }

    /// The prefix's own path, if bgpd has one.
    fn own_path(prefix: &Prefix, line: &str, reply: &Reply) -> Result<Option<Value>, Complaint> {
        let nonsense =
            || Complaint::Nonsense(format!("`{line}`: expected JSON about {}, found `{}`", prefix.text, reply.text));
        let answer: Value = match serde_json::from_str(&reply.text) {
            Ok(Value::Object(answer)) => answer.into(),
            _ if reply.status != SUCCESS => return Err(refusal(line, reply)),
            _ => return Err(nonsense()),
        };
        if reply.status != SUCCESS || answer.get("warning").is_some() {
            return Err(refusal(line, reply));
        }
        if answer.as_object().is_some_and(serde_json::Map::is_empty) {
            return Ok(None);
        }
        let paths = match (&answer["prefix"], &answer["paths"]) {
            (Value::String(found), Value::Array(paths)) if *found == prefix.text => paths,
            _ => return Err(nonsense()),
        };
        Ok(paths.iter().find(|path| path["sourced"] == true && path["local"] == true).cloned())
    }
}

fn refusal(line: &str, reply: &Reply) -> Complaint {
    let text = reply.text.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = if text.contains("instance not found") {
        "; hint: expected `router bgp` in frr.conf"
    } else if text.contains("AS is") {
        "; hint: give that AS number as --asn"
    } else {
        ""
    };
    Complaint::Refused(format!("`{line}`: {text} (status {}){hint}", reply.status))
}

impl Dialect for Frr {
    type Reply = Reply;

    const DAEMON: &'static str = "FRR";

    /// Asks as well whether there is a `router bgp`: a command would make one, before bgpd has read its own.
    fn hello(&self) -> Script {
        let mut lines = vec!["enable".to_owned()];
        lines.extend(self.question_lines());
        Script::of_lines(&lines, 0)
    }

    fn command(&self, verb: Verb) -> Script {
        Script::of_lines(&self.command_lines(verb), 0)
    }

    fn question(&self) -> Script {
        Script::of_lines(&self.question_lines(), 0)
    }

    fn take_reply(&self, received: &mut Vec<u8>) -> Result<Option<Reply>, Complaint> {
        let Some(length) = received.iter().position(|&byte| byte == 0) else {
            return Ok(None);
        };
        let Some(&[first, second, third, status]) = received.get(length..length + 4) else {
            return Ok(None);
        };
        if [first, second, third] != [0; 3] {
            return Err(Complaint::Nonsense(format!("expected three NULs, found {first}, {second}, {third}")));
        }
        let text = String::from_utf8_lossy(&received[..length]).trim().to_owned();
        received.drain(..length + 4);
        Ok(Some(Reply { text, status }))
    }

    fn greeted(&self, replies: &[Reply]) -> Result<String, Complaint> {
        let (enable, answers) = replies.split_first().ok_or_else(|| Complaint::Nonsense("none".to_owned()))?;
        if enable.status != SUCCESS || !enable.text.is_empty() {
            return Err(refusal("enable", enable));
        }
        for ((prefix, line), reply) in self.prefixes.iter().zip(self.question_lines()).zip(answers) {
            Self::own_path(prefix, &line, reply)?;
        }
        Ok(format!("bgpd, AS {}", self.asn))
    }

    fn obeyed(&self, verb: Verb, replies: &[Reply]) -> Result<(), Complaint> {
        for (line, reply) in self.command_lines(verb).iter().zip(replies) {
            let was_not_there = verb == Verb::Withdraw && reply.text == NOT_THERE;
            let is_error = reply.status != SUCCESS || reply.text.starts_with('%');
            if is_error && !was_not_there {
                return Err(refusal(line, reply));
            }
        }
        Ok(())
    }

    fn holds(&self, verb: Verb, replies: &[Reply]) -> Result<Standing, Complaint> {
        let mut all_hold = true;
        let mut details = Vec::new();
        for ((prefix, line), reply) in self.prefixes.iter().zip(self.question_lines()).zip(replies) {
            let (state, holds_for) = match Self::own_path(prefix, &line, reply)? {
                None => ("absent", Some(Verb::Withdraw)),
                Some(path) if path["valid"] == true => ("valid", Some(Verb::Announce)),
                // With `bgp network import-check`, a network counts once zebra has a route to it.
                Some(_) => ("not valid (not in zebra's table?)", None),
            };
            all_hold &= holds_for == Some(verb);
            details.push(format!("{} {state}", prefix.text));
        }
        let detail = details.join(", ");
        Ok(if all_hold { Standing::Holds(detail) } else { Standing::NotYet(detail) })
    }
}
