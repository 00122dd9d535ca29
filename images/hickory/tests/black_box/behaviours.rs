//! Each behaviour, seen by a client.

use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::ask::{SILENCE, Tcp, nsid, query, serial, tcp, udp, udp_within};
use crate::program::Program;

fn soa() -> Message {
    query("example.test.", RecordType::SOA)
}

fn www() -> Message {
    query("www.example.test.", RecordType::A)
}

/// Is as it should be.
fn assert_good(answer: &Message) {
    let header = answer.metadata;
    assert!(header.response_code == ResponseCode::NoError && header.authoritative && !header.truncation);
    assert!(!answer.answers.is_empty());
    assert_ne!(serial(answer).unwrap_or(41), 0);
}

#[test]
fn mute_udp_then_all_then_mended() {
    let program = Program::start();
    let at = program.at[0];
    assert_eq!(program.tell("mute udp"), "in force: mute udp\n");
    assert!(udp_within(at, &soa(), SILENCE).is_none());
    assert_good(&tcp(at, &soa()));
    // A connection from before, and one from after.
    let mut old = Tcp::connect(at);
    assert_eq!(program.tell("mute"), "in force: mute udp\nin force: mute\n");
    let mut new = Tcp::connect(at);
    let query = soa();
    for connection in [&mut old, &mut new] {
        connection.send(&query);
        assert!(connection.receive_within(&query, SILENCE).is_none());
    }
    assert_eq!(program.tell("reset"), "in force: nothing\n");
    assert_good(&udp(at, &soa()));
    // What was not answered stays so; the connection still serves.
    new.send(&query);
    assert_good(&new.receive_within(&query, crate::ask::PATIENCE).unwrap());
}

#[test]
fn mute_tcp_leaves_udp() {
    let mut program = Program::start();
    program.tell("mute tcp");
    assert_eq!(program.entry(), "anycast-hickory: told `mute tcp`");
    assert_good(&udp(program.at[0], &soa()));
    let mut connection = Tcp::connect(program.at[0]);
    connection.send(&soa());
    assert!(!connection.is_closed_within(SILENCE), "neither answered nor closed");
}

#[test]
fn a_delay_is_at_least_as_long_as_told() {
    let program = Program::start();
    for (command, least) in [("delay 150ms", 150), ("delay 100ms..200ms seed 3", 100)] {
        program.tell(command);
        for ask in [udp, tcp] {
            let asked = Instant::now();
            let answer = ask(program.at[0], &soa());
            assert_good(&answer);
            assert!(asked.elapsed() >= Duration::from_millis(least), "{:?}", asked.elapsed());
            assert_eq!(nsid(&answer).as_deref(), Some("ns1"));
        }
    }
    assert_eq!(program.tell("delay exponential 20ms seed 1"), "in force: delay exponential 20ms seed 1\n");
    let asked = Instant::now();
    for _ in 0..20 {
        udp(program.at[0], &soa());
    }
    assert!(asked.elapsed() > Duration::from_millis(100), "{:?}", asked.elapsed());
}

#[test]
fn a_late_answer_holds_up_no_other_on_the_same_connection() {
    let program = Program::start();
    program.tell("delay 300ms for www.example.test");
    let mut connection = Tcp::connect(program.at[0]);
    let (late, early) = (www(), soa());
    connection.send(&late);
    connection.send(&early);
    assert_good(&connection.receive_within(&early, crate::ask::PATIENCE).unwrap());
    assert_good(&connection.receive_within(&late, crate::ask::PATIENCE).unwrap());
}

#[test]
fn errors_still_say_who_made_them() {
    let program = Program::start();
    for (command, code) in [("servfail", ResponseCode::ServFail), ("refuse", ResponseCode::Refused)] {
        program.tell("reset");
        program.tell(command);
        for answer in [udp(program.at[0], &soa()), tcp(program.at[0], &soa())] {
            assert_eq!(answer.metadata.response_code, code);
            assert!(answer.answers.is_empty() && !answer.metadata.authoritative);
            assert_eq!(nsid(&answer).as_deref(), Some("ns1"));
        }
    }
}

