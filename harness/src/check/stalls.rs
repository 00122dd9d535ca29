//! Where the machine stood still: what came late by no more than that may have been in time, had it not. Then it cannot be said.

use std::time::Duration;

use super::Case;
use crate::history::{Event, Seen};
use crate::outcome::{Finding, Verdict};
use crate::plan::Expectation;

/// How long a processor of the machine stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Halt {
    all: Duration,
    /// What of it its host took.
    taken: Duration,
}

/// A failure that time lost to the machine may explain is none: as long as the same may yet hold with that time granted there is no
/// verdict, and if it comes to hold, it is Unknown.
pub(super) fn granted(case: &Case<'_>, found: Finding, judge: impl Fn(&Case<'_>) -> Finding) -> Finding {
    if found.verdict != Some(Verdict::Fail) {
        return found;
    }
    // What came to hold, late or at too high a price, is not the later for what stood still afterwards.
    let until = found.held_from.unwrap_or(case.now);
    let Some(halt) = halt(case.events, case.origin, until) else { return found };
    let granting = granting(case, halt.all);
    match judge(&Case { expectation: &granting, ..*case }).verdict {
        Some(Verdict::Fail) => found,
        None => Finding { verdict: None, found: Vec::new(), first: None, ..found },
        Some(_) => {
            let mut found = Finding { verdict: Some(Verdict::Unknown), ..found };
            found.found.push(halt.words());
            found
        }
    }
}

/// The same with all its budgets greater by so much.
fn granting(case: &Case<'_>, all: Duration) -> Expectation {
    let mut granting = case.expectation.clone();
    granting.deadline.0 += all;
    let expect = &mut granting.expect;
    expect.gap = expect.gap.map(|mut gap| {
        gap.0 += all;
        gap
    });
    let trains = case.plan.clients().flat_map(|client| &client.trains);
    let per_second: u64 = trains.map(|train| u64::from(train.per_second)).sum();
    let asked = (u128::from(per_second) * all.as_nanos()).div_ceil(1_000_000_000);
    expect.lost = expect.lost.map(|lost| lost.saturating_add(u64::try_from(asked).unwrap_or(u64::MAX)));
    granting
}

/// For how long any processor stood still in that time; none when none did.
fn halt(events: &[Event], from: u64, until: u64) -> Option<Halt> {
    let stalls = events.iter().filter_map(|event| match event.saw {
        Seen::Stalled { late, waited } => Some((event.at.saturating_sub(late), event.at, waited)),
        _ => None,
    });
    let mut stalls: Vec<_> = stalls.filter(|(due, ran, _)| *due < until && *ran > from).collect();
    stalls.sort_unstable();
    let (mut all, mut taken, mut counted) = (0, 0, from);
    for (due, ran, waited) in stalls {
        // Of two that stand still at once no more is lost than of one.
        let lost = ran.min(until).saturating_sub(due.max(counted));
        all += lost;
        taken += lost.saturating_sub(waited);
        counted = counted.max(ran);
    }
    (all > 0).then_some(Halt { all: Duration::from_nanos(all), taken: Duration::from_nanos(taken) })
}

