//! The session between two nodes: established, down, or never established, and whether its segments are signed.

use super::conclude::{Seen as Held, answers_are_in, conclude, spent};
use super::serving::{Answers, wants};
use super::sessions::{Turn, planned};
use super::{Case, millis, nanos};
use crate::outcome::{Finding, Verdict};
use crate::spec::{Family, State};

pub(super) fn judge(case: &Case<'_>, one: &str, other: &str, state: State, signed: Option<bool>) -> Finding {
    let family = case.expectation.expect.family;
    let turns = case.facts.sessions.turns(one, other, family);
    let wire = Wire::of(case, one, other, family);
    let wrongly_signed = wire.wrongly_signed(signed);
    let wants = wants(case.plan, case.expectation);
    let answers = Answers::of(case, &wants);
    if state == State::NeverEstablished {
        return never(case, &answers, turns, &wire, wrongly_signed);
    }
    let began = case.facts.course.window(case.origin);
    let since = match (turns.last(), state) {
        (Some((at, Turn::Up)), State::Established) => Some(*at),
        // What was down before the fault is no effect of it.
        (Some((at, Turn::Down(_))), State::Down) if *at >= began => Some(*at),
        _ => None,
    };
    let unseen = signed.is_some() && wire.is_silent();
    let held_from = since.filter(|_| wrongly_signed.is_none() && !unseen).map(|at| at.max(case.origin));
    let stable = nanos(case.expectation.expect.stable.0);
    let seen = Held { held_from, stable, proven: &|held| Some(held.saturating_add(stable)) };
    let mut finding = conclude(case, &answers, &seen, || {
        let mut found = vec![match turns.last() {
            Some((at, Turn::Up)) => format!("established {}", when(case, *at)),
            Some((at, Turn::Partly)) => format!("one of several established {}", when(case, *at)),
            Some((at, Turn::Down(why))) => {
                let already = if state == State::Down { ", and did not go down since" } else { "" };
                format!("down {}: {why}{already}", when(case, *at))
            }
            None => "never established".to_owned(),
        }];
        found.extend(wrongly_signed.clone());
        found.extend(not_over(case, one, other));
        (found, Some(wire.words(one, other)))
    });
    if finding.verdict == Some(Verdict::Fail) && unseen && since.is_some() {
        let found = "no segment on the wire that could carry a signature".to_owned();
        finding = Finding { verdict: Some(Verdict::Unknown), found: vec![found], first: None, ..finding };
    }
    finding
}

/// Why no session of the family can be there, if the plan says so.
fn not_over(case: &Case<'_>, one: &str, other: &str) -> Option<String> {
    let family = case.expectation.expect.family?;
    let hint = "hint: without `sessions = \"per-family\"` one session carries both families";
    planned(case.plan, one, other, Some(family))
        .is_empty()
        .then(|| format!("no session between them is planned over {family}; {hint}"))
}

/// From the last inject or heal on; not before it was watched for its time, and somebody tried.
fn never(
    case: &Case<'_>,
    answers: &Answers<'_>,
    turns: &[(u64, Turn)],
    wire: &Wire<'_>,
    wrongly_signed: Option<String>,
) -> Finding {
    let watched_until = began(case).saturating_add(nanos(case.expectation.expect.stable.0));
    let mut finding = spent(case, answers, case.now.min(watched_until));
    // A session that was up when the time began has been established in it.
    let before = turns.iter().rev().find(|(at, _)| *at < case.origin).filter(|(_, turn)| turn.has_any());
    let up = turns.iter().find(|(at, turn)| *at >= case.origin && turn.has_any());
    if let Some((at, _)) = before.or(up) {
        finding.found = vec![format!("established {}", when(case, *at))];
        finding.verdict = Some(Verdict::Fail);
        return finding;
    }
    if case.now < watched_until || !answers_are_in(case, answers, watched_until) {
        return Finding { found: Vec::new(), ..finding };
    }
    finding.held_from = Some(watched_until);
    finding.found.extend(wrongly_signed);
    finding.verdict = Some(if !finding.found.is_empty() {
        Verdict::Fail
    } else if wire.syns == 0 {
        // What nobody tried cannot come up: that says nothing of the session.
        finding.found.push("nobody tried: no SYN of either end on the wire".to_owned());
        Verdict::Unknown
    } else {
        Verdict::Pass
    });
    finding
}

/// When the step that is judged began, which is not before the origin.
fn began(case: &Case<'_>) -> u64 {
    case.facts.course.last_step().map_or(case.origin, |at| at.max(case.origin))
}

fn when(case: &Case<'_>, at: u64) -> String {
    let since = &case.expectation.since;
    if at < case.origin {
        format!("{} before {since}", millis(case.origin - at))
    } else {
        format!("{} after {since}", millis(at - case.origin))
    }
}

/// What the wire carried between the two since the origin, as its senders saw it.
#[derive(Default)]
struct Wire<'p> {
    syns: u64,
    /// Who signed, and who did not. Not by their RSTs: a kernel sends these for connections that it does not know.
    signed: Vec<&'p str>,
    unsigned: Vec<&'p str>,
}

