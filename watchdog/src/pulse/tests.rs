use proptest::prelude::*;

use super::*;

const PACE: Pace = Pace {
    interval: Duration::from_millis(200),
    fast_interval: Duration::from_millis(50),
    timeout: Duration::from_millis(250),
    fall: 3,
    jitter: 0,
};

fn ms(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// What a server makes of the question asked at that time: the latency of its answer.
type Server<'s> = &'s mut dyn FnMut(Duration) -> Option<Duration>;

/// Runs a pulse against a server in virtual time; what it concluded, and when.
fn run(until: Duration, server: Server<'_>) -> Vec<(Duration, Due)> {
    let mut pulse = Pulse::new(PACE, 0, 7);
    let mut answers: Vec<(Duration, u16)> = Vec::new();
    let mut concluded = Vec::new();
    let mut now = Duration::ZERO;
    while now < until {
        answers.sort();
        while answers.first().is_some_and(|(at, _)| *at <= now) {
            let (_, id) = answers.remove(0);
            pulse.answered(id, now);
        }
        while let Some(due) = pulse.poll(now, true) {
            match due {
                Due::Ask(id) => answers.extend(server(now).map(|latency| (now + latency, id))),
                other => concluded.push((now, other)),
            }
        }
        answers.sort();
        let next = pulse.next(now, true);
        now = answers.first().map_or(next, |(at, _)| next.min(*at)).max(now + Duration::from_micros(1));
    }
    concluded
}

#[test]
fn a_healthy_server_is_asked_once_an_interval() {
    let mut asked = Vec::new();
    let concluded = run(ms(2000), &mut |now| {
        asked.push(now.as_millis());
        Some(ms(1))
    });
    assert_eq!(concluded, []);
    assert_eq!(asked, [0, 200, 400, 600, 800, 1000, 1200, 1400, 1600, 1800]);
}

#[test]
fn jitter_asks_earlier_and_never_later() {
    let mut pulse = Pulse::new(Pace { jitter: 10, ..PACE }, 0, 7);
    let mut now = Duration::ZERO;
    let mut gaps = Vec::new();
    for _ in 0..50 {
        let Some(Due::Ask(id)) = pulse.poll(now, true) else { panic!("it is due") };
        pulse.answered(id, now);
        let next = pulse.next(now, true);
        gaps.push(next - now);
        now = next;
    }
    assert!(gaps.iter().all(|gap| *gap >= ms(180) && *gap <= ms(200)), "{gaps:?}");
    assert!(*gaps.iter().max().unwrap() - *gaps.iter().min().unwrap() > ms(10));
}

#[test]
fn who_has_the_same_rhythm_asks_at_the_same_moments() {
    let pace = Pace { jitter: 10, ..PACE };
    let mut pulses = [Pulse::new(pace, 3, 7), Pulse::new(pace, 3, 70)];
    let asked = pulses.each_mut().map(|pulse| {
        let mut asked = Vec::new();
        // Each wakes up as late as it happens to.
        for late in [0, 1, 0, 2, 9, 0, 5, 1] {
            let next = pulse.next(ms(0), true);
            asked.push(next);
            let now = next + ms(late * u64::from(pulse.next_id % 3));
            let Some(Due::Ask(id)) = pulse.poll(now, true) else { panic!("it is due") };
            pulse.answered(id, now);
        }
        asked
    });
    assert_eq!(asked[0], asked[1]);
}

#[test]
fn silence_is_known_within_an_interval_and_the_timeout() {
    for hang in 1000..1200 {
        let concluded = run(ms(2000), &mut |now| (now < ms(hang)).then_some(ms(1)));
        let (at, due) = concluded[0];
        assert!(matches!(due, Due::Silent(_)), "{due:?}");
        assert!(at - ms(hang) <= ms(450), "hangs at {hang}, known at {at:?}");
    }
}

#[test]
fn the_end_of_a_silence_makes_nobody_patient() {
    for resumes in (2000..2400).step_by(7) {
        let concluded = run(ms(6000), &mut |now| match now {
            now if now < ms(1000) => Some(ms(1)),
            // All that was asked while it was stopped is answered when it goes on.
            now if now < ms(resumes) => Some(ms(resumes) - now),
            now if now < ms(5000) => Some(ms(1)),
            _ => None,
        });
        let again = concluded.iter().find(|(at, due)| *at > ms(5000) && matches!(due, Due::Silent(_)));
        assert!(again.is_some_and(|(at, _)| *at <= ms(5450)), "{concluded:?}");
    }
}

#[test]
fn a_lost_answer_is_no_silence() {
    let mut count = 0;
    let concluded = run(ms(3000), &mut |_| {
        count += 1;
        (count != 5).then_some(ms(1))
    });
    assert!(matches!(concluded[..], [(_, Due::Lost(_))]), "{concluded:?}");
}

#[test]
fn patience_follows_the_server() {
    // 150 ms for a while, then 400 ms: late, and not silent.
    let concluded = run(ms(20_000), &mut |now| Some(if now < ms(5000) { ms(150) } else { ms(400) }));
    assert_eq!(concluded, []);
    // From nothing to 400 ms: who has never been so slow is as good as silent.
    let concluded = run(ms(20_000), &mut |now| Some(if now < ms(5000) { ms(1) } else { ms(400) }));
    assert!(concluded.iter().any(|(_, due)| matches!(due, Due::Silent(_))));
}

#[test]
fn who_was_not_awake_does_not_conclude() {
    let mut pulse = Pulse::new(PACE, 0, 0);
    assert_eq!(pulse.poll(ms(0), true), Some(Due::Ask(0)));
    assert_eq!(pulse.poll(ms(0), true), None);
    // It wakes up two seconds late, asks, and gives the server its time.
    assert_eq!(pulse.poll(ms(2000), true), Some(Due::Ask(1)));
    assert_eq!(pulse.poll(ms(2000), true), None);
    assert!(pulse.answered(0, ms(2001)).is_some());
}

proptest! {
    /// Whatever single answers are lost: as long as every third comes, within the usual time, nobody says silence.
    #[test]
    fn no_silence_while_every_third_question_is_answered(pattern in prop::collection::vec(0..3_usize, 1..40)) {
        let mut count = 0_usize;
        let concluded = run(ms(10_000), &mut |_| {
            let answers = pattern[(count / 3) % pattern.len()] == count % 3;
            count += 1;
            answers.then_some(ms(1))
        });
        for (at, due) in concluded {
            prop_assert!(matches!(due, Due::Lost(_)), "{:?} {:?}", at, due);
        }
    }

    /// Every question ends in an answer, a loss or silence: nothing is waited for without end.
    #[test]
    fn nothing_is_open_for_longer_than_the_longest_patience(latencies in prop::collection::vec(0..4000_u64, 1..200)) {
        let mut pulse = Pulse::new(PACE, 0, 0);
        let mut now = Duration::ZERO;
        let mut count = 0;
        for latency in latencies {
            now = pulse.next(now, true).max(now);
            while let Some(due) = pulse.poll(now, true) {
                if let Due::Ask(id) = due && latency < 300 {
                    pulse.answered(id, now + ms(latency));
                }
                count += 1;
                prop_assert!(count < 10_000);
            }
            let oldest = pulse.open.front().map(|asked| asked.at);
            prop_assert!(oldest.is_none_or(|at| now.saturating_sub(at) <= PACE.timeout * 8 + PACE.interval));
        }
    }
}
