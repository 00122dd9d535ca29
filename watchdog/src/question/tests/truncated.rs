//! Answers with TC.

use super::*;

fn cut(question: &Question, records: impl IntoIterator<Item = RData>) -> Message {
    let mut message = answer(question, records);
    message.metadata.truncation = true;
    message
}

#[test]
fn what_is_left_may_be_enough() {
    let asked = question(RecordType::A, Expectation::default());
    assert_eq!(passed(&asked, &cut(&asked, [a("192.0.2.1")])), "1 record");
    let nothing = "expected a whole answer, found one that is truncated (TC) to 0 records, which do not tell";
    assert_eq!(failed(&asked, &cut(&asked, [])), nothing);
}

#[test]
fn what_is_missing_may_have_been_cut_off() {
    let expected = Expectation { answer: Some("192.0.2.2".to_owned()), ..Expectation::default() };
    let asked = question(RecordType::A, expected);
    assert_eq!(judge(&asked, &cut(&asked, [a("192.0.2.1")])), Some(Err(BadAnswer::Truncated(1))));
    let asked = question(RecordType::A, Expectation { nodata: true, ..Expectation::default() });
    assert_eq!(judge(&asked, &cut(&asked, [])), Some(Err(BadAnswer::Truncated(0))));
}

#[test]
fn what_is_wrong_in_the_rest_remains_wrong() {
    let asked = question(RecordType::A, Expectation { nodata: true, ..Expectation::default() });
    assert_eq!(failed(&asked, &cut(&asked, [a("192.0.2.1")])), "expected no records of the type A, found 1");
    let mut refused = cut(&asked, []);
    refused.metadata.response_code = ResponseCode::Refused;
    assert_eq!(failed(&asked, &refused), "REFUSED");
}

#[test]
fn a_record_may_be_cut_in_two() {
    let asked = question(RecordType::A, Expectation::default());
    let mut bytes = cut(&asked, [a("192.0.2.1"), a("192.0.2.2")]).to_vec().unwrap();
    bytes.truncate(bytes.len() - 2);
    assert_eq!(asked.judge(ID, &bytes, NOW).unwrap().unwrap().records, 1);
    // Without TC that is no way to answer.
    bytes[2] &= !2;
    assert!(matches!(asked.judge(ID, &bytes, NOW), Some(Err(BadAnswer::Unreadable(_)))));
}
