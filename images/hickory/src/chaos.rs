//! Questions about the server itself, in class CH: who it is (RFC 4892), and in which version.

use hickory_proto::op::{LowerQuery, Message, Metadata, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{DNSClass, RData, Record, RecordType};

/// The answer to a question in any class but IN; what it does not know is REFUSED.
pub(crate) fn answer(request: &Metadata, query: &LowerQuery, who: &str) -> Message {
    let mut answer = Message::query();
    answer.metadata = Metadata::response_from_request(request);
    let text = match query.name().to_string().as_str() {
        _ if query.query_class() != DNSClass::CH => None,
        "id.server." | "hostname.bind." => Some(who.to_owned()),
        "version.server." | "version.bind." => Some(format!("anycast-hickory {}", env!("CARGO_PKG_VERSION"))),
        _ => None,
    };
    let Some(text) = text else {
        answer.metadata.response_code = ResponseCode::Refused;
        return answer;
    };
    answer.metadata.authoritative = true;
    if matches!(query.query_type(), RecordType::TXT | RecordType::ANY) {
        let mut record = Record::from_rdata(query.original().name().clone(), 0, RData::TXT(TXT::new(vec![text])));
        record.dns_class = DNSClass::CH;
        answer.answers.push(record);
    }
    answer
}
