use proptest::prelude::*;

use super::*;

const H: Verdict = Verdict::Healthy;
const F: Verdict = Verdict::Failed;
const R: Verdict = Verdict::Refused;

/// The verbs after each sample, without the one at the start.
fn verbs(rise: u32, fall: u32, verdicts: &[Verdict]) -> Vec<Option<Verb>> {
    let (mut machine, _) = Machine::start(rise, fall);
    let sample = |&verdict| Sample { verdict, reason: "because".to_owned() };
    verdicts.iter().map(|verdict| machine.step(&sample(verdict)).map(|decision| decision.verb)).collect()
}

#[test]
fn it_starts_and_stops_withdrawn() {
    let (machine, first) = Machine::start(1, 1);
    assert_eq!(first.verb, Verb::Withdraw);
    assert!(!machine.is_settled());
    assert_eq!(machine.stop("SIGTERM received"), Decision::withdraw("SIGTERM received"));
}

#[test]
fn one_sample_is_enough_by_default() {
    let expected = [None, Some(Verb::Announce), None, Some(Verb::Withdraw), None, Some(Verb::Announce)];
    assert_eq!(verbs(1, 1, &[F, H, H, F, F, H]), expected);
}

#[test]
fn rise_and_fall_count_in_a_row() {
    let expected = [None, None, None, Some(Verb::Announce), None, None, None, Some(Verb::Withdraw)];
    assert_eq!(verbs(2, 2, &[H, F, H, H, F, H, F, F]), expected);
}

#[test]
fn refused_trips_at_once() {
    assert_eq!(verbs(1, 5, &[H, R]), [Some(Verb::Announce), Some(Verb::Withdraw)]);
}

#[test]
fn refused_never_announces() {
    assert_eq!(verbs(1, 1, &[R, R]), [None, None]);
}

#[test]
fn reasons_tell_how_many_rounds() {
    let (mut machine, _) = Machine::start(2, 1);
    let sample = Sample { verdict: H, reason: "10.1.53.1 answers".to_owned() };
    assert_eq!(machine.step(&sample), None);
    let reason = machine.step(&sample).map(|decision| decision.reason);
    assert_eq!(reason.as_deref(), Some("10.1.53.1 answers, 2 rounds in a row"));
}

#[test]
fn settled_only_while_up_and_undisputed() {
    let (mut machine, _) = Machine::start(1, 2);
    let mut settled_after = |verdict| {
        machine.step(&Sample { verdict, reason: String::new() });
        machine.is_settled()
    };
    assert!(settled_after(H));
    assert!(!settled_after(F));
    assert!(settled_after(H));
    assert!(!settled_after(R));
}

fn verdicts() -> impl Strategy<Value = Vec<Verdict>> {
    prop::collection::vec(prop_oneof![3 => Just(H), 3 => Just(F), 1 => Just(R)], 0..60)
}

/// Whether the last `count` of the verdicts are all of the kind.
fn ends_with(verdicts: &[Verdict], count: u32, is_kind: impl Fn(Verdict) -> bool) -> bool {
    verdicts.iter().rev().take_while(|&&verdict| is_kind(verdict)).count() >= count as usize
}

proptest! {
    #[test]
    fn verbs_alternate_and_begin_with_announce(rise in 1..5_u32, fall in 1..5_u32, verdicts in verdicts()) {
        let spoken: Vec<_> = verbs(rise, fall, &verdicts).into_iter().flatten().collect();
        for (verb, expected) in spoken.iter().zip([Verb::Announce, Verb::Withdraw].iter().cycle()) {
            prop_assert_eq!(verb, expected);
        }
    }

    #[test]
    fn announces_only_after_rise_healthy_samples(rise in 1..5_u32, fall in 1..5_u32, verdicts in verdicts()) {
        for (index, verb) in verbs(rise, fall, &verdicts).into_iter().enumerate() {
            if verb == Some(Verb::Announce) {
                prop_assert!(ends_with(&verdicts[..=index], rise, |verdict| verdict == H));
            }
        }
    }

    #[test]
    fn is_down_after_fall_failures_or_one_refusal(rise in 1..5_u32, fall in 1..5_u32, verdicts in verdicts()) {
        let mut up = false;
        for (index, verb) in verbs(rise, fall, &verdicts).into_iter().enumerate() {
            up = verb.map_or(up, |verb| verb == Verb::Announce);
            let seen = &verdicts[..=index];
            if ends_with(seen, fall, |verdict| verdict != H) || ends_with(seen, 1, |verdict| verdict == R) {
                prop_assert!(!up);
            }
            if ends_with(seen, rise, |verdict| verdict == H) {
                prop_assert!(up);
            }
        }
    }
}
