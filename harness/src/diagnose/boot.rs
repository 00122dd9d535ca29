//! A daemon that ends before the lab has served: the lab did not come up, and there is nothing to wait for.

use protocol::Exit;

use crate::history::{Event, Seen};
use crate::kind;
use crate::plan::{Expectation, Plan};
use crate::spec::{Role, State, Subject};

/// How long after a daemon's end its last lines are waited for; nanoseconds.
const LAST_LINES_COME: u64 = 200_000_000;

/// How many of a daemon's last lines are shown.
const SHOWN: usize = 8;

/// A daemon that ended by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// Its node.
    pub node: String,
    /// Its name.
    pub daemon: String,
    /// How it ended.
    pub exit: Exit,
    /// Its last lines, oldest first.
    pub lines: Vec<String>,
}

/// The first daemon that ended before anything was injected, if the expectation cannot do without it; `now` is the time of asking.
#[must_use]
pub fn ended_in_boot(plan: &Plan, events: &[Event], expectation: &Expectation, now: u64) -> Option<Ended> {
    if events.iter().any(|event| matches!(event.saw, Seen::Injected { .. })) {
        return None;
    }
    events.iter().find_map(|event| {
        let Seen::Exited { daemon, exit, .. } = &event.saw else { return None };
        let node = event.node.as_ref()?;
        let settled = event.at + LAST_LINES_COME <= now;
        (settled && is_needed(plan, node, expectation) && !is_managed(plan, node, daemon)).then(|| Ended {
            node: node.to_string(),
            daemon: daemon.clone(),
            exit: *exit,
            lines: last_lines(events, node, daemon, SHOWN),
        })
    })
}

/// Whether the expectation needs all daemons of the node. A scenario may expect that a server does not serve.
fn is_needed(plan: &Plan, node: &str, expectation: &Expectation) -> bool {
    let serves = plan.services.iter().any(|service| service.served_by.iter().any(|server| server == node));
    match &expectation.expect.subject {
        Subject::Serving(servers) | Subject::AnsweredBy(servers) => !serves || servers.iter().any(|name| name == node),
        Subject::Unanswered => !serves,
        Subject::Session { between, state, .. } => {
            between.iter().any(|end| end == node) && *state == State::Established
        }
        Subject::Ordered(_) => false,
    }
}

/// Whether the node's watchdog stops and starts this daemon.
pub(super) fn is_managed(plan: &Plan, node: &str, daemon: &str) -> bool {
    let Some(node) = plan.node(node) else { return false };
    let watchdog = node.runs.get(&Role::Watchdog).and_then(|product| kind::named(&product.kind));
    Role::named(daemon) == Some(Role::Speaker) && watchdog.is_some_and(|kind| kind.restarts_speaker())
}

/// The last lines of a daemon, oldest first.
#[must_use]
pub fn last_lines(events: &[Event], node: &str, daemon: &str, count: usize) -> Vec<String> {
    let own = events.iter().rev().filter(|event| event.node.as_deref() == Some(node));
    let lines = own.filter_map(|event| match &event.saw {
        Seen::Line { daemon: speaker, text, .. } if speaker == daemon => Some(text.clone()),
        _ => None,
    });
    let mut lines: Vec<String> = lines.take(count).collect();
    lines.reverse();
    lines
}

/// How a process ended, as the end of a sentence about it.
#[must_use]
pub fn exit_words(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("exited with status {code}"),
        Exit::Signal(number) => match nix::sys::signal::Signal::try_from(number) {
            Ok(signal) => format!("was killed by {signal}"),
            Err(_) => format!("was killed by signal {number}"),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::story::{FAULT, MS, Story, expectation};

    const NOW: u64 = 900 * MS;

    fn story(node: &str) -> Story {
        let mut story = Story::of_both(FAULT);
        let line = |text: &str| Seen::Line {
            daemon: "resolver".to_owned(),
            stream: protocol::Stream::Stderr,
            text: text.to_owned(),
        };
        story.push(10 * MS, node, line("named.conf:3: unknown option"));
        story.push(20 * MS, node, Seen::Exited { daemon: "resolver".to_owned(), pid: 7, exit: Exit::Code(1) });
        story.push(21 * MS, node, line("exiting (due to fatal error)"));
        story
    }

    #[test]
    fn a_daemon_that_ends_before_the_lab_serves_is_told_with_its_last_lines() {
        let story = story("ns2");
        // The expectation of ns2 alone.
        let expectation = expectation(&story.plan);
        let ended = ended_in_boot(&story.plan, &story.events, &expectation, NOW).expect("it has ended");
        assert_eq!((ended.node.as_str(), ended.daemon.as_str(), ended.exit), ("ns2", "resolver", Exit::Code(1)));
        assert_eq!(ended.lines, ["named.conf:3: unknown option", "exiting (due to fatal error)"]);
        assert_eq!(ended_in_boot(&story.plan, &story.events, &expectation, 30 * MS), None, "its lines may still come");
    }

    #[test]
    fn a_server_that_is_not_expected_to_serve_may_end() {
        let story = story("ns1");
        assert_eq!(ended_in_boot(&story.plan, &story.events, &expectation(&story.plan), NOW), None);
    }

    #[test]
    fn a_speaker_that_a_script_stops_and_starts_may_end() {
        let mut story = story("ns2");
        story.push(20 * MS, "ns2", Seen::Exited { daemon: "speaker".to_owned(), pid: 8, exit: Exit::Code(1) });
        story.events.retain(|event| !matches!(&event.saw, Seen::Exited { daemon, .. } if daemon == "resolver"));
        let ended = |story: &Story| ended_in_boot(&story.plan, &story.events, &expectation(&story.plan), NOW).is_some();
        assert!(ended(&story));
        for node in &mut story.plan.nodes {
            if let Some(watchdog) = node.runs.get_mut(&Role::Watchdog) {
                watchdog.kind = "script".to_owned();
            }
        }
        assert!(!ended(&story));
    }

    #[test]
    fn after_a_fault_an_end_is_no_failure_to_boot() {
        let mut story = story("ns2");
        let injected = Seen::Injected { number: 0, fault: "kill".to_owned(), detail: String::new(), what: None };
        story.events.push(Event { at: 5 * MS, since: None, node: None, saw: injected });
        assert_eq!(ended_in_boot(&story.plan, &story.events, &expectation(&story.plan), NOW), None);
    }

    #[test]
    fn an_exit_is_told_in_words() {
        assert_eq!(exit_words(Exit::Code(3)), "exited with status 3");
        assert_eq!(exit_words(Exit::Signal(9)), "was killed by SIGKILL");
    }
}
