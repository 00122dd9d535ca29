//! Whatever comes, nothing panics, and nothing passes that should not.

use proptest::prelude::*;

use super::*;

fn questions() -> Vec<Question> {
    let signed = Expectation { rrsig: Some(Duration::from_secs(DAY)), aa: true, ..Expectation::default() };
    let data = Expectation { answer: Some("192.0.2.1".to_owned()), ..Expectation::default() };
    let nodata = Expectation { nodata: true, ..Expectation::default() };
    vec![
        question(RecordType::SOA, Expectation::default()),
        question(RecordType::SOA, signed),
        question(RecordType::A, data),
        question(RecordType::A, nodata),
        question(RecordType::ANY, Expectation::default()),
    ]
}

/// A good answer to the second of them.
fn good() -> (Question, Vec<u8>) {
    let asked = questions().swap_remove(1);
    let mut message = answer(&asked, [soa(7), rrsig(RecordType::SOA, -1, 8)]);
    message.metadata.authoritative = true;
    let bytes = message.to_vec().unwrap();
    assert!(matches!(asked.judge(ID, &bytes, NOW), Some(Ok(_))));
    (asked, bytes)
}

proptest! {
    #[test]
    fn any_bytes(id: u16, now: u64, bytes: Vec<u8>) {
        for question in questions() {
            prop_assert_eq!(question.judge(id, &bytes, now), None);
        }
    }

    /// The header and the question are right, so all else is looked at.
    #[test]
    fn any_bytes_after_the_question(id: u16, now: u64, counts: [u8; 6], flags: [u8; 2], rest: Vec<u8>) {
        for question in questions() {
            let mut bytes = question.to_bytes(id);
            bytes.truncate(question.asked.end);
            bytes[2] = flags[0] | 0x80;
            bytes[3] = flags[1];
            bytes[6..12].copy_from_slice(&counts);
            bytes.extend(&rest);
            if let Some(verdict) = question.judge(id, &bytes, now) {
                let words = verdict.map_or_else(|bad| bad.to_string(), |good| good.to_string());
                prop_assert!(!words.is_empty());
            }
        }
    }

    /// Nor does a good answer pass with any of its first bytes missing at the end.
    #[test]
    fn a_good_answer_cut_short(keep in 0_usize..200) {
        let (asked, bytes) = good();
        if let Some(cut) = bytes.get(..keep).filter(|cut| cut.len() < bytes.len()) {
            prop_assert!(!matches!(asked.judge(ID, cut, NOW), Some(Ok(_))));
        }
    }

    #[test]
    fn a_good_answer_with_a_changed_byte(at: prop::sample::Index, byte: u8, now: u64) {
        let (asked, mut bytes) = good();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let verdict = asked.judge(ID, &bytes, now);
        if at < 2 && bytes[..2] != ID.to_be_bytes() {
            prop_assert_eq!(verdict, None);
        }
    }

    #[test]
    fn an_answer_to_another_id_or_type(id: u16, kind: u16) {
        let (asked, mut bytes) = good();
        prop_assume!(id != ID && kind != u16::from(RecordType::SOA));
        prop_assert_eq!(asked.judge(id, &bytes, NOW), None);
        let at = asked.asked.end - 4;
        bytes[at..at + 2].copy_from_slice(&kind.to_be_bytes());
        prop_assert_eq!(asked.judge(ID, &bytes, NOW), None);
    }

    #[test]
    fn an_answer_to_another_name(other in "[a-z]{1,12}(\\.[a-z]{1,12}){0,3}") {
        let (asked, bytes) = good();
        let other = name(&other);
        prop_assume!(!other.eq_ignore_root(&asked.name));
        let mut message = Message::from_vec(&bytes).unwrap();
        message.queries[0].name = other;
        prop_assert_eq!(judge(&asked, &message), None);
    }
}
