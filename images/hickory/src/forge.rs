//! An answer, changed as decided; pure. Its EDNS options stay: NSID still says who answered.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::{RData, Record};

use crate::behaviour::{Decision, Effect, Serial};

/// Changes the answer; `soa` is the record of the zone that was asked about, for answers that say no.
pub(crate) fn forge(answer: &mut Message, decision: &Decision, soa: Option<&Record>) {
    match decision.instead {
        Some(Effect::ServFail) => instead(answer, ResponseCode::ServFail, None),
        Some(Effect::Refuse) => instead(answer, ResponseCode::Refused, None),
        Some(Effect::NoData) => instead(answer, ResponseCode::NoError, soa),
        Some(Effect::NxDomain) => instead(answer, ResponseCode::NXDomain, soa),
        _ => {}
    }
    if let Some(serial) = decision.serial {
        for record in answer.answers.iter_mut().chain(&mut answer.authorities) {
            if let RData::SOA(soa) = &mut record.data {
                soa.serial = match serial {
                    Serial::Fixed(serial) => serial,
                    // Serials wrap (RFC 1982).
                    Serial::Jump(more) => soa.serial.wrapping_add(more),
                };
            }
        }
    }
    if decision.truncated {
        clear(answer);
        answer.metadata.truncation = true;
    }
    if decision.no_aa {
        answer.metadata.authoritative = false;
    }
}

fn instead(answer: &mut Message, code: ResponseCode, soa: Option<&Record>) {
    clear(answer);
    answer.metadata.response_code = code;
    answer.metadata.authoritative = soa.is_some();
    answer.authorities.extend(soa.map(negative));
}

fn clear(answer: &mut Message) {
    answer.answers.clear();
    answer.authorities.clear();
    answer.additionals.clear();
}

/// The SOA record as it is in an answer that says no: its time to live is that of the no (RFC 2308, section 3).
fn negative(soa: &Record) -> Record {
    let mut record = soa.clone();
    if let RData::SOA(data) = &soa.data {
        record.ttl = record.ttl.min(data.minimum);
    }
    record
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Edns, MessageType, OpCode};
    use hickory_proto::rr::Name;
    use hickory_proto::rr::rdata::{A, SOA};

    use super::*;

    fn soa() -> Record {
        let name = Name::from_ascii("example.test.").unwrap();
        Record::from_rdata(name.clone(), 3600, RData::SOA(SOA::new(name.clone(), name, 5, 1, 1, 1, 60)))
    }

    fn answer() -> Message {
        let mut answer = Message::new(1, MessageType::Response, OpCode::Query);
        answer.metadata.authoritative = true;
        let www = Name::from_ascii("www.example.test.").unwrap();
        answer.answers = vec![soa(), Record::from_rdata(www, 60, RData::A(A::new(192, 0, 2, 80)))];
        answer.edns = Some(Edns::new());
        answer
    }

    fn forged(decision: Decision) -> Message {
        let mut answer = answer();
        forge(&mut answer, &decision, Some(&soa()));
        assert!(answer.edns.is_some(), "NSID would be lost");
        answer
    }

    fn serial(records: &[Record]) -> Option<u32> {
        records.iter().find_map(|record| if let RData::SOA(soa) = &record.data { Some(soa.serial) } else { None })
    }

    #[test]
    fn nothing_is_changed_unless_decided() {
        assert_eq!(forged(Decision::default()), answer());
    }

    #[test]
    fn an_error_has_no_records_and_no_aa() {
        for (effect, code) in [(Effect::ServFail, ResponseCode::ServFail), (Effect::Refuse, ResponseCode::Refused)] {
            let forged = forged(Decision { instead: Some(effect), ..Decision::default() });
            assert_eq!(forged.metadata.response_code, code);
            assert!(forged.all_sections().next().is_none() && !forged.metadata.authoritative);
        }
    }

    #[test]
    fn a_no_has_the_zones_soa_with_the_serial_that_is_in_force() {
        for (effect, code) in [(Effect::NoData, ResponseCode::NoError), (Effect::NxDomain, ResponseCode::NXDomain)] {
            let serial_is = Some(Serial::Fixed(2));
            let forged = forged(Decision { instead: Some(effect), serial: serial_is, ..Decision::default() });
            assert_eq!(forged.metadata.response_code, code);
            assert!(forged.answers.is_empty() && forged.metadata.authoritative);
            assert_eq!(serial(&forged.authorities), Some(2));
            assert_eq!(forged.authorities[0].ttl, 60);
        }
    }

    #[test]
    fn serials_are_fixed_or_jump_and_wrap() {
        let of = |serial_is| serial(&forged(Decision { serial: Some(serial_is), ..Decision::default() }).answers);
        assert_eq!(of(Serial::Fixed(7)), Some(7));
        assert_eq!(of(Serial::Jump(10)), Some(15));
        assert_eq!(of(Serial::Jump(u32::MAX)), Some(4));
    }

    #[test]
    fn bits_are_set_and_cleared() {
        let truncated = forged(Decision { truncated: true, ..Decision::default() });
        assert!(truncated.metadata.truncation && truncated.answers.is_empty());
        let no_aa = forged(Decision { no_aa: true, ..Decision::default() });
        assert!(!no_aa.metadata.authoritative && no_aa.answers == answer().answers);
    }
}
