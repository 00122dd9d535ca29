//! What clients are answered, whatever the routes say: by exactly these, or by nobody.

use super::conclude::{Seen, conclude};
use super::serving::{Answers, wants, wrong_answers};
use super::{Case, nanos};
use crate::outcome::Finding;

pub(super) fn judge(case: &Case<'_>) -> Finding {
    let wants = wants(case.plan, case.expectation);
    let answers = Answers::of(case, &wants);
    let held_from = answers.right_since().map(|since| since.max(case.origin));
    let stable = nanos(case.expectation.expect.stable.0);
    // Nobody who asks is nobody who was answered rightly.
    let proven = |held| answers.proven(held, stable).filter(|_| answers.any());
    let seen = Seen { held_from, stable, proven: &proven };
    conclude(case, &answers, &seen, || {
        let mut found = wrong_answers(case, &answers);
        if !answers.any() {
            found.push("nobody asks".to_owned());
        }
        let first = answers.first_wrong().map(|(client, address)| format!("{client}'s answers from {address}"));
        (found, first)
    })
}

#[cfg(test)]
mod tests {
    use protocol::Outcome;

    use crate::check::story::{FAULT, MS, Story, answer};
    use crate::outcome::{Finding, Verdict};
    use crate::plan::Expectation;
    use crate::spec::Subject;

    fn by_ns2(expectation: &mut Expectation) {
        expectation.expect.subject = Subject::AnsweredBy(vec!["ns2".to_owned()]);
        (expectation.expect.lost, expectation.expect.gap) = (None, None);
    }

    fn by_nobody(expectation: &mut Expectation) {
        expectation.expect.subject = Subject::Unanswered;
        (expectation.expect.lost, expectation.expect.gap) = (None, None);
    }

    /// Routes stay as they are; the clients' queries end like this from the fault on.
    fn story(outcome: impl Fn(u64) -> Outcome) -> Story {
        let mut story = Story::of_both(FAULT);
        story.ask(FAULT, FAULT + 4000 * MS, outcome);
        story
    }

    fn lines(finding: &Finding) -> Vec<&str> {
        finding.found.iter().map(String::as_str).collect()
    }

    #[test]
    fn routes_are_not_looked_at() {
        let finding = story(|_| answer("ns2")).judge_with(by_ns2);
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn another_s_answer_fails() {
        let finding = story(|n| answer(if n % 2 == 0 { "ns1" } else { "ns2" })).judge_with(by_ns2);
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert_eq!(lines(&finding), ["client is answered by others than expected in 50 % of its queries"]);
        assert_eq!(finding.first.as_deref(), Some("client's answers from 10.1.53.1"));
    }

    #[test]
    fn no_answer_fails() {
        let finding = story(|_| Outcome::Timeout).judge_with(by_ns2);
        assert_eq!(finding.verdict, Some(Verdict::Fail));
    }

    #[test]
    fn it_is_too_early_before_the_stable_time_is_over() {
        let mut story = story(|_| answer("ns2"));
        story.events.retain(|event| event.at < FAULT + 900 * MS);
        assert_eq!(story.judge_with(by_ns2).verdict, None);
        assert_eq!(story.judge_with(by_nobody).verdict, None);
    }

    #[test]
    fn silence_is_unanswered() {
        let finding = story(|_| Outcome::Timeout).judge_with(by_nobody);
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn a_good_answer_in_ten_is_not_unanswered() {
        let finding = story(|n| if n % 10 == 0 { answer("ns1") } else { Outcome::Timeout }).judge_with(by_nobody);
        assert_eq!(finding.verdict, Some(Verdict::Fail));
        assert!(lines(&finding).iter().any(|line| line.contains("10 % of its queries")), "{finding:?}");
    }

    #[test]
    fn nobody_answers_from_when_the_first_lost_query_was_sent() {
        let mut story = story(|_| Outcome::Timeout);
        for event in story.events.iter_mut().filter(|event| event.at > FAULT) {
            event.at += 500 * MS;
        }
        assert_eq!(story.judge_with(by_nobody).held_from, Some(FAULT));
    }

    #[test]
    fn a_timeout_that_is_longer_than_the_patience_is_waited_for() {
        let mut story = Story::of_both(FAULT);
        story.plan.nodes.iter_mut().flat_map(|node| &mut node.trains).for_each(|train| train.timeout_ms = 20_000);
        story.ask(FAULT, FAULT + 30_000 * MS, |_| Outcome::Timeout);
        for event in story.events.iter_mut().filter(|event| event.at > FAULT) {
            event.at += 20_000 * MS;
        }
        let until = |story: &Story, end: u64| {
            let mut story = Story { plan: story.plan.clone(), events: story.events.clone() };
            story.events.retain(|event| event.at < FAULT + end * MS);
            story.push(FAULT + end * MS, "router", crate::history::Seen::Ready);
            story.judge_with(by_nobody)
        };
        assert_eq!(until(&story, 15_000).verdict, None, "nothing is known yet");
        let finding = until(&story, 25_000);
        assert_eq!(finding.verdict, Some(Verdict::Pass), "{finding:?}");
    }

    #[test]
    fn servfail_is_no_answer() {
        let servfail = |_| Outcome::Answer { instance: "ns2".to_owned(), rcode: 2, answers: 0, rtt: MS };
        assert_eq!(story(servfail).judge_with(by_nobody).verdict, Some(Verdict::Pass));
        assert_eq!(story(servfail).judge_with(by_ns2).verdict, Some(Verdict::Fail));
    }

    #[test]
    fn nobody_who_asks_proves_nothing() {
        let mut story = story(|_| Outcome::Timeout);
        story.plan.nodes.iter_mut().for_each(|node| node.trains.clear());
        assert_eq!(story.judge_with(by_nobody).verdict, None);
        story.push(FAULT + 60_000 * MS, "router", crate::history::Seen::Ready);
        let finding = story.judge_with(by_nobody);
        assert_eq!((finding.verdict, lines(&finding)), (Some(Verdict::Fail), vec!["nobody asks"]));
    }
}
