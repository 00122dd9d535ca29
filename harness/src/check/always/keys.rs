//! `keys`: no session comes up between ends whose MD5 keys (RFC 2385) differ.

use crate::check::facts::Act;
use crate::check::{Facts, millis};
use crate::fault::{Breaks, Fault};
use crate::plan::{Action, Plan, SessionPlan};

/// Over the whole run: a wrong key is wrong from the start. For a session it ends where a step changes one of its keys, as the plan
/// does not say which keys there are then.
pub(super) fn established(facts: &Facts<'_>, from: u64, now: u64) -> Vec<String> {
    let mut found = Vec::new();
    let plan = facts.plan;
    for session in plan.sessions.iter().filter(|session| !session.keys_agree) {
        let changes = |act: &&Act| injected(plan, act).is_some_and(|fault| changes_key(fault, session));
        let until = facts.course.injected().filter(changes).map(|act| act.at).min().unwrap_or(u64::MAX).min(now);
        let [one, other] = &session.ends;
        let mut turns = facts.sessions.turns(one, other, None).iter();
        if let Some((at, _)) = turns.find(|(at, turn)| *at <= until && turn.has_any()) {
            let when = match at.checked_sub(from) {
                Some(after) => format!("at {}", millis(after)),
                None => format!("{} before anything else is judged", millis(from - at)),
            };
            found.push(format!("keys: {one} and {other} came to a session with keys that differ, {when}"));
        }
    }
    found
}

/// The fault that was injected. Records from before `what` have it in their plan.
fn injected<'e>(plan: &'e Plan, act: &'e Act) -> Option<&'e Fault> {
    let planned = || match &plan.steps.get(act.number)?.action {
        Action::Inject(fault) => Some(fault),
        _ => None,
    };
    act.fault.as_deref().or_else(planned)
}

fn changes_key(fault: &Fault, session: &SessionPlan) -> bool {
    let is_end = |name: &String| session.ends.contains(name);
    matches!(fault.breaks, Breaks::Md5(_)) && is_end(&fault.on) && fault.peer.as_ref().is_some_and(is_end)
}

#[cfg(test)]
mod tests {
    use crate::check::story::{FAULT, MS, Story, violations};
    use crate::history::{Event, Seen};

    /// The keys of the router and ns1 agree or not; their session comes up.
    fn story(agree: bool) -> Story {
        let mut story = Story::of_both(FAULT);
        story.plan.always.keys = true;
        for session in &mut story.plan.sessions {
            session.keys_agree = agree || !session.ends.contains(&"ns1".to_owned());
        }
        story.session_up(300 * MS, "ns1");
        story.session_up(300 * MS, "ns2");
        story
    }

    fn judge(story: &Story, from: u64, now: u64) -> Vec<String> {
        violations(&story.plan, &story.events, from, now)
    }

    #[test]
    fn a_session_with_the_right_key_may_come_up() {
        assert_eq!(judge(&story(true), 0, FAULT), Vec::<String>::new());
    }

    #[test]
    fn a_session_with_a_wrong_key_is_named() {
        let told = "keys: router and ns1 came to a session with keys that differ, at 300 ms";
        assert_eq!(judge(&story(false), 0, FAULT), [told]);
        let before = judge(&story(false), 500 * MS, FAULT);
        assert!(
            before.first().is_some_and(|line| line.ends_with("199 ms before anything else is judged")),
            "{before:?}"
        );
    }

    #[test]
    fn it_is_too_early_before_the_session_comes_up() {
        assert_eq!(judge(&story(false), 0, 200 * MS), Vec::<String>::new());
    }

    /// A fault before the session comes up; its words are no part of the judgement.
    fn broken(what: Option<&str>) -> Story {
        let mut story = story(false);
        let what = what.map(|json| serde_json::from_str(json).expect("a fault"));
        let saw = Seen::Injected { number: 1, fault: "MD5".to_owned(), what, detail: String::new() };
        story.events.push(Event { at: 200 * MS, since: None, node: None, saw });
        story
    }

    const CHANGED: &str = r#"{"md5": "another", "on": "ns1", "peer": "router"}"#;

    #[test]
    fn after_a_key_was_changed_the_plan_s_are_not_the_ones_in_use() {
        assert_eq!(judge(&broken(Some(CHANGED)), 0, FAULT), Vec::<String>::new());
    }

    #[test]
    fn another_fault_and_another_session_s_key_change_nothing() {
        for other in [r#"{"kill": "resolver", "on": "ns1"}"#, r#"{"md5": "x", "on": "ns2", "peer": "router"}"#] {
            assert_eq!(judge(&broken(Some(other)), 0, FAULT).len(), 1, "{other}");
        }
    }

    #[test]
    fn an_old_record_has_the_fault_in_its_plan() {
        assert_eq!(judge(&broken(None), 0, FAULT).len(), 1, "its plan kills a resolver");
        let mut story = broken(None);
        story.plan.steps[1].action = crate::plan::Action::Inject(serde_json::from_str(CHANGED).expect("a fault"));
        assert_eq!(judge(&story, 0, FAULT), Vec::<String>::new());
    }

    #[test]
    fn a_recorded_fault_reads_back_without_its_key() {
        let what = Some(serde_json::from_str(CHANGED).expect("a fault"));
        let saw = Seen::Injected { number: 1, fault: "x".to_owned(), what, detail: String::new() };
        let line = serde_json::to_string(&saw).expect("JSON");
        assert!(!line.contains("another"), "{line}");
        let Seen::Injected { what: Some(read), .. } = serde_json::from_str(&line).expect("reads back") else {
            panic!("the fault is gone: {line}")
        };
        assert_eq!((read.on.as_str(), read.peer.as_deref()), ("ns1", Some("router")));
        let old = r#"{"injected": {"number": 1, "fault": "x", "detail": ""}}"#;
        assert!(matches!(serde_json::from_str(old), Ok(Seen::Injected { what: None, .. })));
    }
}
