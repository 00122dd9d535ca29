use proptest::prelude::*;

use super::*;
use crate::sample::Verdict;
use crate::service::{HoldDown, Window};

const H: Verdict = Verdict::Healthy;
const F: Verdict = Verdict::Failed;
const L: Verdict = Verdict::Lost;
const R: Verdict = Verdict::Refused;
const S: Verdict = Verdict::Silent;

const STEP: Duration = Duration::from_millis(50);
const DRAIN: Duration = Duration::from_secs(10);

fn judging(rise: u32, fall: u32) -> Judging {
    Judging { rise, fall, ..Judging::default() }
}

/// Without hold-down and without a window that could trip.
fn rows_only(rise: u32, fall: u32) -> Judging {
    let never = HoldDown { first: Duration::ZERO, ceiling: Duration::ZERO, ..HoldDown::default() };
    Judging { hold_down: never, window: Window { failed: 1000, of: 1000 }, ..judging(rise, fall) }
}

fn one_check(judging: Judging) -> Machine {
    Machine::start(judging, DRAIN, [Scope::Local]).0
}

fn sampled(check: usize, verdict: Verdict) -> Event {
    Event::Sampled(Sample { check, verdict, reason: "because".to_owned() })
}

/// The verbs after each sample, without the one at the start: a sample every 50 ms.
fn verbs(judging: Judging, verdicts: &[Verdict]) -> Vec<Option<Verb>> {
    let mut machine = one_check(judging);
    let mut now = Duration::ZERO;
    let mut step = |verdict: &Verdict| {
        now += STEP;
        machine.step(&sampled(0, *verdict), now).map(|decision| decision.verb)
    };
    verdicts.iter().map(&mut step).collect()
}

fn spoken(judging: Judging, verdicts: &[Verdict]) -> Vec<Verb> {
    verbs(judging, verdicts).into_iter().flatten().collect()
}

#[test]
fn it_starts_and_stops_withdrawn() {
    let (machine, first) = Machine::start(judging(1, 1), DRAIN, [Scope::Local]);
    assert_eq!(first.verb, Verb::Withdraw);
    assert!(!machine.is_settled());
    assert_eq!(machine.stop("SIGTERM received"), Decision::withdraw("SIGTERM received"));
}

#[test]
fn rise_and_fall_count_in_a_row() {
    let expected = [None, None, None, Some(Verb::Announce), None, None, None, Some(Verb::Withdraw)];
    assert_eq!(verbs(rows_only(2, 2), &[H, F, H, H, F, H, F, F]), expected);
}

#[test]
fn refused_and_silent_trip_at_once_and_never_announce() {
    for final_verdict in [R, S] {
        assert_eq!(verbs(rows_only(1, 5), &[H, final_verdict]), [Some(Verb::Announce), Some(Verb::Withdraw)]);
        assert_eq!(spoken(rows_only(1, 1), &[final_verdict, final_verdict]), []);
    }
}

#[test]
fn a_lost_answer_is_neither_a_pass_nor_a_failure_in_a_row() {
    assert_eq!(spoken(rows_only(2, 2), &[H, L, H]), [Verb::Announce]);
    assert_eq!(spoken(rows_only(1, 2), &[H, L, L, L, L]), [Verb::Announce]);
    assert_eq!(spoken(rows_only(1, 2), &[H, F, L, F]), [Verb::Announce, Verb::Withdraw]);
}

#[test]
fn every_other_answer_failing_trips_the_window_and_stays_down() {
    let alternating: Vec<_> = [H, F].into_iter().cycle().take(200).collect();
    assert_eq!(spoken(judging(1, 3), &alternating), [Verb::Announce, Verb::Withdraw]);
}

#[test]
fn what_failed_often_comes_back_after_a_clean_window() {
    let mut verdicts: Vec<_> = [H, F].into_iter().cycle().take(40).collect();
    verdicts.extend([H; 40]);
    assert_eq!(spoken(judging(1, 3), &verdicts), [Verb::Announce, Verb::Withdraw, Verb::Announce]);
}

#[test]
fn reasons_tell_how_often() {
    let mut machine = one_check(judging(1, 3));
    let said = |verdicts: &[Verdict], machine: &mut Machine| {
        let decisions = verdicts.iter().filter_map(|verdict| machine.step(&sampled(0, *verdict), Duration::ZERO));
        decisions.map(|decision| decision.reason).collect::<Vec<_>>()
    };
    assert_eq!(said(&[H], &mut machine), ["because"]);
    assert_eq!(said(&[F, F, F], &mut machine), ["because, 3 times in a row"]);
    let mut machine = one_check(judging(1, 3));
    let alternating: Vec<_> = [H, F].into_iter().cycle().take(30).collect();
    assert_eq!(said(&alternating, &mut machine), ["because", "because, 6 of the last 11 (at most 5 of 30)"]);
}

