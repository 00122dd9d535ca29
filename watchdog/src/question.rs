//! A question to a name server, prepared once and asked often, and what counts as its answer. No sockets and no clock here.

use std::fmt;
use std::ops::Range;
use std::time::Duration;

use hickory_proto::op::{Header, MessageType, OpCode, ResponseCode};
use hickory_proto::rr::{Name, RData, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use crate::service::Dns;

mod asking;
mod bad;
mod data;
pub mod freshness;
mod judging;
mod rcode;
mod section;
mod signature;
#[cfg(test)]
mod tests;

pub use asking::Unaskable;
pub use bad::BadAnswer;
pub use judging::Answer;
pub use signature::Flaw;

/// The header's bytes (RFC 1035, section 4.1.1), and in them those of the id.
const HEADER: usize = 12;
const ID: usize = 2;
/// The question's type and class after its name (RFC 1035, section 4.1.2).
const TYPE_AND_CLASS: usize = 4;

/// What is asked, and what its answer must be like.
///
/// Made once: then a query costs a copy of some bytes, and an answer is not looked at beyond its id before that is right.
#[derive(Debug, Clone)]
pub struct Question {
    name: Name,
    kind: RecordType,
    query: Vec<u8>,
    /// In the query: the name, the type and the class.
    asked: Range<usize>,
    rcode: ResponseCode,
    aa: bool,
    nodata: bool,
    answer: Option<RData>,
    rrsig: Option<Duration>,
}

impl Question {
    /// Prepares a question: recursion desired, as the server may be a resolver; with EDNS and its DO bit where signatures are
    /// looked at (RFC 3225), else without EDNS, which not every server speaks.
    ///
    /// # Errors
    /// When no answer could ever be right.
    pub fn new(dns: &Dns) -> Result<Self, Unaskable> {
        let expect = &dns.expect;
        let rcode = expect.rcode.as_deref().map_or(Ok(ResponseCode::NoError), rcode::parse)?;
        asking::refuse_contradictions(dns, rcode)?;
        let query = asking::encode(dns).map_err(|reason| Unaskable::Query(dns.name.clone(), reason.to_string()))?;
        let additional = if expect.rrsig.is_some() { asking::OPT } else { 0 };
        Ok(Self {
            name: dns.name.clone(),
            kind: dns.kind,
            asked: HEADER..query.len() - additional,
            query,
            rcode,
            aa: expect.aa,
            nodata: expect.nodata,
            answer: expect.answer.as_deref().map(|text| data::parse(dns.kind, text)).transpose()?,
            rrsig: expect.rrsig,
        })
    }

    /// As it goes into a datagram. The id should be one nobody can guess (RFC 5452, section 9.2).
    #[must_use]
    pub fn to_bytes(&self, id: u16) -> Vec<u8> {
        let mut query = self.query.clone();
        query[..ID].copy_from_slice(&id.to_be_bytes());
        query
    }

    /// What the datagram is worth at `now`, in seconds since 1970; `None` when it does not answer this question as asked
    /// with this id.
    ///
    /// An answer cut short (TC, RFC 2181, section 9) is bad only when what is left of it does not settle the matter: then it
    /// is [`BadAnswer::Truncated`], and the question may be asked again over TCP.
    #[must_use]
    pub fn judge(&self, id: u16, datagram: &[u8], now: u64) -> Option<Result<Answer, BadAnswer>> {
        if datagram.get(..ID)? != id.to_be_bytes() {
            return None;
        }
        let mut decoder = BinDecoder::new(datagram);
        let header = Header::read(&mut decoder).ok()?;
        if header.message_type != MessageType::Response || header.op_code != OpCode::Query {
            return None;
        }
        match header.counts.queries {
            1 if self.is_asked_in(datagram) => {
                decoder.read_slice(self.asked.len()).ok()?;
            }
            // Who cannot read a query may say so without repeating it.
            0 if header.response_code != ResponseCode::NoError => {}
            _ => return None,
        }
        Some(self.weigh(&header, &mut decoder, now))
    }

    /// Byte by byte, but letters of the name in either case: servers repeat the question as it is.
    fn is_asked_in(&self, datagram: &[u8]) -> bool {
        let ours = &self.query[self.asked.clone()];
        let Some(theirs) = datagram.get(self.asked.clone()) else { return false };
        let name = ours.len() - TYPE_AND_CLASS;
        // Lengths of labels are below 64, so below all letters.
        ours[..name].eq_ignore_ascii_case(&theirs[..name]) && ours[name..] == theirs[name..]
    }
}

/// `SOA example.test`.
impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}
