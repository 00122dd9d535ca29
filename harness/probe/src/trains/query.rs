//! The query, encoded once, and what is read from an answer.

use std::hash::{BuildHasher as _, Hasher as _, RandomState};

use hickory_proto::op::{Edns, Message, MessageType, OpCode};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption, NSIDPayload};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};

/// The size of answer that fits into every path of a lab (the DNS flag day of 2020).
const PAYLOAD: u16 = 1232;

/// An encoded query.
pub(crate) struct Query(Vec<u8>);

impl Query {
    /// SOA of `qname`, class IN, without recursion, with an empty NSID option (RFC 5001, section 2.1).
    pub(crate) fn new(qname: &str) -> anyhow::Result<Self> {
        let mut name = Name::from_ascii(qname)?;
        name.set_fqdn(true);
        let mut edns = Edns::new();
        edns.set_max_payload(PAYLOAD).options_mut().insert(EdnsOption::NSID(NSIDPayload::new([])?));
        let mut message = Message::new(0, MessageType::Query, OpCode::Query);
        message.add_query(hickory_proto::op::Query::query(name, RecordType::SOA));
        message.set_edns(edns);
        Ok(Self(message.to_vec()?))
    }

    /// TXT of `name` in class CH, which asks a server who it is (RFC 4892).
    pub(crate) fn identity(name: &str) -> anyhow::Result<Self> {
        let mut query = hickory_proto::op::Query::query(Name::from_ascii(name)?, RecordType::TXT);
        query.set_query_class(DNSClass::CH);
        let mut message = Message::new(0, MessageType::Query, OpCode::Query);
        message.add_query(query);
        Ok(Self(message.to_vec()?))
    }

    /// The query under a random number.
    pub(crate) fn numbered(&self) -> (u16, Vec<u8>) {
        // The standard library's only source of random numbers: the keys of its hash maps.
        let id = RandomState::new().build_hasher().finish() as u16;
        let mut octets = self.0.clone();
        octets[..2].copy_from_slice(&id.to_be_bytes());
        (id, octets)
    }
}

/// What is told of an answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) instance: String,
    pub(crate) rcode: u16,
    pub(crate) answers: u16,
    /// The text of the first TXT record.
    pub(crate) text: Option<String>,
}

impl Answer {
    /// Reads an answer; none if it is not one to this query.
    pub(crate) fn read(octets: &[u8], id: u16) -> Option<Self> {
        let message = Message::from_vec(octets).ok()?;
        if message.metadata.id != id || message.metadata.message_type != MessageType::Response {
            return None;
        }
        let nsid = message.edns.as_ref().and_then(|edns| edns.option(EdnsCode::NSID));
        let instance = match nsid {
            Some(EdnsOption::NSID(payload)) => String::from_utf8_lossy(payload.as_ref()).into_owned(),
            _ => String::new(),
        };
        // The high bits, which are in the OPT record (RFC 6891, section 6.1.3), are part of it already.
        let rcode = message.metadata.response_code.into();
        let text = message.answers.iter().find_map(|record| match &record.data {
            RData::TXT(text) => Some(text.txt_data.iter().map(|part| String::from_utf8_lossy(part)).collect()),
            _ => None,
        });
        Some(Self { instance, rcode, answers: message.answers.len() as u16, text })
    }
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::ResponseCode;
    use hickory_proto::rr::Record;
    use hickory_proto::rr::rdata::{SOA, TXT};

    use super::*;

    fn response(id: u16, code: ResponseCode, nsid: Option<&[u8]>) -> Message {
        let mut message = Message::response(id, OpCode::Query);
        message.metadata.response_code = code;
        if let Some(nsid) = nsid {
            let mut edns = Edns::new();
            edns.set_rcode_high((u16::from(code) >> 4) as u8);
            edns.options_mut().insert(EdnsOption::NSID(NSIDPayload::new(nsid).unwrap()));
            message.set_edns(edns);
        }
        message
    }

    #[test]
    fn the_query_on_the_wire() {
        let (id, octets) = Query::new("example.org").unwrap().numbered();
        assert_eq!(octets[..2], id.to_be_bytes());
        let rest = b"\0\0\0\x01\0\0\0\0\0\x01\x07example\x03org\0\0\x06\0\x01\0\0\x29\x04\xd0\0\0\0\0\0\x04\0\x03\0\0";
        assert_eq!(octets[2..], rest[..]);
    }

    #[test]
    fn numbers_differ() {
        let query = Query::new("example.").unwrap();
        let numbers: std::collections::HashSet<u16> = (0..100).map(|_| query.numbered().0).collect();
        assert!(numbers.len() > 90, "{}", numbers.len());
    }

    #[test]
    fn an_answer_says_who_gave_it() {
        let mut message = response(7, ResponseCode::NoError, Some(b"ns1\xff"));
        let name = Name::from_ascii("example.").unwrap();
        let soa = SOA::new(name.clone(), name.clone(), 1, 2, 3, 4, 5);
        message.add_answer(Record::from_rdata(name, 60, RData::SOA(soa)));
        let answer = Answer::read(&message.to_vec().unwrap(), 7).unwrap();
        assert_eq!(answer, Answer { instance: "ns1\u{fffd}".into(), rcode: 0, answers: 1, text: None });
    }

    #[test]
    fn a_server_says_who_it_is_in_a_text_of_class_ch() {
        let (_, octets) = Query::identity("id.server.").unwrap().numbered();
        assert_eq!(octets[2..], b"\0\0\0\x01\0\0\0\0\0\0\x02id\x06server\0\0\x10\0\x03"[..]);
        let mut message = response(7, ResponseCode::NoError, None);
        let mut record =
            Record::from_rdata(Name::from_ascii("id.server.").unwrap(), 0, RData::TXT(TXT::new(vec!["ns1".into()])));
        record.dns_class = DNSClass::CH;
        message.add_answer(record);
        let answer = Answer::read(&message.to_vec().unwrap(), 7).unwrap();
        assert_eq!(answer.text.as_deref(), Some("ns1"));
    }

    #[test]
    fn high_bits_of_the_rcode_and_a_missing_nsid() {
        let read = |message: Message| Answer::read(&message.to_vec().unwrap(), 7).unwrap();
        assert_eq!(read(response(7, ResponseCode::BADVERS, Some(b""))).rcode, 16);
        let refused = read(response(7, ResponseCode::Refused, None));
        assert_eq!(refused, Answer { instance: String::new(), rcode: 5, answers: 0, text: None });
    }

    #[test]
    fn what_answers_another_query_is_not_read() {
        let message = response(8, ResponseCode::NoError, None).to_vec().unwrap();
        assert_eq!(Answer::read(&message, 7), None);
        assert_eq!(Answer::read(b"\0\x07", 7), None);
        let query = Query::new("example.").unwrap().0;
        assert_eq!(Answer::read(&query, 0), None);
    }

    proptest::proptest! {
        #[test]
        fn no_answer_panics(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..300)) {
            let mut octets = octets;
            if let Some(header) = octets.get_mut(..12) {
                header.copy_from_slice(&[0, 7, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 1]);
            }
            drop(Answer::read(&octets, 7));
        }
    }
}
