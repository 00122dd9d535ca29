//! The SOA question, and what counts as its answer. No sockets here.

use hickory_proto::ProtoError;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};

/// An SOA query with a random id (RFC 5452, section 9.2).
#[derive(Debug, Clone)]
pub struct Question {
    message: Message,
}

/// Why an answer to the question is a bad one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// The RCODE is not NOERROR (RFC 1035, section 4.1.1).
    #[error("{}", mnemonic(*.0))]
    Rcode(ResponseCode),
    /// There are no records in the answer section.
    #[error("the answer section is empty")]
    Empty,
    /// The answer section begins with a record of another type.
    #[error("expected an SOA record first in the answer section, found {0}")]
    OtherType(RecordType),
}

impl Question {
    /// Asks for the SOA record of `domain`, recursion desired: the server may be a resolver.
    #[must_use]
    pub fn new(domain: &Name) -> Self {
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Query;
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(domain.clone(), RecordType::SOA));
        Self { message }
    }

    /// As it goes into a datagram.
    ///
    /// # Errors
    /// When the message cannot be encoded: never for a name that was parsed.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ProtoError> {
        self.message.to_vec()
    }

    /// The serial in the answer, or what is wrong with it; `None` when the datagram does not answer this question.
    #[must_use]
    pub fn judge(&self, datagram: &[u8]) -> Option<Result<u32, BadAnswer>> {
        let answer = Message::from_vec(datagram).ok().filter(|message| self.is_answered_by(message))?;
        Some(match (answer.metadata.response_code, answer.answers.first().map(|record| &record.data)) {
            (ResponseCode::NoError, Some(RData::SOA(soa))) => Ok(soa.serial),
            (ResponseCode::NoError, Some(other)) => Err(BadAnswer::OtherType(other.record_type())),
            (ResponseCode::NoError, None) => Err(BadAnswer::Empty),
            (rcode, _) => Err(BadAnswer::Rcode(rcode)),
        })
    }

    fn is_answered_by(&self, message: &Message) -> bool {
        let same_question = match (self.message.queries.as_slice(), message.queries.as_slice()) {
            ([ours], [theirs]) => {
                ours.name.eq_ignore_root(&theirs.name)
                    && (ours.query_type, ours.query_class) == (theirs.query_type, theirs.query_class)
            }
            _ => false,
        };
        message.metadata.message_type == MessageType::Response
            && message.metadata.id == self.message.metadata.id
            && same_question
    }
}

/// The RCODE's name as dig prints it: SERVFAIL, REFUSED.
fn mnemonic(rcode: ResponseCode) -> String {
    format!("{rcode:?}").to_uppercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_question_itself_is_no_answer() {
        let question = Question::new(&"example.test".parse().unwrap());
        assert_eq!(question.judge(&question.to_bytes().unwrap()), None);
        assert_eq!(question.judge(b"noise"), None);
    }

    #[test]
    fn another_question_is_no_answer() {
        let question = Question::new(&"example.test".parse().unwrap());
        let mut answer = question.message.clone().into_response();
        answer.queries[0].name = "other.test".parse().unwrap();
        assert_eq!(question.judge(&answer.to_vec().unwrap()), None);
    }

    #[test]
    fn rcodes_read_as_in_dig() {
        assert_eq!(BadAnswer::Rcode(ResponseCode::ServFail).to_string(), "SERVFAIL");
        assert_eq!(BadAnswer::Rcode(ResponseCode::NXDomain).to_string(), "NXDOMAIN");
        assert_eq!(BadAnswer::Rcode(ResponseCode::Refused).to_string(), "REFUSED");
    }
}