impl<'p> Wire<'p> {
    fn of(case: &Case<'p>, one: &str, other: &str, family: Option<Family>) -> Self {
        let mut wire = Self::default();
        let between = case.facts.sessions.between(one, other);
        let senders = between.iter().flat_map(|wire| &wire.senders);
        for ((name, _), sender) in senders.filter(|((_, its), _)| family.is_none_or(|family| family == *its)) {
            wire.syns += sender.syns.iter().filter(|at| **at >= case.origin).count() as u64;
            let since = |last: Option<u64>| last.is_some_and(|last| last >= case.origin);
            for (names, last) in [(&mut wire.signed, sender.signed), (&mut wire.unsigned, sender.unsigned)] {
                if since(last) && !names.contains(name) {
                    names.push(name);
                }
            }
        }
        wire
    }

    /// Whether neither end sent a segment that tells whether it signs.
    fn is_silent(&self) -> bool {
        self.signed.is_empty() && self.unsigned.is_empty()
    }

    /// What is wrong with the signatures, if something is expected of them.
    fn wrongly_signed(&self, expected: Option<bool>) -> Option<String> {
        let expected = expected?;
        let (wrong, what) = if expected { (&self.unsigned, "without") } else { (&self.signed, "with") };
        wrong.first().map(|sender| format!("{sender} sends segments {what} a signature (RFC 2385)"))
    }

    fn words(&self, one: &str, other: &str) -> String {
        match self.syns {
            0 => format!("no SYN between {one} and {other} on the wire"),
            syns => format!("{syns} SYNs between {one} and {other} on the wire"),
        }
    }
}

#[cfg(test)]
mod tests {
    use protocol::TcpEvent;

    use super::*;
    use crate::check::story::{FAULT, MS, Story};
    use crate::history::{BgpMessage, Seen};
    use crate::plan::Expectation;
    use crate::spec::{Span, Subject};

    fn session(state: State, signed: Option<bool>) -> impl FnOnce(&mut Expectation) {
        move |expectation| {
            let between = ["router".to_owned(), "ns1".to_owned()];
            expectation.expect.subject = Subject::Session { between, state, signed };
            expectation.expect.stable = Span::ms(500);
            expectation.expect.lost = None;
            expectation.expect.gap = None;
        }
    }

    /// A session that came up before the fault, watched for a while after it.
    fn up(watched: u64) -> Story {
        let mut story = Story::of_both(0);
        story.session_up(100 * MS, "ns1");
        story.push(FAULT + watched * MS, "router", Seen::Ready);
        story
    }

    /// Both ends try, none hears the other.
    fn tried(watched: u64) -> Story {
        let mut story = Story::of_both(0);
        for n in 1..=3 {
            story.segment(FAULT + n * 100 * MS, "ns1", "router", TcpEvent::Syn, true);
            story.segment(FAULT + n * 150 * MS, "router", "ns1", TcpEvent::Syn, true);
        }
        story.push(FAULT + watched * MS, "router", Seen::Ready);
        story
    }

    fn ends(story: &mut Story, after: u64) {
        story.say(FAULT + after * MS, "router", "ns1", BgpMessage::Notification { code: 4, subcode: 0 });
    }

    #[test]
    fn a_session_that_stays_is_established() {
        let finding = up(600).judge_with(session(State::Established, None));
        assert_eq!((finding.verdict, finding.held_from), (Some(Verdict::Pass), Some(FAULT)));
        assert_eq!(up(400).judge_with(session(State::Established, None)).verdict, None, "too early");
    }

    #[test]
    fn a_session_that_ended_is_not_established_and_is_down() {
        let mut story = up(5000);
        ends(&mut story, 10);
        let finding = story.judge_with(session(State::Established, None));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(finding.found, ["down 10 ms after kill resolver on ns1: NOTIFICATION 4/0 by router"]);
        let finding = story.judge_with(session(State::Down, None));
        assert_eq!((finding.verdict, finding.held_from), (Some(Verdict::Pass), Some(FAULT + 10 * MS)));
    }

    #[test]
    fn a_session_that_stays_is_not_down() {
        let finding = up(5000).judge_with(session(State::Down, None));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(finding.found, ["established 899 ms before kill resolver on ns1"]);
        assert_eq!(up(400).judge_with(session(State::Down, None)).verdict, None, "too early");
    }

    #[test]
    fn a_session_that_never_was_is_not_down() {
        let finding = tried(5000).judge_with(session(State::Down, None));
        assert_eq!((finding.verdict, finding.found), (Some(Verdict::Fail), vec!["never established".to_owned()]));
    }

