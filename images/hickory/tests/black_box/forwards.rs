//! What is not in its zones is asked of another server.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::RecordType;

use crate::ask::{nsid, query, serial, tcp, udp};
use crate::program::Program;

/// A server of example.test, and one of other.test that forwards to it.
fn pair() -> (Program, Program) {
    let upstream = Program::start();
    let lines = format!("listen = [\"127.0.0.1:0\"]\nforward = \"{}\"", upstream.at[0]);
    let front = Program::serving(&lines, "other.test", "@ 60 SOA ns.other.test. h.other.test. 5 1 1 1 1\n");
    (upstream, front)
}

#[test]
fn its_own_zone_it_knows_itself_and_the_rest_it_asks_for() {
    let (upstream, front) = pair();
    for ask in [udp, tcp] {
        let own = ask(front.at[0], &query("other.test.", RecordType::SOA));
        assert!(serial(&own) == Some(5) && own.metadata.authoritative);
        let other = ask(front.at[0], &query("example.test.", RecordType::SOA));
        assert!(serial(&other) == Some(41) && !other.metadata.authoritative);
        assert_eq!(nsid(&other).as_deref(), Some("front"), "NSID is of the server that was asked");
        let no = ask(front.at[0], &query("no.example.test.", RecordType::A));
        assert_eq!(no.metadata.response_code, ResponseCode::NXDomain);
    }
    drop(upstream);
    for ask in [udp, tcp] {
        let answer: Message = ask(front.at[0], &query("example.test.", RecordType::SOA));
        assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
    }
}

#[test]
fn a_big_answer_comes_over_tcp() {
    let (_upstream, front) = pair();
    let query = query("big.example.test.", RecordType::TXT);
    assert!(udp(front.at[0], &query).metadata.truncation);
    assert_eq!(tcp(front.at[0], &query).answers.len(), 40);
}

#[test]
fn forwarded_answers_misbehave_too() {
    let (_upstream, front) = pair();
    front.tell("servfail for example.test");
    let answer = udp(front.at[0], &query("example.test.", RecordType::SOA));
    assert_eq!(answer.metadata.response_code, ResponseCode::ServFail);
    front.tell("serial 3 for example.test");
    front.tell("reset servfail for example.test");
    assert_eq!(serial(&udp(front.at[0], &query("example.test.", RecordType::SOA))), Some(3));
}

#[test]
fn what_the_other_server_says_without_records_is_passed_on() {
    let (_upstream, front) = pair();
    for ask in [udp, tcp] {
        let refused = ask(front.at[0], &query("elsewhere.test.", RecordType::A));
        assert_eq!(refused.metadata.response_code, ResponseCode::Refused);
        let empty = ask(front.at[0], &query("ns.example.test.", RecordType::AAAA));
        assert_eq!(empty.metadata.response_code, ResponseCode::NoError);
        assert!(empty.answers.is_empty());
        assert!(empty.authorities.iter().any(|record| record.record_type() == RecordType::SOA), "{empty:?}");
    }
}
