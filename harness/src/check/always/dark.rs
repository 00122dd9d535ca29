//! `dark`: no client is without any good answer from an address for longer.

use crate::check::queries::trains;
use crate::check::{millis, nanos};
use crate::history::Event;
use crate::spec::Span;

pub(super) fn longer(events: &[Event], from: u64, now: u64, longest: Span) -> Vec<String> {
    let trains = trains(events, |asked| asked.sent >= from && asked.known <= now);
    let mut found = Vec::new();
    for ((client, address), queries) in &trains {
        // The longest stretch from one good answer to the next; queries that are still out say nothing yet.
        let (mut before, mut worst) = (from, (0, from));
        for asked in queries {
            worst = worst.max((asked.sent - before, before));
            if asked.by.is_some() {
                before = asked.sent;
            }
        }
        let (dark, began) = worst;
        if dark > nanos(longest.0) {
            let (dark, after) = (millis(dark), millis(began - from));
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

    use crate::check::always::violations;
    use crate::check::story::{FAULT, MS, Story, answer};
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
        let told = "dark: client had no good answer from 10.1.53.1 for 410 ms, from 990 ms on, allowed 300ms";
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
    fn it_is_too_early_while_it_may_still_end() {
        assert_eq!(judge(&dark_for(400), FAULT + 250 * MS), Vec::<String>::new());
    }
}
