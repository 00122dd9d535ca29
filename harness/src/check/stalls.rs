//! Where the machine stood still: what came late by no more than that may have been in time, had it not. Then it cannot be said.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Case;
use crate::history::{Event, Seen};
use crate::outcome::{Finding, Verdict};
use crate::plan::Expectation;

/// A failover passes through so many daemons, one after the other: name server, watchdog, speaker, routing daemon. Of N processors
/// one that stands still holds it up for CHAIN/N of the time: all of it on the small machines of CI, little on one of 64.
const CHAIN: u64 = 4;
/// At least so much time may be granted: a short deadline is no reason not to wait for a slow machine.
const LEAST_CAP: Duration = Duration::from_secs(10);
/// Whoever does not pass with this granted fails for another reason than time.
const ANY_TIME: Duration = Duration::from_secs(86_400);

/// How long the machine stood still.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Halt {
    all: Duration,
    /// What of it its host took.
    taken: Duration,
}

/// If the failure would have been a pass with the stalled time added to its budgets, withholds the verdict. If it then passes, it is
/// Unknown. No more is added than the deadline itself, or ten seconds: a machine that stood still for longer proves no failure that
/// more time could mend.
pub(super) fn granted(case: &Case<'_>, found: Finding, judge: impl Fn(&Case<'_>) -> Finding) -> Finding {
    if found.verdict != Some(Verdict::Fail) {
        return found;
    }
    // What came to hold, late or at too high a price, is not the later for what stood still afterwards.
    let until = found.held_from.unwrap_or(case.now);
    let Some(halt) = halt(&case.facts.stalls, case.origin, until) else { return found };
    let cap = case.expectation.deadline.0.max(LEAST_CAP);
    let with = |all| {
        let granting = granting(case, all);
        judge(&Case { expectation: &granting, ..*case }).verdict
    };
    let unknown = |found: Finding| {
        let mut found = Finding { verdict: Some(Verdict::Unknown), ..found };
        found.found.push(halt.words());
        found
    };
    match with(halt.all.min(cap)) {
        Some(Verdict::Fail) if halt.all > cap && with(ANY_TIME) != Some(Verdict::Fail) => unknown(found),
        Some(Verdict::Fail) => found,
        None => Finding { verdict: None, found: Vec::new(), first: None, ..found },
        Some(_) => unknown(found),
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

/// For how long the machine stood still in that time, as its daemons feel it; none when it did not.
fn halt(stalls: &[Stall], from: u64, until: u64) -> Option<Halt> {
    let within = |stall: &&Stall| stall.due < until && stall.ran > from;
    // When a stall begins and ends, and which one that is.
    let mut turns: Vec<(u64, bool, usize)> = Vec::new();
    for (number, stall) in stalls.iter().enumerate().filter(|(_, stall)| within(stall)) {
        turns.push((stall.due.max(from), true, number));
        turns.push((stall.ran.min(until), false, number));
    }
    turns.sort_unstable();
    let mut stand: BTreeMap<usize, &Stall> = BTreeMap::new();
    let (mut all, mut taken, mut last) = (0, 0, from);
    for (at, begins, number) in turns {
        let (lost, of_host) = lost(stand.values().copied(), at - last);
        (all, taken, last) = (all + lost, taken + of_host, at);
        match stalls.get(number).filter(|_| begins) {
            Some(stall) => stand.insert(number, stall),
            None => stand.remove(&number),
        };
    }
    (all > 0).then_some(Halt { all: Duration::from_nanos(all), taken: Duration::from_nanos(taken) })
}

/// How much of a span is lost while these stand still, and how much of that its host took.
fn lost<'s>(stand: impl Iterator<Item = &'s Stall>, span: u64) -> (u64, u64) {
    // The same processor may be seen by several, or be reported again when it came back.
    let mut shares: BTreeMap<Option<u32>, (u64, u64)> = BTreeMap::new();
    for stall in stand {
        let lost = stall.of.map_or(span, |of| span.saturating_mul(CHAIN) / u64::from(of.max(1))).min(span);
        let of_host = u128::from(lost) * u128::from(stall.taken()) / u128::from(stall.late().max(1));
        let share = shares.entry(stall.processor).or_default();
        *share = (*share).max((lost, u64::try_from(of_host).unwrap_or(lost)));
    }
    // Of two that stand still at once no more is lost than all.
    shares.values().fold((0, 0), |(all, taken), (lost, of_host)| {
        let lost = (*lost).min(span - all);
        (all + lost, taken + (*of_host).min(lost))
    })
}

/// A processor that stood still, as the harness or a node saw it; nanoseconds.
pub(super) struct Stall {
    due: u64,
    ran: u64,
    waited: u64,
    processor: Option<u32>,
    of: Option<u32>,
}

impl Stall {
    pub(super) fn of(event: &Event) -> Option<Self> {
        let Seen::Stalled { late, waited, processor, of } = event.saw else { return None };
        Some(Self { due: event.at.saturating_sub(late), ran: event.at, waited, processor, of })
    }

    fn late(&self) -> u64 {
        self.ran.saturating_sub(self.due)
    }

    fn taken(&self) -> u64 {
        self.late().saturating_sub(self.waited)
    }
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
    use crate::check::Facts;
    use crate::check::nanos;
    use crate::check::story::{FAULT, MS, Story, expectation};
    use crate::spec::Span;

    fn stall(story: &mut Story, due: u64, ran: u64, waited: u64) {
        let saw = Seen::Stalled { late: ran - due, waited, processor: None, of: None };
        story.events.push(Event { at: ran, since: None, node: None, saw });
        story.events.sort_by_key(|event| event.at);
    }

    fn halted(stalls: &[(u64, u64, u64)], from: u64, until: u64) -> Option<(u128, u128)> {
        let event = |&(due, ran, waited): &(u64, u64, u64)| {
            let saw = Seen::Stalled { late: (ran - due) * MS, waited: waited * MS, processor: None, of: None };
            Event { at: ran * MS, since: None, node: None, saw }
        };
        let stalls: Vec<Stall> = stalls.iter().map(event).filter_map(|event| Stall::of(&event)).collect();
        halt(&stalls, from * MS, until * MS).map(|halt| (halt.all.as_millis(), halt.taken.as_millis()))
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
        crate::check::judge(&Facts::of(&story.plan, &known), &expectation, FAULT, until)
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

    /// Stalls of (due, ran, processor), in milliseconds, of so many processors; as the harness saw them, or a node.
    fn of_many(stalls: &[(u64, u64, u32)], of: u32, node: Option<&str>, until: u64) -> u128 {
        let event = |&(due, ran, processor): &(u64, u64, u32)| {
            let saw = Seen::Stalled { late: (ran - due) * MS, waited: 0, processor: Some(processor), of: Some(of) };
            Event { at: ran * MS, since: None, node: node.map(Into::into), saw }
        };
        let stalls: Vec<Stall> = stalls.iter().map(event).filter_map(|event| Stall::of(&event)).collect();
        halt(&stalls, 0, until * MS).map_or(0, |halt| halt.all.as_millis())
    }

    #[test]
    fn one_processor_of_many_holds_up_little() {
        for (of, lost) in [(1, 640), (2, 640), (4, 640), (8, 320), (64, 40)] {
            assert_eq!(of_many(&[(100, 740, 3)], of, None, 1000), lost, "of {of}");
        }
        let all: Vec<_> = (0..64).map(|processor| (100, 740, processor)).collect();
        assert_eq!(of_many(&all, 64, None, 1000), 640, "the host stopped them all");
        assert_eq!(of_many(&all[..8], 64, None, 1000), 320);
    }

    #[test]
    fn what_a_node_saw_counts_and_the_same_processor_counts_once() {
        assert_eq!(of_many(&[(100, 740, 3)], 2, Some("ns1"), 1000), 640);
        assert_eq!(of_many(&[(100, 740, 3), (100, 500, 3), (200, 800, 3)], 64, None, 1000), 43);
    }

    /// A processor that is late again and again, with a task that never ends.
    fn chronic(story: &mut Story, until: u64) {
        for due in (FAULT..until).step_by((110 * MS) as usize) {
            stall(story, due + 10 * MS, due + 110 * MS, 100 * MS);
        }
    }

    #[test]
    fn what_is_granted_has_a_cap_and_then_it_is_unknown() {
        let long = FAULT + 60_000 * MS;
        let mut story = Story::of_both(long);
        chronic(&mut story, long);
        let deadline = nanos(expectation(&story.plan).deadline.0);
        let cap = deadline.max(nanos(LEAST_CAP));
        assert_eq!(judged(&story, |_| {}, FAULT + deadline + cap / 2).verdict, None, "it may yet hold");
        let finding = judged(&story, |_| {}, FAULT + deadline + cap + 10_000 * MS);
        assert_eq!(finding.verdict, Some(Verdict::Unknown), "{finding:?}");
        assert!(finding.found.last().is_some_and(|told| told.contains("stood still for")), "{finding:?}");
    }

    #[test]
    fn what_no_time_mends_fails_however_long_it_stood_still() {
        let mut story = Story::of_failover();
        story.withdraw(FAULT + 5 * MS);
        chronic(&mut story, FAULT + 40_000 * MS);
        let finding = judged(
            &story,
            |expectation| {
                let words = ["fib without ns1", "withdrawn ns1"].map(|word| word.parse().unwrap());
                expectation.expect.subject = crate::spec::Subject::Ordered(words.to_vec());
            },
            FAULT + 40_000 * MS,
        );
        assert_eq!(finding.verdict, Some(Verdict::Fail), "{finding:?}");
    }
}
