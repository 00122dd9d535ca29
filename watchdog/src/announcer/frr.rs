//! The terminal socket of FRR's bgpd (8.4 to 10.3), as vtysh speaks it: a line ends with a NUL; its reply is text, three
//! NULs, and a status.
//!
//! The routes are `network` statements in `router bgp`, one for each address. They must not be in frr.conf, so that a bgpd
//! without a watchdog announces nothing. What they carry is set by a route-map of our own; what they carry while drained is by
//! default what RFC 8326 asks for.
//!
//! Or they are in frr.conf, and all sessions of the bgpd are shut down and brought up. That is for a bgpd that serves nothing
//! else; in frr.conf each neighbour begins with `shutdown`, and a drain is `bgp graceful-shutdown`.
//!
//! A route counts once it is in the adj-RIB-out of a neighbour: for bgpd the sum of what its filters let pass.

use std::net::IpAddr;

use super::dialect::{Complaint, Dialect, Script, Standing};
use crate::machine::Verb;
use crate::service::{Attributes, FrrBy};

mod answers;
mod lines;
#[cfg(test)]
mod tests;

use answers::{Reply, Route, SUCCESS, neighbors, refusal, route};
use lines::{Lines, NEIGHBORS};

/// What bgpd answers to `no network` for a prefix that it does not have: the state is as wanted.
const NOT_THERE: &str = "% Can't find static route specified";

/// Speaks to bgpd about a service's prefixes.
#[derive(Debug, Clone)]
pub(crate) struct Frr {
    lines: Lines,
}

impl Frr {
    /// For the addresses, each as a /32 or /128, in `router bgp ASN`; `carried`: while up, and while drained.
    pub(crate) fn new(service: &str, asn: u32, by: FrrBy, addresses: &[IpAddr], carried: [Attributes; 2]) -> Self {
        Self { lines: Lines::new(service, asn, by, addresses, carried) }
    }

    /// Learns which neighbours there are, and tells who of them is up, from the last answer to the question.
    fn learn(&mut self, replies: &[Reply]) -> Result<Vec<String>, Complaint> {
        if self.lines.by != FrrBy::NeighborShutdown {
            return Ok(Vec::new());
        }
        let reply =
            replies.last().ok_or_else(|| Complaint::Nonsense("expected neighbours, found nothing".to_owned()))?;
        let (all, up) = neighbors(NEIGHBORS, reply)?;
        self.lines.neighbors = all;
        Ok(up)
    }

    /// Whether a prefix stands as decided, and how.
    fn stands(&self, verb: Verb, route: Route) -> (bool, String) {
        let wanted = verb != Verb::Withdraw;
        match route {
            Route::Absent => (!wanted, "absent".to_owned()),
            // With `bgp network import-check`, a network counts once zebra has a route to it.
            Route::NotValid => (false, "not valid (not in zebra's table?)".to_owned()),
            Route::Otherwise => (false, "carries other attributes".to_owned()),
            Route::Valid(neighbors) if neighbors.is_empty() => {
                let hint = if wanted { " (none is up, or their filters keep it?)" } else { "" };
                (false, format!("valid, advertised to no neighbour{hint}"))
            }
            Route::Valid(neighbors) => (wanted, format!("advertised to {}", neighbors.join(", "))),
        }
    }
}

impl Dialect for Frr {
    type Reply = Reply;

    const DAEMON: &'static str = "FRR";

    /// Asks as well whether there is a `router bgp`: a command would make one, before bgpd has read its own.
    fn hello(&self) -> Script {
        let mut lines = vec!["enable".to_owned()];
        lines.extend(self.lines.question());
        Script::of_lines(&lines, 0)
    }

    fn command(&self, verb: Verb) -> Script {
        Script::of_lines(&self.lines.command(verb), 0)
    }

    fn question(&self) -> Script {
        Script::of_lines(&self.lines.question(), 0)
    }

    fn take_reply(&self, received: &mut Vec<u8>) -> Result<Option<Reply>, Complaint> {
        answers::take(received)
    }

    fn greeted(&mut self, replies: &[Reply]) -> Result<String, Complaint> {
        let (enable, answers) = replies.split_first().ok_or_else(|| Complaint::Nonsense("none".to_owned()))?;
        if enable.status != SUCCESS || !enable.text.is_empty() {
            return Err(refusal("enable", enable));
        }
        for (line, reply) in self.lines.question().iter().zip(answers) {
            answers::object(line, reply)?;
        }
        self.learn(answers)?;
        Ok(format!("bgpd, AS {}", self.lines.asn))
    }

    fn obeyed(&self, verb: Verb, replies: &[Reply]) -> Result<(), Complaint> {
        for (line, reply) in self.lines.command(verb).iter().zip(replies) {
            let was_not_there = verb == Verb::Withdraw && reply.text == NOT_THERE;
            // To begin or end a drain bgpd asks all neighbours for their routes again, and complains of those that cannot.
            let is_warning = line.ends_with("graceful-shutdown") && reply.text.contains("soft reconfig");
            let is_error = reply.status != SUCCESS || reply.text.starts_with('%') && !is_warning;
            if is_error && !was_not_there {
                return Err(refusal(line, reply));
            }
        }
        Ok(())
    }

    fn holds(&mut self, verb: Verb, replies: &[Reply]) -> Result<Standing, Complaint> {
        let mut all_hold = true;
        let mut details = Vec::new();
        let up = self.learn(replies)?;
        if verb == Verb::Withdraw && self.lines.by == FrrBy::NeighborShutdown {
            all_hold = up.is_empty();
            details.push(if all_hold { "no session is up".to_owned() } else { format!("{} up", up.join(", ")) });
        } else {
            let carried = self.lines.carried(verb).map(|map| &map.attributes);
            for (prefix, reply) in self.lines.prefixes.iter().zip(replies) {
                let (holds, state) = self.stands(verb, route(prefix, carried, reply)?);
                all_hold &= holds;
                details.push(format!("{} {state}", prefix.text));
            }
        }
        let detail = details.join(", ");
        Ok(if all_hold { Standing::Holds(detail) } else { Standing::NotYet(detail) })
    }
}
