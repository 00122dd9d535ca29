//! Answers made by hand, good and bad.

use std::time::Duration;

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::{A, CNAME, NULL, SOA};
use hickory_proto::rr::{Name, RData, Record, RecordType};

use super::{Answer, BadAnswer, Question, Unaskable};
use crate::service::{Dns, Expectation, Freshness};

mod anything;
mod truncated;

const ID: u16 = 4711;
/// 2026-01-01.
const NOW: u64 = 1_767_225_600;
const DAY: u64 = 86_400;

fn name(text: &str) -> Name {
    Name::from_ascii(text).unwrap()
}

fn dns(kind: RecordType, expect: Expectation) -> Dns {
    let address = "192.0.2.1".parse().unwrap();
    Dns { address, port: 53, name: name("example.test"), kind, udp: true, tcp: false, source: None, expect }
}

fn question(kind: RecordType, expect: Expectation) -> Question {
    Question::new(&dns(kind, expect)).unwrap()
}

fn soa(serial: u32) -> RData {
    RData::SOA(SOA::new(name("ns.example.test."), name("hostmaster.example.test."), serial, 1, 2, 3, 4))
}

fn a(text: &str) -> RData {
    RData::A(A(text.parse().unwrap()))
}

/// With times in days from now.
fn rrsig(covered: RecordType, inception: i64, expiration: i64) -> RData {
    let time = |days: i64| u32::try_from(NOW.saturating_add_signed(days * DAY.cast_signed())).unwrap().to_be_bytes();
    let mut bytes = u16::from(covered).to_be_bytes().to_vec();
    bytes.extend([13, 2, 0, 0, 0, 60]);
    bytes.extend(time(expiration));
    bytes.extend(time(inception));
    bytes.extend(12345_u16.to_be_bytes());
    bytes.extend([0, 1, 2, 3]);
    RData::Unknown { code: RecordType::RRSIG, rdata: NULL::with(bytes) }
}

/// An answer to the question with these records at its name.
fn answer(question: &Question, records: impl IntoIterator<Item = RData>) -> Message {
    let mut message = Message::from_vec(&question.to_bytes(ID)).unwrap().into_response();
    message.edns = None;
    for data in records {
        message.add_answer(Record::from_rdata(name("example.test."), 60, data));
    }
    message
}

fn judge(question: &Question, message: &Message) -> Option<Result<Answer, BadAnswer>> {
    question.judge(ID, &message.to_vec().unwrap(), NOW)
}

fn passed(question: &Question, message: &Message) -> String {
    judge(question, message).unwrap().unwrap().to_string()
}

fn failed(question: &Question, message: &Message) -> String {
    judge(question, message).unwrap().unwrap_err().to_string()
}

#[test]
fn the_serial_is_told() {
    let soa_asked = question(RecordType::SOA, Expectation::default());
    let good = answer(&soa_asked, [soa(2_026_010_100)]);
    assert_eq!(judge(&soa_asked, &good).unwrap().unwrap().serial, Some(2_026_010_100));
    assert_eq!(passed(&soa_asked, &good), "serial 2026010100");
    let a_asked = question(RecordType::A, Expectation::default());
    assert_eq!(passed(&a_asked, &answer(&a_asked, [a("192.0.2.1"), a("192.0.2.2")])), "2 records");
}

#[test]
fn what_is_no_answer() {
    let question = question(RecordType::SOA, Expectation::default());
    assert_eq!(question.judge(ID, &question.to_bytes(ID), NOW), None, "the query itself");
    assert_eq!(question.judge(ID, b"noise", NOW), None);
    let good = answer(&question, [soa(1)]);
    assert_eq!(question.judge(ID + 1, &good.to_vec().unwrap(), NOW), None, "another id");
    let mut other = good.clone();
    other.queries[0].name = name("other.test.");
    assert_eq!(judge(&question, &other), None, "another name");
    let mut other = good.clone();
    other.queries[0].query_type = RecordType::NS;
    assert_eq!(judge(&question, &other), None, "another type");
    let mut other = good;
    other.queries.clear();
    assert_eq!(judge(&question, &other), None, "no question");
}

#[test]
fn letters_of_either_case_are_the_same_and_only_in_names() {
    let mut dns = dns(RecordType::HTTPS, Expectation { nodata: true, ..Expectation::default() });
    dns.name = name("EXAMPLE.test");
    let question = Question::new(&dns).unwrap();
    let mut message = answer(&question, []);
    message.queries[0].name = name("example.TEST.");
    assert!(judge(&question, &message).is_some());
    // HTTPS is 65, an `A`.
    message.queries[0].query_type = RecordType::from(97);
    assert_eq!(judge(&question, &message), None);
}

