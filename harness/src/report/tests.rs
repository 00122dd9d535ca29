//! What a reader sees of a run: one that passes, and one that fails.

use crate::check::Facts;
use crate::check::story::{FAULT, MS, Story, expectation};
use crate::history::{Event, Seen};
use crate::lab::Watcher;
use crate::outcome::Played;
use crate::outcome::{Finding, Verdict};
use crate::spec::Span;

use super::{Summary, Terminal};

/// The text of a run whose first three steps were played, the last of them as given.
fn text(story: &mut Story, finding: Finding, watched: Option<(Span, Option<u64>)>) -> String {
    let injected = Seen::Injected {
        number: 1,
        fault: "kill resolver on ns1".to_owned(),
        what: None,
        detail: "bind 9.20, pid 13, SIGKILL".to_owned(),
    };
    story.push(50 * MS, "router", Seen::Ready);
    story.events.push(Event { at: FAULT, since: None, node: None, saw: injected });
    story.events.sort_by_key(|event| event.at);
    let serving = Finding { held_from: Some(100 * MS), verdict: Some(Verdict::Pass), ..Finding::default() };
    let verdict = finding.verdict;
    let played = [
        Played::Judged { origin: 0, at: 900 * MS, finding: serving, watched: None },
        Played::Injected { at: FAULT },
        Played::Judged { origin: FAULT, at: FAULT + 1100 * MS, finding, watched },
    ];
    let (mut out, mut seen) = (Vec::new(), 0);
    let mut terminal = Terminal::new(&mut out, false, &story.plan, 0);
    for (step, played) in story.plan.steps.iter().zip(&played) {
        let before: Vec<Event> = story.events.iter().filter(|event| event.at <= played.at()).cloned().collect();
        let fresh = before.get(std::mem::replace(&mut seen, before.len())..).unwrap_or_default();
        terminal.tick(fresh, played.at());
        terminal.played(step, played, &[], &Facts::of(&story.plan, &before));
    }
    let summary =
        Summary { verdict: verdict.unwrap_or(Verdict::Unknown), at: (verdict != Some(Verdict::Pass)).then_some(2) };
    terminal.end(&summary, &played, &story.facts(), 4.7, "target/lab/kill-named-0000");
    drop(terminal);
    String::from_utf8(out).expect("text")
}

#[test]
fn a_run_that_passes() {
    let mut story = Story::of_failover();
    story.withdraw(FAULT + 5 * MS);
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Pass));
    insta::assert_snapshot!(text(&mut story, finding, None));
}

#[test]
fn a_run_that_fails() {
    let mut story = Story::of_both(FAULT + 4000 * MS);
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Fail));
    let expected = expectation(&story.plan);
    let watched = Some((expected.deadline, None));
    insta::assert_snapshot!(text(&mut story, finding, watched));
}

#[test]
fn a_run_that_cannot_be_judged() {
    let mut story = Story::of_failover();
    story.push(FAULT + 3 * MS, "router", Seen::Hole { reason: "its probe has ended".to_owned() });
    let finding = story.judge();
    assert_eq!(finding.verdict, Some(Verdict::Unknown));
    insta::assert_snapshot!(text(&mut story, finding, None));
}

/// Two clients, of which the second is answered by nobody, as expected, and the first loses nothing.
#[test]
fn a_client_that_is_not_asked_about_is_not_named() {
    let mut story = Story::of_both(FAULT);
    let client = story.plan.node("client").cloned().expect("a client");
    story.plan.nodes.push(crate::plan::NodePlan { name: "client2".to_owned(), ..client });
    story.ask(FAULT, FAULT + 1000 * MS, |_| crate::check::story::answer("ns2"));
    let others: Vec<Event> =
        story.events.iter().filter(|event| matches!(event.saw, Seen::Query { .. })).cloned().collect();
    for mut event in others {
        event.node = Some("client2".into());
        if let (Seen::Query { outcome, .. }, true) = (&mut event.saw, event.at > FAULT) {
            *outcome = protocol::Outcome::Timeout;
        }
        story.events.push(event);
    }
    story.events.sort_by_key(|event| event.at);
    if let Some(crate::plan::Action::Expect(expectation)) = story.plan.steps.get_mut(2).map(|step| &mut step.action) {
        expectation.expect.client = Some("client2".to_owned());
        expectation.expect.subject = crate::spec::Subject::Unanswered;
    }
    let finding = Finding { verdict: Some(Verdict::Pass), held_from: Some(FAULT + 10 * MS), ..Finding::default() };
    let text = text(&mut story, finding, None);
    let row = text.lines().find(|line| line.contains("answered by nobody")).expect("a row of the clients");
    assert!(row.contains("client2 ") && !row.contains("client client2"), "{row}");
}
