//! What changed between the last expectation that held and the one that did not.

use std::fmt::Write as _;

use super::boot::exit_words;
use super::notification;
use crate::history::{BgpMessage, Event, Seen};
use crate::outcome::Verdict;

/// A line each: seconds since the run began, node, what changed.
#[must_use]
pub fn changes(events: &[Event]) -> String {
    let mut ordered: Vec<&Event> = events.iter().collect();
    ordered.sort_by_key(|event| event.at);
    let began = ordered.first().map_or(0, |event| event.at);
    let passed = Verdict::Pass.to_string();
    let held =
        ordered.iter().rev().find(|event| matches!(&event.saw, Seen::Judged { verdict, .. } if *verdict == passed));
    let since = held.map_or(began, |event| event.at);
    let mut text = match held {
        Some(_) => "What changed since the last expectation that held:\n".to_owned(),
        None => "No expectation held. What has changed since the start:\n".to_owned(),
    };
    for event in ordered.iter().filter(|event| event.at >= since) {
        if let Some(words) = words(&event.saw) {
            let at = event.at.saturating_sub(began) as f64 / 1e9;
            let _infallible = writeln!(text, "{at:9.3} {:<10} {words}", event.node.as_deref().unwrap_or("-"));
        }
    }
    text
}

fn words(saw: &Seen) -> Option<String> {
    Some(match saw {
        Seen::Injected { fault, detail, .. } => format!("injected: {fault} ({detail})"),
        Seen::Healed { fault, .. } => format!("healed: {fault}"),
        Seen::Started { daemon, pid } => format!("{daemon} started, pid {pid}"),
        Seen::Exited { daemon, pid, exit } => format!("{daemon}, pid {pid}, {}", exit_words(*exit)),
        Seen::Fib { prefix, next_hops, .. } if next_hops.is_empty() => format!("kernel: no route to {prefix}"),
        Seen::Fib { prefix, next_hops, .. } => {
            let hops: Vec<String> =
                next_hops.iter().map(|hop| hop.via.map_or_else(|| hop.dev.clone(), |via| via.to_string())).collect();
            format!("kernel: {prefix} via {}", hops.join(" "))
        }
        Seen::Address { address, present: true } => format!("lo has {address}"),
        Seen::Address { address, present: false } => format!("lo lost {address}"),
        Seen::Rib { daemon, routes: None } => format!("{daemon} does not answer for its routes"),
        Seen::Bgp { src, dst, sent: true, message: BgpMessage::Notification { code, subcode }, .. } => {
            format!("BGP {} to {}: NOTIFICATION {}", src.ip(), dst.ip(), notification::name(*code, *subcode))
        }
        Seen::Bgp { sent: true, message: BgpMessage::Update { announced, withdrawn }, .. } => {
            let list = |prefixes: Vec<String>| if prefixes.is_empty() { "none".to_owned() } else { prefixes.join(" ") };
            let announced = announced.iter().map(|(prefix, _)| prefix.to_string()).collect();
            let withdrawn = withdrawn.iter().map(ToString::to_string).collect();
            format!("BGP UPDATE: announced {}, withdrawn {}", list(announced), list(withdrawn))
        }
        Seen::Tcp { src, dst, sent: true, event, .. } => format!("TCP {event:?} {src} to {dst}"),
        Seen::Hole { reason } => format!("not observed: {reason}"),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::story::{FAULT, MS, Story};

    #[test]
    fn only_what_came_after_the_last_pass_is_listed() {
        let mut story = Story::of_failover();
        let judged = Seen::Judged { number: 0, verdict: "Pass".to_owned() };
        story.events.push(Event { at: FAULT - MS, since: None, node: None, saw: judged });
        story.events.sort_by_key(|event| event.at);
        let text = changes(&story.events);
        assert!(text.starts_with("What changed since the last expectation that held:\n"), "{text}");
        assert!(text.contains("1.011 router     kernel: 10.1.53.1/32 via 10.1.53.12"), "{text}");
        assert!(!text.contains("0.000"), "{text}");
        assert!(changes(&Story::of_failover().events).starts_with("No expectation held."));
    }
}
