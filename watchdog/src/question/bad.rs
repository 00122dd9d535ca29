//! What can be bad about an answer, in words: what was expected, and what was found.

use hickory_proto::op::ResponseCode;
use hickory_proto::rr::RecordType;

use super::rcode::Mnemonic;
use super::signature::Flaw;

/// Why an answer to the question is a bad one.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadAnswer {
    /// Another RCODE than the expected one (RFC 1035, section 4.1.1).
    #[error("{}{}", Mnemonic(*.found), but_expected(*.expected))]
    Rcode {
        /// The answer's.
        found: ResponseCode,
        /// What it should have been.
        expected: ResponseCode,
    },
    /// The AA bit is missing (RFC 1035, section 4.1.1): the zone has expired or is not configured.
    #[error("expected an authoritative answer, found one without AA")]
    NotAuthoritative,
    /// The answer section cannot be read.
    #[error("expected an answer section that can be read, found that {0}")]
    Unreadable(String),
    /// There are no records in the answer section.
    #[error("expected a record of the type {0}, found an empty answer section")]
    Empty(RecordType),
    /// There are records, and none of the type at the name, or where its CNAMEs lead.
    #[error("expected a record of the type {expected}, found {found}")]
    OtherType {
        /// The type asked for.
        expected: RecordType,
        /// The first of the records, by type and name.
        found: String,
    },
    /// There should be none.
    #[error("expected no records of the type {kind}, found {records}")]
    Unwanted {
        /// The type asked for.
        kind: RecordType,
        /// So many were found.
        records: usize,
    },
    /// None of the records has the expected data.
    #[error("expected {kind} {expected}, found {found}")]
    Data {
        /// The type asked for.
        kind: RecordType,
        /// The expected data.
        expected: String,
        /// The data of all the records.
        found: String,
    },
    /// No signature over the records is good enough.
    #[error("{}", .flaw.in_words(*.kind))]
    Signature {
        /// The type of the signed records.
        kind: RecordType,
        /// What is wrong with the best one.
        flaw: Flaw,
    },
    /// The answer is cut short (TC; RFC 2181, section 9), and so many records that are left do not settle the matter. A server
    /// that limits its rate also says so (RRL's `slip`).
    #[error("expected a whole answer, found one that is truncated (TC) to {0} records, which do not tell")]
    Truncated(usize),
}

fn but_expected(rcode: ResponseCode) -> String {
    match rcode {
        // It goes without saying.
        ResponseCode::NoError => String::new(),
        other => format!(", expected {}", Mnemonic(other)),
    }
}