#[test]
fn half_is_every_other_query() {
    let program = Program::start();
    program.tell("servfail 50%");
    let codes: Vec<_> = (0..8).map(|_| udp(program.at[0], &soa()).metadata.response_code).collect();
    assert_eq!(codes, [ResponseCode::NoError, ResponseCode::ServFail].repeat(4));
    program.tell("reset");
    program.tell("drop 25% udp");
    let answered: Vec<_> = (0..8).map(|_| udp_within(program.at[0], &soa(), SILENCE).is_some()).collect();
    assert_eq!(answered, [true, true, true, false].repeat(2));
}

#[test]
fn a_seed_draws_the_same_queries_again() {
    let program = Program::start();
    let series = || {
        program.tell("refuse 50% seed 7");
        (0..32).map(|_| udp(program.at[0], &soa()).metadata.response_code).collect::<Vec<_>>()
    };
    let first = series();
    assert_eq!(first, series());
    assert!(first.contains(&ResponseCode::NoError) && first.contains(&ResponseCode::Refused));
    assert_ne!(first, [ResponseCode::NoError, ResponseCode::Refused].repeat(16));
}

#[test]
fn nodata_and_nxdomain_for_one_name() {
    let program = Program::start();
    for (command, code) in [("nodata", ResponseCode::NoError), ("nxdomain", ResponseCode::NXDomain)] {
        program.tell("reset");
        program.tell(&format!("{command} for www.example.test"));
        let answer = udp(program.at[0], &www());
        assert_eq!(answer.metadata.response_code, code);
        assert!(answer.answers.is_empty() && answer.metadata.authoritative);
        assert_eq!(serial(&answer), Some(41), "negative answers carry the zone's SOA");
        assert_eq!(nsid(&answer).as_deref(), Some("ns1"));
        assert_good(&udp(program.at[0], &soa()));
    }
}

#[test]
fn serials_are_stale_or_jump() {
    let program = Program::start();
    let at = program.at[0];
    program.tell("serial 7");
    assert_eq!([serial(&udp(at, &soa())), serial(&tcp(at, &soa()))], [Some(7), Some(7)]);
    assert_eq!(serial(&udp(at, &query("no.example.test.", RecordType::A))), Some(7));
    program.tell("serial +1000");
    let serials = [serial(&udp(at, &soa())), serial(&udp(at, &soa())), serial(&tcp(at, &soa()))];
    assert_eq!(serials, [Some(1041), Some(2041), Some(3041)]);
    program.tell("reset serial 0");
    assert_eq!(serial(&udp(at, &soa())), Some(41));
}

#[test]
fn truncate_empties_datagrams() {
    let program = Program::start();
    program.tell("truncate");
    let answer = udp(program.at[0], &soa());
    assert!(answer.metadata.truncation && answer.answers.is_empty());
    assert_eq!(nsid(&answer).as_deref(), Some("ns1"));
    assert_good(&tcp(program.at[0], &soa()));
}

#[test]
fn no_aa_is_all_that_lacks() {
    let program = Program::start();
    program.tell("no-aa");
    for answer in [udp(program.at[0], &soa()), tcp(program.at[0], &soa())] {
        assert!(!answer.metadata.authoritative);
        assert_eq!(serial(&answer), Some(41));
    }
}

#[test]
fn several_are_in_force_together() {
    let program = Program::start();
    program.tell("delay 100ms");
    program.tell("serial 9");
    assert_eq!(program.tell("no-aa udp"), "in force: delay 100ms\nin force: serial 9\nin force: no-aa udp\n");
    let asked = Instant::now();
    let answer = udp(program.at[0], &soa());
    assert!(asked.elapsed() >= Duration::from_millis(100));
    assert!(serial(&answer) == Some(9) && !answer.metadata.authoritative);
    assert_eq!(program.tell("reset no-aa udp"), "in force: delay 100ms\nin force: serial 9\n");
    assert_eq!(program.tell("show"), "in force: delay 100ms\nin force: serial 9\n");
}
