//! Which of BIRD's protocols are a service's, and which of them are wanted up.
//!
//! Those named as the service itself, or the service and `4` or `6`, or with `_` or `-` and more after it: `dns` has `dns`,
//! `dns4` and `dns_v6`, and not `dns2`. Beside a protocol of theirs there may be another with the same routes and the
//! attributes to be used while drained, named as it is with `_drained` or `-drained` after it: `dns4_drained`.

use std::collections::{BTreeMap, BTreeSet};

use super::super::dialect::Complaint;
use super::reply::{Reply, body};
use crate::machine::Verb;

const PROTOCOL: u16 = 1002;
const HEADER: u16 = 2002;
const DRAINED: [&str; 2] = ["_drained", "-drained"];

/// A service's protocols, as they were last seen.
#[derive(Debug, Clone)]
pub(super) struct Protocols {
    service: String,
    names: BTreeSet<String>,
}

/// What `show protocols` says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Seen {
    /// Ours, and the state of each.
    pub(super) states: BTreeMap<String, String>,
    pub(super) neighbors: Neighbors,
}

/// The protocols of BGP sessions.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Neighbors {
    pub(super) up: BTreeSet<String>,
    pub(super) down: BTreeSet<String>,
}

impl Neighbors {
    pub(super) fn is_empty(&self) -> bool {
        self.up.is_empty() && self.down.is_empty()
    }
}

impl Protocols {
    pub(super) fn of(service: &str) -> Self {
        Self { service: service.to_owned(), names: BTreeSet::new() }
    }

    /// From now on, commands are about these.
    pub(super) fn learn(&mut self, seen: &Seen) {
        self.names = seen.states.keys().cloned().collect();
    }

    /// What is to be done with each, those to be enabled first.
    pub(super) fn commands(&self, verb: Verb) -> impl Iterator<Item = (&'static str, &str)> {
        let of = move |word, is_wanted| {
            let names = self.names.iter().filter(move |name| self.is_wanted(name, verb) == is_wanted);
            names.map(move |name| (word, name.as_str()))
        };
        of("enable", true).chain(of("disable", false))
    }

    /// Whether it is ours, and to be up. A drain leaves up what has no drained counterpart.
    pub(super) fn is_wanted(&self, name: &str, verb: Verb) -> bool {
        let is_drained = DRAINED.iter().any(|suffix| name.ends_with(suffix));
        let has_drained = DRAINED.iter().any(|suffix| self.names.contains(&format!("{name}{suffix}")));
        self.names.contains(name)
            && match verb {
                Verb::Announce => !is_drained,
                Verb::Drain => is_drained || !has_drained,
                Verb::Withdraw => false,
            }
    }

    fn is_ours(&self, name: &str) -> bool {
        let rest = name.strip_prefix(&self.service);
        rest.is_some_and(|rest| {
            let rest = rest.strip_prefix(['4', '6']).unwrap_or(rest);
            rest.is_empty() || rest.starts_with(['_', '-'])
        })
    }

    /// Reads all protocols: name, kind, table, state, since, and what else there is to say.
    pub(super) fn read(&self, reply: &Reply) -> Result<Seen, Complaint> {
        let mut seen = Seen { states: BTreeMap::new(), neighbors: Neighbors::default() };
        for (code, text) in body(reply)? {
            let mut columns = text.split_whitespace();
            match (*code, columns.next(), columns.next(), columns.nth(1)) {
                (HEADER, ..) => {}
                (PROTOCOL, Some(name), _, Some(state)) if self.is_ours(name) => {
                    seen.states.insert(name.to_owned(), state.to_owned());
                }
                (PROTOCOL, Some(name), Some("BGP"), Some("up")) => drop(seen.neighbors.up.insert(name.to_owned())),
                (PROTOCOL, Some(name), Some("BGP"), _) => drop(seen.neighbors.down.insert(name.to_owned())),
                (PROTOCOL, Some(_), Some(_), Some(_)) => {}
                _ => return Err(Complaint::Nonsense(format!("expected a protocol, found {code:04} {text}"))),
            }
        }
        Ok(seen)
    }

    /// Whether all are as wanted, and how they are.
    pub(super) fn stand(&self, verb: Verb, seen: &Seen) -> Result<(bool, String), Complaint> {
        let service = &self.service;
        let is_drained = |name: &&String| DRAINED.iter().any(|suffix| name.ends_with(suffix));
        if seen.states.keys().all(|name| is_drained(&name)) {
            return Err(Complaint::Refused(format!(
                "no protocol is the service's; hint: expected protocols named `{service}`, `{service}4`, `{service}6`, or with \
                 `_` or `-` and more after `{service}`, in bird.conf"
            )));
        }
        let wanted = |name: &str| if self.is_wanted(name, verb) { "up" } else { "down" };
        let all_hold = seen.states.iter().all(|(name, state)| state == wanted(name));
        // What is down and shall be so is worth no word, unless all is.
        let is_told = |name: &str, state: &str| state != "down" || wanted(name) == "up" || verb == Verb::Withdraw;
        let told = seen.states.iter().filter(|(name, state)| is_told(name, state));
        let mut detail: Vec<_> = told.map(|(name, state)| format!("{name} {state}")).collect();
        let undrained = |name: &&String| !is_drained(name) && self.is_wanted(name, Verb::Drain);
        if verb == Verb::Drain {
            let undrained = seen.states.keys().filter(undrained);
            detail.extend(undrained.map(|name| format!("there is no {name}_drained, {name} stays as it was")));
        }
        Ok((all_hold, detail.join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn protocols(names: &[&str]) -> Protocols {
        Protocols { service: "dns".to_owned(), names: names.iter().map(|name| (*name).to_owned()).collect() }
    }

    #[test]
    fn the_names_of_others_are_not_ours() {
        let protocols = protocols(&[]);
        for ours in ["dns", "dns4", "dns6", "dns_4", "dns-v6", "dns4_drained", "dns_ns_6"] {
            assert!(protocols.is_ours(ours), "{ours}");
        }
        for other in ["dns2", "dns46", "dnsx_4", "dn", "to_dns", "DNS", "dns8_4"] {
            assert!(!protocols.is_ours(other), "{other}");
        }
    }

    #[test]
    fn a_drain_enables_before_it_disables_and_leaves_what_has_no_counterpart() {
        let protocols = protocols(&["dns_4", "dns_4_drained", "dns_6"]);
        let commands = |verb| protocols.commands(verb).map(|(word, name)| format!("{word} {name}")).collect::<Vec<_>>();
        assert_eq!(commands(Verb::Announce), ["enable dns_4", "enable dns_6", "disable dns_4_drained"]);
        assert_eq!(commands(Verb::Drain), ["enable dns_4_drained", "enable dns_6", "disable dns_4"]);
        assert_eq!(commands(Verb::Withdraw), ["disable dns_4", "disable dns_4_drained", "disable dns_6"]);
    }
}
