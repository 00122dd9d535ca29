//! As it should be: zones, both transports and families, who answered.

use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query, ResponseCode};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};
use rstest::rstest;

use crate::ask::{self, Tcp, nsid, query, serial, tcp, udp};
use crate::program::Program;

/// Answers and authority records, RCODE, AA.
fn shape(answer: &Message) -> (usize, usize, ResponseCode, bool) {
    let header = answer.metadata;
    (answer.answers.len(), answer.authorities.len(), header.response_code, header.authoritative)
}

#[rstest]
#[case("example.test.", RecordType::SOA, (1, 1, ResponseCode::NoError, true))]
#[case("www.example.test.", RecordType::A, (1, 0, ResponseCode::NoError, true))]
#[case("WWW.Example.Test.", RecordType::AAAA, (1, 0, ResponseCode::NoError, true))]
#[case("alias.example.test.", RecordType::A, (2, 0, ResponseCode::NoError, true))]
#[case("x.any.example.test.", RecordType::A, (1, 0, ResponseCode::NoError, true))]
#[case("www.example.test.", RecordType::MX, (0, 1, ResponseCode::NoError, true))]
#[case("no.example.test.", RecordType::A, (0, 1, ResponseCode::NXDomain, true))]
#[case("other.test.", RecordType::A, (0, 0, ResponseCode::Refused, false))]
fn over_both_transports(
    #[case] name: &str,
    #[case] kind: RecordType,
    #[case] expected: (usize, usize, ResponseCode, bool),
) {
    let program = Program::start();
    let query = query(name, kind);
    for answer in [udp(program.at[0], &query), tcp(program.at[0], &query)] {
        assert_eq!(shape(&answer), expected, "{answer:?}");
        assert_eq!(nsid(&answer).as_deref(), Some("ns1"));
    }
}

#[test]
fn each_address_answers_from_itself() {
    let program = Program::with("listen = [\"127.0.0.1:0\", \"127.0.0.53:0\", \"[::1]:0\"]");
    assert_eq!(program.at.len(), 3);
    for at in &program.at {
        assert_eq!(serial(&udp(*at, &query("example.test.", RecordType::SOA))), Some(41), "{at}");
        assert_eq!(serial(&tcp(*at, &query("example.test.", RecordType::SOA))), Some(41), "{at}");
    }
}

#[rstest]
#[case("id.server.", DNSClass::CH, Some("ns1"))]
#[case("HOSTNAME.bind.", DNSClass::CH, Some("ns1"))]
#[case("version.bind.", DNSClass::CH, Some(concat!("anycast-hickory ", env!("CARGO_PKG_VERSION"))))]
#[case("nothing.server.", DNSClass::CH, None)]
#[case("id.server.", DNSClass::HS, None)]
fn it_says_who_it_is(#[case] name: &str, #[case] class: DNSClass, #[case] expected: Option<&str>) {
    let program = Program::start();
    let mut message = Message::query();
    let mut question = Query::query(Name::from_ascii(name).unwrap(), RecordType::TXT);
    question.set_query_class(class);
    message.add_query(question);
    for answer in [udp(program.at[0], &message), tcp(program.at[0], &message)] {
        let text = answer.answers.first().map(|record| match &record.data {
            RData::TXT(text) => text.to_string(),
            other => panic!("{other:?}"),
        });
        assert_eq!(text.as_deref(), expected);
        let refused = answer.metadata.response_code == ResponseCode::Refused;
        assert_eq!(refused, expected.is_none());
        assert!(answer.edns.is_none(), "nobody asked with EDNS");
    }
}

#[test]
fn nsid_is_told_only_when_asked_for() {
    let program = Program::start();
    let mut query = query("example.test.", RecordType::SOA);
    query.edns = Some(Edns::new());
    let answer = udp(program.at[0], &query);
    assert!(answer.edns.is_some() && nsid(&answer).is_none());
    query.edns.as_mut().unwrap().set_version(1);
    // BADVERS, which hickory reads as BADSIG: they have the same number.
    assert_eq!(u16::from(udp(program.at[0], &query).metadata.response_code), u16::from(ResponseCode::BADVERS));
}

#[test]
fn what_no_datagram_holds_is_asked_again_over_tcp() {
    let program = Program::start();
    let query = query("big.example.test.", RecordType::TXT);
    let short = udp(program.at[0], &query);
    assert!(short.metadata.truncation && short.answers.len() < 40);
    assert_eq!(tcp(program.at[0], &query).answers.len(), 40);
}

#[test]
fn an_idle_connection_stays_open_until_its_limit() {
    // By default 30 s, as in BIND; half a second is enough to see that it is the configured limit.
    let program = Program::with("listen = [\"127.0.0.1:0\"]\ntcp-idle = \"500ms\"");
    let mut idle = Tcp::connect(program.at[0]);
    assert!(!idle.is_closed_within(Duration::from_millis(300)));
    assert!(idle.is_closed_within(ask::PATIENCE));
    let program = Program::with("listen = [\"127.0.0.1:0\"]\ntcp-idle = \"0s\"");
    assert!(!Tcp::connect(program.at[0]).is_closed_within(Duration::from_millis(900)));
}