#[test]
fn rcodes_read_as_in_dig() {
    let asked = question(RecordType::SOA, Expectation::default());
    for (rcode, words) in [
        (ResponseCode::ServFail, "SERVFAIL"),
        (ResponseCode::NXDomain, "NXDOMAIN"),
        (ResponseCode::Refused, "REFUSED"),
        (ResponseCode::from(0, 11), "RCODE11"),
    ] {
        let mut message = answer(&asked, []);
        message.metadata.response_code = rcode;
        assert_eq!(failed(&asked, &message), words);
        // As a server may who could not read the query.
        message.queries.clear();
        assert_eq!(failed(&asked, &message), words);
    }
}

#[test]
fn another_rcode_may_be_expected() {
    let asked = question(RecordType::A, Expectation { rcode: Some("nxdomain".to_owned()), ..Expectation::default() });
    let mut message = answer(&asked, []);
    assert_eq!(failed(&asked, &message), "NOERROR, expected NXDOMAIN");
    message.metadata.response_code = ResponseCode::NXDomain;
    assert_eq!(passed(&asked, &message), "NXDOMAIN");
}

#[test]
fn authority_is_looked_at_where_expected() {
    let asked = question(RecordType::SOA, Expectation { aa: true, ..Expectation::default() });
    let mut message = answer(&asked, [soa(1)]);
    message.metadata.authoritative = false;
    assert_eq!(failed(&asked, &message), "expected an authoritative answer, found one without AA");
    message.metadata.authoritative = true;
    assert_eq!(passed(&asked, &message), "serial 1");
}

#[test]
fn records_of_the_type_are_expected() {
    let asked = question(RecordType::SOA, Expectation::default());
    assert_eq!(failed(&asked, &answer(&asked, [])), "expected a record of the type SOA, found an empty answer section");
    let other = answer(&asked, [a("192.0.2.1")]);
    assert_eq!(failed(&asked, &other), "expected a record of the type SOA, found A example.test.");
    let mut elsewhere = answer(&asked, []);
    elsewhere.add_answers((0..5).map(|_| Record::from_rdata(name("other.test."), 60, soa(1))));
    let words = "expected a record of the type SOA, found SOA other.test., SOA other.test., SOA other.test. and 2 more";
    assert_eq!(failed(&asked, &elsewhere), words);
}

#[test]
fn a_cname_may_lead_to_the_records() {
    let asked = question(RecordType::A, Expectation::default());
    let alias = |owner: &str, target: &str| Record::from_rdata(name(owner), 60, RData::CNAME(CNAME(name(target))));
    let mut message = answer(&asked, []);
    message.add_answer(Record::from_rdata(name("c.test."), 60, a("192.0.2.1")));
    message.add_answer(alias("b.test.", "C.test."));
    message.add_answer(alias("Example.test.", "b.test."));
    assert_eq!(passed(&asked, &message), "1 record");
    message.answers.remove(0);
    assert_eq!(failed(&asked, &message), "expected a record of the type A, found CNAME b.test., CNAME Example.test.");
    message.add_answer(alias("c.test.", "b.test."));
    assert!(failed(&asked, &message).starts_with("expected a record of the type A"), "a circle ends");
}

#[test]
fn no_data_may_be_expected() {
    let asked = question(RecordType::A, Expectation { nodata: true, ..Expectation::default() });
    assert_eq!(passed(&asked, &answer(&asked, [])), "no records");
    assert_eq!(failed(&asked, &answer(&asked, [a("192.0.2.1")])), "expected no records of the type A, found 1");
}

#[test]
fn data_may_be_expected() {
    let with =
        |kind, text: &str| question(kind, Expectation { answer: Some(text.to_owned()), ..Expectation::default() });
    for text in ["192.0.2.1", " \\# 4 c000 0201"] {
        let asked = with(RecordType::A, text);
        assert_eq!(passed(&asked, &answer(&asked, [a("192.0.2.2"), a("192.0.2.1")])), "2 records");
        let other = answer(&asked, [a("192.0.2.2"), a("192.0.2.3")]);
        assert_eq!(failed(&asked, &other), "expected A 192.0.2.1, found 192.0.2.2, 192.0.2.3");
    }
    for text in ["Target.test", "target.TEST."] {
        let asked = with(RecordType::CNAME, text);
        assert_eq!(passed(&asked, &answer(&asked, [RData::CNAME(CNAME(name("target.test.")))])), "1 record");
    }
    let asked = with(RecordType::DS, "\\# 5 0102030405");
    let data = |bytes: &[u8]| RData::Unknown { code: RecordType::DS, rdata: NULL::with(bytes.to_vec()) };
    assert_eq!(passed(&asked, &answer(&asked, [data(&[1, 2, 3, 4, 5])])), "1 record");
    let other = answer(&asked, [data(&[255])]);
    assert_eq!(failed(&asked, &other), "expected DS \\# 5 0102030405, found \\# 1 ff");
    let asked = with(RecordType::TXT, "\"one two\" three");
    let txt = |parts: &[&str]| {
        RData::TXT(hickory_proto::rr::rdata::TXT::new(parts.iter().map(ToString::to_string).collect()))
    };
    assert_eq!(passed(&asked, &answer(&asked, [txt(&["one two", "three"])])), "1 record");
    assert!(failed(&asked, &answer(&asked, [txt(&["One two", "three"])])).starts_with("expected TXT"));
}