    #[test]
    fn never_established_passes_when_its_time_is_over_and_somebody_tried() {
        assert_eq!(tried(499).judge_with(session(State::NeverEstablished, None)).verdict, None, "too early");
        let finding = tried(500).judge_with(session(State::NeverEstablished, Some(true)));
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn its_time_begins_with_its_step() {
        let mut story = tried(800);
        let saw = Seen::Step { number: 2, name: "never".to_owned() };
        story.events.push(crate::history::Event { at: FAULT + 400 * MS, since: None, node: None, saw });
        assert_eq!(story.judge_with(session(State::NeverEstablished, None)).verdict, None, "too early");
        story.push(FAULT + 900 * MS, "router", Seen::Ready);
        let finding = story.judge_with(session(State::NeverEstablished, None));
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn never_established_fails_as_soon_as_it_comes_up() {
        let mut story = tried(200);
        story.session_up(FAULT + 190 * MS, "ns1");
        let finding = story.judge_with(session(State::NeverEstablished, None));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(finding.found, ["established 190 ms after kill resolver on ns1"]);
        let finding = up(10).judge_with(session(State::NeverEstablished, None));
        assert_eq!(finding.verdict, Some(Verdict::Fail), "it was up when the time began");
    }

    #[test]
    fn that_nobody_tried_proves_nothing() {
        let mut story = Story::of_both(0);
        story.push(FAULT + 600 * MS, "router", Seen::Ready);
        for signed in [None, Some(true)] {
            let finding = story.judge_with(session(State::NeverEstablished, signed));
            assert_eq!(finding.verdict, Some(Verdict::Unknown));
            assert_eq!(finding.found, ["nobody tried: no SYN of either end on the wire"]);
        }
    }

    #[test]
    fn signatures_are_as_expected_or_named() {
        let finding = tried(600).judge_with(session(State::NeverEstablished, Some(false)));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(finding.found, ["ns1 sends segments with a signature (RFC 2385)"]);
        let mut story = tried(600);
        story.segment(FAULT + 200 * MS, "router", "ns1", TcpEvent::Syn, false);
        let finding = story.judge_with(session(State::NeverEstablished, Some(true)));
        assert_eq!(finding.found, ["router sends segments without a signature (RFC 2385)"]);
        // A kernel's RST says nothing of a daemon's key.
        let mut story = tried(600);
        story.segment(FAULT + 200 * MS, "router", "ns1", TcpEvent::Rst, false);
        let finding = story.judge_with(session(State::NeverEstablished, Some(true)));
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn an_established_session_is_signed_or_not() {
        let mut story = up(5000);
        story.say(FAULT + 50 * MS, "ns1", "router", BgpMessage::Keepalive);
        let finding = story.judge_with(session(State::Established, Some(false)));
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
        let finding = story.judge_with(session(State::Established, Some(true)));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert!(finding.found.contains(&"ns1 sends segments without a signature (RFC 2385)".to_owned()));
    }

    #[test]
    fn a_session_that_was_down_before_the_fault_did_not_go_down_by_it() {
        let mut story = up(5000);
        story.say(500 * MS, "router", "ns1", BgpMessage::Notification { code: 4, subcode: 0 });
        let finding = story.judge_with(session(State::Down, None));
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        let told = "down 500 ms before kill resolver on ns1: NOTIFICATION 4/0 by router, and did not go down since";
        assert_eq!(finding.found, [told]);
    }

    /// A command that takes the session down has ended, and is stamped, after it has.
    #[test]
    fn what_went_down_while_the_fault_was_injected_is_its_effect() {
        let mut story = up(5000);
        story.say(FAULT - 20 * MS, "router", "ns1", BgpMessage::Notification { code: 6, subcode: 2 });
        let lab = |at: u64, saw: Seen| crate::history::Event { at, since: None, node: None, saw };
        story.events.push(lab(FAULT - 30 * MS, Seen::Step { number: 1, name: String::new() }));
        let fault = "shutdown on router".to_owned();
        story.events.push(lab(FAULT, Seen::Injected { number: 1, fault, what: None, detail: String::new() }));
        let finding = story.judge_with(session(State::Down, None));
        assert_eq!((finding.verdict, finding.held_from), (Some(Verdict::Pass), Some(FAULT)));
    }

    #[test]
    fn a_signature_that_nobody_could_see_is_unknown() {
        let finding = up(60_000).judge_with(session(State::Established, Some(true)));
        assert_eq!(finding.verdict, Some(Verdict::Unknown));
        assert_eq!(finding.found, ["no segment on the wire that could carry a signature"]);
    }

    #[test]
    fn a_family_is_looked_at_alone() {
        let of = |family| {
            up(5000).judge_with(|expectation| {
                session(State::Established, None)(expectation);
                expectation.expect.family = Some(family);
            })
        };
        assert_eq!(of(Family::V4).verdict, Some(Verdict::Pass));
        let finding = of(Family::V6);
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(finding.found.first().map(String::as_str), Some("never established"));
        assert!(finding.found.get(1).is_some_and(|line| line.contains("planned over v6")), "{finding:?}");
    }

    #[test]
    fn a_router_on_the_way_does_not_try() {
        let mut story = Story::of_both(0);
        let (src, dst) = ("10.1.53.11:4000".parse().unwrap(), "10.1.53.254:179".parse().unwrap());
        let (sent, signed, event) = (true, false, TcpEvent::Syn);
        story.push(FAULT + MS, "ns2", Seen::Tcp { src, dst, sent, signed, ao: false, event });
        story.push(FAULT + 600 * MS, "router", Seen::Ready);
        let finding = story.judge_with(session(State::NeverEstablished, Some(true)));
        assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
    }
}
