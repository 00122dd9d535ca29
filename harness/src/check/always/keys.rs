//! `keys`: no session comes up between ends whose MD5 keys (RFC 2385) differ.

use crate::check::millis;
use crate::check::sessions::turns;
use crate::history::{Event, Seen};
use crate::plan::Plan;

/// Over the whole run: a wrong key is wrong from the start. It ends where a step changes a key, as the plan does not tell which keys
/// there are then.
pub(super) fn established(plan: &Plan, events: &[Event], from: u64, now: u64) -> Vec<String> {
    let changes = |event: &&Event| matches!(&event.saw, Seen::Injected { fault, .. } if fault.contains("MD5"));
    let until = events.iter().filter(changes).map(|event| event.at).min().unwrap_or(u64::MAX).min(now);
    let mut found = Vec::new();
    for session in plan.sessions.iter().filter(|session| !session.keys_agree) {
        let [one, other] = &session.ends;
        let mut turns = turns(plan, events, one, other).into_iter();
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

#[cfg(test)]
mod tests {
    use crate::check::always::violations;
    use crate::check::story::{FAULT, MS, Story};
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

    #[test]
    fn after_a_key_was_changed_the_plan_s_are_not_the_ones_in_use() {
        let mut story = story(false);
        let fault = "another MD5 key on ns1".to_owned();
        let saw = Seen::Injected { number: 1, fault, detail: String::new() };
        story.events.push(Event { at: 200 * MS, since: None, node: None, saw });
        assert_eq!(judge(&story, 0, FAULT), Vec::<String>::new());
    }
}