impl Halt {
    fn words(self) -> String {
        let Self { all, taken } = self;
        let hint =
            if taken > all / 2 { "this machine's host has too much to do" } else { "this machine has too much to do" };
        format!("meanwhile this machine stood still for {} ms: it may have been in time; hint: {hint}", all.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::nanos;
    use crate::check::story::{FAULT, MS, Story, expectation};
    use crate::spec::Span;

    fn stall(story: &mut Story, due: u64, ran: u64, waited: u64) {
        story.events.push(Event { at: ran, since: None, node: None, saw: Seen::Stalled { late: ran - due, waited } });
        story.events.sort_by_key(|event| event.at);
    }

    fn halted(stalls: &[(u64, u64, u64)], from: u64, until: u64) -> Option<(u128, u128)> {
        let event = |&(due, ran, waited): &(u64, u64, u64)| {
            let saw = Seen::Stalled { late: (ran - due) * MS, waited: waited * MS };
            Event { at: ran * MS, since: None, node: None, saw }
        };
        let events: Vec<Event> = stalls.iter().map(event).collect();
        halt(&events, from * MS, until * MS).map(|halt| (halt.all.as_millis(), halt.taken.as_millis()))
    }

    #[test]
    fn of_two_at_once_no_more_is_lost_than_of_one() {
        assert_eq!(halted(&[], 0, 1000), None);
        assert_eq!(halted(&[(100, 150, 0), (120, 180, 0)], 0, 1000), Some((80, 80)));
        assert_eq!(halted(&[(100, 150, 50), (300, 340, 10)], 0, 1000), Some((90, 30)));
    }

    #[test]
    fn only_what_stood_still_in_that_time_counts() {
        assert_eq!(halted(&[(100, 150, 0)], 150, 1000), None);
        assert_eq!(halted(&[(100, 150, 0)], 140, 1000), Some((10, 10)));
        assert_eq!(halted(&[(100, 150, 0)], 0, 110), Some((10, 10)));
    }

    /// The failover of the story, judged with such budgets.
    fn judged(story: &Story, change: impl Fn(&mut Expectation), until: u64) -> Finding {
        let mut expectation = expectation(&story.plan);
        change(&mut expectation);
        let known: Vec<Event> = story.events.iter().filter(|event| event.at <= until).cloned().collect();
        crate::check::judge(&story.plan, &known, &expectation, FAULT, until)
    }

    fn within(span: u64) -> impl Fn(&mut Expectation) {
        move |expectation| expectation.deadline.0 = Duration::from_millis(span)
    }

    const END: u64 = FAULT + 1400 * MS;

    #[test]
    fn late_by_less_than_it_stood_still_cannot_be_said() {
        let mut story = Story::of_failover();
        assert_eq!(judged(&story, within(5), END).verdict, Some(Verdict::Fail), "it holds after 11 ms");
        stall(&mut story, FAULT + MS, FAULT + 31 * MS, 0);
        let finding = judged(&story, within(5), END);
        assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
        let said = finding.found.last().unwrap();
        assert!(said.contains("stood still for 10 ms") && said.contains("host"), "{said}");
    }

    #[test]
    fn late_by_more_is_late() {
        let mut story = Story::of_failover();
        stall(&mut story, FAULT + MS, FAULT + 4 * MS, 0);
        assert_eq!(judged(&story, within(5), END), judged(&Story::of_failover(), within(5), END));
    }

    #[test]
    fn what_stood_still_when_it_held_already_explains_nothing() {
        let mut story = Story::of_failover();
        stall(&mut story, FAULT + 30 * MS, FAULT + 330 * MS, 0);
        assert_eq!(judged(&story, within(5), END), judged(&Story::of_failover(), within(5), END));
    }

    #[test]
    fn what_may_yet_hold_is_waited_for() {
        let mut story = Story::of_failover();
        let deadline = FAULT + 8 * MS;
        assert_eq!(judged(&story, within(5), deadline).verdict, Some(Verdict::Fail));
        stall(&mut story, FAULT, FAULT + 6 * MS, 0);
        assert_eq!(judged(&story, within(5), deadline).verdict, None);
    }

    #[test]
    fn budgets_are_granted_what_was_asked_meanwhile() {
        let none_lost = |expectation: &mut Expectation| expectation.expect.lost = Some(0);
        let no_gap = |expectation: &mut Expectation| expectation.expect.gap = Some(Span::ms(1));
        let mut story = Story::of_failover();
        assert_eq!(judged(&story, none_lost, END).verdict, Some(Verdict::Fail));
        assert_eq!(judged(&story, no_gap, END).verdict, Some(Verdict::Fail));
        stall(&mut story, FAULT + MS, FAULT + 31 * MS, 30 * MS);
        assert_eq!(judged(&story, none_lost, END).verdict, Some(Verdict::Unknown));
        assert_eq!(judged(&story, no_gap, END).verdict, Some(Verdict::Unknown));
    }

    #[test]
    fn what_never_comes_to_hold_fails_however_long_it_stood_still() {
        let mut story = Story::of_both(FAULT + 60_000 * MS);
        stall(&mut story, FAULT + MS, FAULT + 100 * MS, 0);
        let deadline = nanos(expectation(&story.plan).deadline.0);
        let end = FAULT + deadline + 10_000 * MS;
        assert_eq!(judged(&story, |_| {}, end).verdict, Some(Verdict::Fail));
    }
}