#[test]
fn all_checks_must_pass() {
    let (mut machine, _) = Machine::start(judging(1, 1), DRAIN, [Scope::Local, Scope::Local]);
    assert_eq!(machine.step(&sampled(0, H), STEP), None);
    let announced = machine.step(&sampled(1, H), STEP).unwrap();
    assert_eq!((announced.verb, announced.reason.as_str()), (Verb::Announce, "all 2 checks pass (because)"));
    assert!(machine.is_settled());
    assert_eq!(machine.step(&sampled(0, F), STEP).unwrap().verb, Verb::Withdraw);
}

#[test]
fn a_shared_failure_drains() {
    let (mut machine, _) = Machine::start(judging(1, 1), DRAIN, [Scope::Local, Scope::Shared]);
    machine.step(&sampled(0, H), STEP);
    machine.step(&sampled(1, H), STEP);
    let drained = machine.step(&sampled(1, F), STEP).unwrap();
    assert_eq!((drained.verb, drained.reason.as_str()), (Verb::Drain, "shared: because"));
    assert!(!machine.is_settled());
    // It is not withdrawn with time, and what is local still counts.
    assert_eq!(machine.step(&Event::Tick, DRAIN * 10), None);
    assert_eq!(machine.step(&sampled(1, H), DRAIN * 10).unwrap().verb, Verb::Announce);
    machine.step(&sampled(1, F), DRAIN * 10);
    assert_eq!(machine.step(&sampled(0, F), DRAIN * 10).unwrap().verb, Verb::Withdraw);
}

#[test]
fn an_operators_drain_ends_in_a_withdrawal_and_resume_takes_it_back() {
    let mut machine = one_check(judging(1, 1));
    machine.step(&sampled(0, H), STEP);
    let drained = machine.step(&Event::Drain("kernel upgrade".to_owned()), STEP).unwrap();
    assert_eq!((drained.verb, drained.reason.as_str()), (Verb::Drain, "kernel upgrade"));
    assert_eq!(machine.due(STEP), Some(STEP + DRAIN));
    // Asked for twice it does not begin anew.
    assert_eq!(machine.step(&Event::Drain("again".to_owned()), STEP * 2), None);
    assert_eq!(machine.step(&Event::Tick, DRAIN), None);
    assert_eq!(machine.step(&Event::Tick, STEP + DRAIN).unwrap().verb, Verb::Withdraw);
    assert_eq!(machine.step(&sampled(0, H), DRAIN * 2), None);
    assert_eq!(machine.step(&Event::Resume, DRAIN * 2).unwrap().verb, Verb::Announce);
}

#[test]
fn what_is_withdrawn_is_not_announced_in_order_to_be_drained() {
    let mut machine = one_check(judging(1, 1));
    assert_eq!(machine.step(&Event::Drain("kernel upgrade".to_owned()), STEP), None);
    assert_eq!(machine.step(&sampled(0, H), STEP), None);
    assert_eq!(machine.due(STEP), None);
}

#[test]
fn an_address_that_is_not_there_is_not_announced() {
    let mut machine = one_check(judging(1, 1));
    assert_eq!(machine.step(&Event::Missing(vec!["10.1.53.1".parse().unwrap()]), STEP), None);
    assert_eq!(machine.step(&sampled(0, H), STEP), None);
    assert_eq!(machine.step(&Event::Missing(vec![]), STEP).unwrap().verb, Verb::Announce);
    let gone = machine.step(&Event::Missing(vec!["10.1.53.1".parse().unwrap()]), STEP).unwrap();
    assert_eq!((gone.verb, gone.reason.as_str()), (Verb::Withdraw, "10.1.53.1 not on this machine"));
}

#[test]
fn flaps_are_held_down_for_longer_and_longer_up_to_a_ceiling() {
    let rule = HoldDown::default();
    let mut machine = one_check(judging(1, 1));
    let mut now = Duration::ZERO;
    machine.step(&sampled(0, H), now);
    for expected in [0, 1, 2, 4, 8, 16, 32, 60, 60] {
        now += STEP;
        assert_eq!(machine.step(&sampled(0, F), now).unwrap().verb, Verb::Withdraw);
        let began = now;
        while machine.step(&sampled(0, H), now).is_none() {
            now += STEP;
            assert!(now - began <= rule.ceiling, "held for ever");
        }
        assert_eq!((now - began).as_secs(), expected);
    }
}

