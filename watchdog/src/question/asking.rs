//! From what is configured to the query on the wire, and what cannot be asked.

use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::{Name, RecordType};

use super::rcode::Mnemonic;
use crate::service::Dns;

/// Why a question cannot be asked, or no answer to it could ever be right.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unaskable {
    /// The query has no form on the wire.
    #[error("{0}: expected a name that fits into a query, found that {1}")]
    Query(Name, String),
    /// No RCODE is called so, or none that an answer's header can hold (RFC 1035, section 4.1.1).
    #[error("expected an RCODE as dig prints it, NOERROR, SERVFAIL, NXDOMAIN or REFUSED for example, found `{0}`")]
    Rcode(String),
    /// The expected data is none of the type.
    #[error(
        "expected data of the type {kind} as in a zone file, or as in RFC 3597, `\\# 4 c0000201`; found `{found}`: {reason}"
    )]
    Data {
        /// The type asked for.
        kind: RecordType,
        /// What is written.
        found: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Two expectations no answer can meet together.
    #[error("{one} and {other} exclude each other: expected one of them")]
    Contradiction {
        /// One of the two.
        one: String,
        /// The other.
        other: &'static str,
    },
    /// A serial is compared, and none asked for.
    #[error("only an SOA record has a serial to compare: expected a question of the type SOA, found {0}")]
    NoSerial(RecordType),
}

/// The bytes of an OPT record without options (RFC 6891, section 6.1.2): the root's, type, class, TTL, length.
pub(super) const OPT: usize = 11;

pub(super) fn encode(dns: &Dns) -> Result<Vec<u8>, ProtoError> {
    let mut message = Message::new(0, MessageType::Query, OpCode::Query);
    message.metadata.recursion_desired = true;
    message.add_query(Query::query(dns.name.clone(), dns.kind));
    if dns.expect.rrsig.is_some() {
        let mut edns = Edns::new();
        edns.set_dnssec_ok(true);
        message.set_edns(edns);
    }
    message.to_vec()
}

pub(super) fn refuse_contradictions(dns: &Dns, rcode: ResponseCode) -> Result<(), Unaskable> {
    let expect = &dns.expect;
    let looked_at = [
        (expect.nodata, "nodata"),
        (expect.answer.is_some(), "answer"),
        (expect.serial.is_some(), "serial"),
        (expect.rrsig.is_some(), "rrsig"),
    ];
    let mut wanted = looked_at.into_iter().filter_map(|(wanted, name)| wanted.then_some(name));
    let one = if rcode == ResponseCode::NoError {
        expect.nodata.then(|| wanted.next().unwrap_or_default().to_owned())
    } else {
        Some(format!("rcode = {}", Mnemonic(rcode)))
    };
    match (one, wanted.next()) {
        (Some(one), Some(other)) => Err(Unaskable::Contradiction { one, other }),
        _ if expect.serial.is_some() && dns.kind != RecordType::SOA => Err(Unaskable::NoSerial(dns.kind)),
        _ => Ok(()),
    }
}
