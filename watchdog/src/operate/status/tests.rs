use super::*;

/// 2026-11-21T10:00:00Z.
pub(in crate::operate) const NOW: u64 = 1_795_255_200;

/// Two services: one all is well with, and one with everything that can be amiss.
pub(in crate::operate) fn example() -> Status {
    let well = CheckStatus {
        name: "dns 192.0.2.53 example.test SOA udp".to_owned(),
        scope: Scope::Local,
        healthy: true,
        last_failure: None,
        latency: Some(Latency { p50: 0.081, p99: 0.4 }),
        passed: 36_000,
        failed: BTreeMap::new(),
    };
    let failing = CheckStatus {
        name: "tcp 192.0.2.54:53".to_owned(),
        scope: Scope::Shared,
        healthy: false,
        last_failure: Some(LastFailure { at: NOW - 7, reason: "TCP connect: refused".to_owned() }),
        latency: None,
        passed: 0,
        failed: BTreeMap::from([("refused".to_owned(), 12), ("silent".to_owned(), 1)]),
    };
    let up = ServiceStatus {
        name: "anycastdns".to_owned(),
        state: State::Up,
        why: "192.0.2.53 answers (SOA example.test, serial 1)".to_owned(),
        since: NOW - 7200,
        confirmed: Confirmed { is: Answer::Yes, detail: "2 protocols up".to_owned() },
        operator: Operator::None,
        checks: vec![well],
        decisions: Decisions { announce: 1, drain: 0, withdraw: 1 },
        flaps: 0,
        hold_down: None,
        missing: Vec::new(),
    };
    let held = ServiceStatus {
        name: "second \"dns\"".to_owned(),
        state: State::HeldDown,
        why: "TCP connect: refused".to_owned(),
        since: NOW - 65,
        confirmed: Confirmed { is: Answer::No, detail: "192.0.2.54/32 still present".to_owned() },
        operator: Operator::Maintenance,
        checks: vec![failing],
        decisions: Decisions { announce: 3, drain: 1, withdraw: 4 },
        flaps: 3,
        hold_down: Some(1.5),
        missing: vec!["192.0.2.54".parse().unwrap()],
    };
    Status { version: "0.1.0".to_owned(), since: NOW - 7205, services: vec![up, held] }
}

#[test]
fn people_see_what_matters() {
    insta::assert_snapshot!(example().for_people(NOW));
}

#[test]
fn json_is_read_as_it_was_written() {
    let text = serde_json::to_string_pretty(&example()).unwrap();
    assert_eq!(serde_json::from_str::<Status>(&text).unwrap(), example());
    insta::assert_snapshot!(text);
}

#[test]
fn one_line_for_the_service_manager() {
    assert_eq!(example().in_short(), "anycastdns up, second \"dns\" held-down");
}

#[test]
fn what_the_daemon_still_announces_is_not_withdrawn() {
    let mut service = example().services.remove(1);
    assert!(!service.is_withdrawn());
    service.confirmed.is = Answer::Unknown;
    assert!(service.is_withdrawn());
    service.state = State::Drained;
    assert!(!service.is_withdrawn());
}

/// Whoever's clock stands before the watchdog's is not told nonsense.
#[test]
fn a_clock_that_is_behind_shows_no_age() {
    assert!(example().for_people(0).contains(", 0 s ago"));
}
