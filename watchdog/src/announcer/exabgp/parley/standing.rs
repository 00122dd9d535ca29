//! Whether ExaBGP's answers say that a service stands as decided.

use std::collections::BTreeSet;

use super::{Answers, Subject};
use crate::machine::Verb;

/// How a service stands.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// As decided: what ExaBGP says.
    Holds(String),
    /// Not so: what is amiss, and what may be the reason.
    Not(String),
}

/// Looks for each of the service's prefixes, at all neighbours.
pub(super) fn of(subject: &Subject, verb: Verb, answers: &Answers) -> Standing {
    let held = |prefix: &&String| answers.routes.iter().any(|route| route.prefix == **prefix);
    let (there, missing): (Vec<&String>, Vec<&String>) = subject.prefixes.iter().partition(held);
    let watchdog = subject.words.watchdog();
    match verb {
        Verb::Withdraw if there.is_empty() => Standing::Holds("adj-RIB-out has no route to them".to_owned()),
        Verb::Withdraw => {
            let hint = match watchdog {
                Some(name) => format!("exabgp.conf has another route there, without `watchdog {name}`"),
                None => "exabgp.conf has a static route there".to_owned(),
            };
            let there = list(&there);
            Standing::Not(format!("ExaBGP was told, and adj-RIB-out still has a route to {there}; hint: {hint}"))
        }
        Verb::Announce | Verb::Drain if !missing.is_empty() => {
            let hint = match watchdog {
                Some(name) => format!(
                    "no route there in exabgp.conf carries `watchdog {name}`, or the neighbour has `adj-rib-out false`"
                ),
                None => "the neighbour's `api` must name this process, and its `family` that of the route".to_owned(),
            };
            let nobody = if answers.established.is_empty() { "; no neighbour is up" } else { "" };
            let missing = list(&missing);
            Standing::Not(format!("ExaBGP was told, and adj-RIB-out has no route to {missing}{nobody}; hint: {hint}"))
        }
        Verb::Announce | Verb::Drain => announced(subject, answers),
    }
}

/// The adj-RIB-out is for neighbours that are down too; 3.4 tells of what it has sent.
fn announced(subject: &Subject, answers: &Answers) -> Standing {
    let ours = answers.routes.iter().filter(|route| subject.prefixes.contains(&route.prefix));
    let neighbors: BTreeSet<_> = ours.map(|route| &route.neighbor).collect();
    let (up, down): (Vec<&String>, Vec<_>) =
        neighbors.into_iter().partition(|neighbor| answers.established.contains(*neighbor));
    if up.is_empty() {
        return Standing::Not(format!("ExaBGP holds the routes, and no neighbour is up: {} down", list(&down)));
    }
    let down = if down.is_empty() { String::new() } else { format!("; down: {}", list(&down)) };
    Standing::Holds(format!("in the adj-RIB-out of {}{down}", list(&up)))
}

/// What the service's routes carry.
pub(super) fn attributes(subject: &Subject, answers: &Answers) -> BTreeSet<String> {
    let ours = answers.routes.iter().filter(|route| subject.prefixes.contains(&route.prefix));
    ours.map(|route| format!("{} {} {}", route.neighbor, route.prefix, route.attributes)).collect()
}

fn list(items: &[&String]) -> String {
    items.iter().map(|item| item.as_str()).collect::<Vec<_>>().join(", ")
}