#[test]
fn a_failure_while_held_down_begins_the_time_anew() {
    let mut machine = one_check(judging(1, 1));
    for verdict in [H, F, H, F] {
        machine.step(&sampled(0, verdict), Duration::ZERO);
    }
    let second = Duration::from_secs(1);
    assert_eq!(machine.step(&sampled(0, H), Duration::ZERO), None);
    assert_eq!(machine.due(Duration::ZERO), Some(second));
    assert_eq!(machine.step(&sampled(0, F), second / 2), None);
    assert_eq!(machine.step(&sampled(0, H), second / 2), None);
    assert_eq!(machine.step(&Event::Tick, second), None);
    assert_eq!(machine.step(&Event::Tick, second * 3 / 2).unwrap().verb, Verb::Announce);
}

#[test]
fn after_a_reload_what_is_announced_stays_until_a_check_fails() {
    let mut machine = one_check(judging(1, 1));
    machine.step(&sampled(0, H), STEP);
    machine.reload(judging(2, 2), DRAIN, [Scope::Local, Scope::Local]);
    assert_eq!(machine.step(&Event::Tick, STEP), None);
    assert_eq!(machine.step(&sampled(0, H), STEP), None);
    assert_eq!(machine.step(&sampled(1, R), STEP).unwrap().verb, Verb::Withdraw);
}

#[test]
fn what_is_not_announced_begins_anew_with_each_failure() {
    // Held down for a second, twenty samples: the failure in the midst of it counts, though one alone would not trip.
    let mut verdicts = vec![H, R, H, R];
    verdicts.extend([H; 15]);
    verdicts.push(F);
    verdicts.extend([H; 19]);
    assert_eq!(spoken(judging(1, 3), &verdicts), [Verb::Announce, Verb::Withdraw, Verb::Announce, Verb::Withdraw]);
    verdicts.extend([H; 2]);
    assert_eq!(spoken(judging(1, 3), &verdicts).last(), Some(&Verb::Announce));
}

fn verdicts() -> impl Strategy<Value = Vec<Verdict>> {
    let verdict = prop_oneof![4 => Just(H), 3 => Just(F), 1 => Just(L), 1 => Just(R), 1 => Just(S)];
    prop::collection::vec(verdict, 0..200)
}

fn is_row(verdicts: &[Verdict], count: u32, is_kind: impl Fn(Verdict) -> bool) -> bool {
    let counted = verdicts.iter().rev().filter(|verdict| **verdict != L);
    counted.take_while(|&&verdict| is_kind(verdict)).count() >= count as usize
}

proptest! {
    #[test]
    fn verbs_alternate_and_begin_with_announce(rise in 1..5_u32, fall in 1..5_u32, verdicts in verdicts()) {
        for (verb, expected) in spoken(judging(rise, fall), &verdicts).iter().zip([Verb::Announce, Verb::Withdraw].iter().cycle()) {
            prop_assert_eq!(verb, expected);
        }
    }

    /// Nothing is announced before it is proven healthy, and nothing stays that is proven not to be.
    #[test]
    fn never_announced_while_unhealthy(rise in 1..5_u32, fall in 1..5_u32, verdicts in verdicts()) {
        let mut up = false;
        for (index, verb) in verbs(judging(rise, fall), &verdicts).into_iter().enumerate() {
            let seen = &verdicts[..=index];
            if verb == Some(Verb::Announce) {
                prop_assert!(is_row(seen, rise, |verdict| verdict == H));
            }
            up = verb.map_or(up, |verb| verb == Verb::Announce);
            if is_row(seen, fall, |verdict| verdict != H) || matches!(seen.last(), Some(&(R | S))) {
                prop_assert!(!up);
            }
        }
    }

    /// In the time that counts for hold-down it withdraws as often as the doubling allows, whatever the server does.
    #[test]
    fn never_flaps_more_often_than_the_hold_down_allows(verdicts in prop::collection::vec(prop_oneof![3 => Just(H), 1 => Just(R)], 5000)) {
        let withdrawals = spoken(judging(1, 1), &verdicts).iter().filter(|verb| **verb == Verb::Withdraw).count();
        // 250 s: 0 + 1 + 2 + 4 + ... + 32 + 60 + 60 + 60
        prop_assert!(withdrawals <= 11, "{withdrawals}");
    }

    /// The same events give the same decisions: a journal can be replayed.
    #[test]
    fn it_is_deterministic(verdicts in verdicts()) {
        prop_assert_eq!(verbs(judging(2, 3), &verdicts), verbs(judging(2, 3), &verdicts));
    }
}
