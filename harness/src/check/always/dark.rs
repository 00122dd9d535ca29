//! `dark`: no client is without any good answer from an address for longer, from a lost query on.

use crate::check::queries::{Asked, Block, End, Light, dark};
use crate::check::{Facts, millis, nanos};
use crate::spec::Span;

pub(super) fn longer(facts: &Facts<'_>, from: u64, now: u64, longest: Span) -> Vec<String> {
    // Queries that are still out say nothing yet, and those that could not be sent nothing at all.
    let is_counted = move |asked: &Asked<'_>| asked.sent >= from && asked.known <= now;
    let light = move |asked: &Asked<'_>| match asked.end {
        _ if !is_counted(asked) => None,
        End::By(_) | End::BySomebody => Some(Light::Good),
        End::Lost => Some(Light::Lost),
        End::Unasked => None,
    };
    let may = move |block: &Block| block.sent.1 >= from && block.known.0 <= now;
    let mut found = Vec::new();
    for ((client, address), queries) in facts.queries.each() {
        let Some(last) = queries.scan(0, may).rfind(is_counted) else { continue };
        let times = dark(queries, may, light, last.sent);
        let Some((began, until)) = times.max_by_key(|(began, until)| until - began) else { continue };
        if until - began > nanos(longest.0) {
            let (dark, after) = (millis(until - began), millis(began - from));
            found.push(format!(
                "dark: {client} had no good answer from {address} for {dark}, from {after} on, allowed {longest}"
            ));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use protocol::Outcome;

    use crate::check::story::{FAULT, MS, Story, answer, violations};
    use crate::spec::Span;

    fn dark_for(ms: u64) -> Story {
        let mut story = Story::of_both(FAULT);
        story.plan.always.dark = Some(Span::ms(300));
        story.ask(FAULT, FAULT + ms * MS, |_| Outcome::Timeout);
        story.ask(FAULT + ms * MS, FAULT + ms * MS + 1000 * MS, |_| answer("ns2"));
        story
    }

    fn judge(story: &Story, now: u64) -> Vec<String> {
        violations(&story.plan, &story.events, 0, now)
    }

    #[test]
    fn a_short_dark_is_allowed_and_a_long_one_is_named() {
        assert_eq!(judge(&dark_for(200), u64::MAX), Vec::<String>::new());
        let found = judge(&dark_for(400), u64::MAX);
        assert_eq!(found.len(), 4, "every address: {found:?}");
        let told = "dark: client had no good answer from 10.1.53.1 for 400 ms, from 1.0 s on, allowed 300ms";
        assert_eq!(found.first().map(String::as_str), Some(told));
    }

    #[test]
    fn half_of_the_answers_are_enough_not_to_be_dark() {
        let mut story = Story::of_both(FAULT);
        story.plan.always.dark = Some(Span::ms(100));
        story.ask(FAULT, FAULT + 900 * MS, |n| if n % 2 == 0 { Outcome::Timeout } else { answer("ns2") });
        assert_eq!(judge(&story, u64::MAX), Vec::<String>::new());
    }

    #[test]
    fn a_client_that_paused_was_not_in_the_dark() {
        let mut story = Story::of_both(FAULT);
        story.plan.always.dark = Some(Span::ms(300));
        story.ask(FAULT + 400 * MS, FAULT + 1000 * MS, |_| answer("ns2"));
        assert_eq!(judge(&story, u64::MAX), Vec::<String>::new());
    }

    #[test]
    fn what_the_client_could_not_send_is_no_loss() {
        let mut story = Story::of_both(FAULT);
        story.plan.always.dark = Some(Span::ms(300));
        story.ask(FAULT, FAULT + 900 * MS, |_| Outcome::Unasked("Too many open files".to_owned()));
        assert_eq!(judge(&story, u64::MAX), Vec::<String>::new());
    }

    #[test]
    fn it_is_too_early_while_it_may_still_end() {
        assert_eq!(judge(&dark_for(400), FAULT + 250 * MS), Vec::<String>::new());
    }
}