#[test]
fn signatures_may_be_expected() {
    let week = Some(Duration::from_secs(7 * DAY));
    let asked = question(RecordType::SOA, Expectation { rrsig: week, ..Expectation::default() });
    let signed = |rrsigs: &[RData]| answer(&asked, [soa(1)].into_iter().chain(rrsigs.iter().cloned()));
    let of_soa = |inception, expiration| rrsig(RecordType::SOA, inception, expiration);
    for (rrsigs, words) in [
        (vec![], "expected an RRSIG over SOA, found none"),
        (vec![rrsig(RecordType::NS, -1, 30)], "expected an RRSIG over SOA, found none"),
        (vec![of_soa(-9, -2)], "expected a valid RRSIG over SOA, found that of key 12345 expired 2 d 0 h ago"),
        (vec![of_soa(1, 30)], "expected a valid RRSIG over SOA, found that of key 12345 valid only in 1 d 0 h"),
        (
            vec![of_soa(-9, 6), of_soa(-9, 5)],
            "expected an RRSIG over SOA valid for 7 d 0 h more, found that of key 12345 to expire in 6 d 0 h",
        ),
    ] {
        assert_eq!(failed(&asked, &signed(&rrsigs)), words);
    }
    assert_eq!(passed(&asked, &signed(&[of_soa(-9, -2), of_soa(-1, 8)])), "serial 1, signed for 8 d 0 h");
    // In 2106 times begin anew (RFC 4034, section 3.1.5).
    let ahead = signed(&[of_soa(-1, 8)]).to_vec().unwrap();
    assert!(asked.judge(ID, &ahead, NOW + (1 << 32)).unwrap().is_ok());
}

#[test]
fn dnssec_is_asked_for_where_it_is_looked_at() {
    let plain = question(RecordType::SOA, Expectation::default());
    let signed = question(RecordType::SOA, Expectation { rrsig: Some(Duration::ZERO), ..Expectation::default() });
    let (plain, signed) = (plain.to_bytes(1), signed.to_bytes(0x0203));
    let read = |bytes: &[u8]| Message::from_vec(bytes).unwrap();
    assert!(read(&plain).metadata.recursion_desired);
    assert!(read(&plain).edns.is_none());
    assert!(read(&signed).edns.unwrap().flags().dnssec_ok);
    assert_eq!((&plain[..2], &signed[..2]), (&[0, 1][..], &[2, 3][..]));
}

#[test]
fn what_cannot_be_asked() {
    let none = Expectation::default();
    let freshness = Freshness { primary: ("192.0.2.9".parse().unwrap(), 53), age: Duration::ZERO };
    for (kind, expect, words) in [
        (
            RecordType::A,
            Expectation { rcode: Some("OOPS".to_owned()), ..none.clone() },
            "expected an RCODE as dig prints it, NOERROR, SERVFAIL, NXDOMAIN or REFUSED for example, found `OOPS`",
        ),
        (
            RecordType::A,
            Expectation { serial: Some(freshness), ..none.clone() },
            "only an SOA record has a serial to compare: expected a question of the type SOA, found A",
        ),
        (
            RecordType::A,
            Expectation { nodata: true, answer: Some("192.0.2.1".to_owned()), ..none.clone() },
            "nodata and answer exclude each other: expected one of them",
        ),
        (
            RecordType::A,
            Expectation { rcode: Some("refused".to_owned()), rrsig: Some(Duration::ZERO), ..none.clone() },
            "rcode = REFUSED and rrsig exclude each other: expected one of them",
        ),
    ] {
        assert_eq!(Question::new(&dns(kind, expect)).unwrap_err().to_string(), words);
    }
    for (kind, text) in [
        (RecordType::A, "2001:db8::1"),
        (RecordType::A, "\\# 3 c00002"),
        (RecordType::DS, "1 2 3 4"),
        (RecordType::A, ""),
    ] {
        let expect = Expectation { answer: Some(text.to_owned()), ..none.clone() };
        let error = Question::new(&dns(kind, expect)).unwrap_err();
        assert!(matches!(error, Unaskable::Data { .. }), "{text}: {error}");
    }
}
