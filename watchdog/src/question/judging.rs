//! What an answer to the question is worth.

use std::fmt;
use std::time::Duration;

use hickory_proto::op::{Header, ResponseCode};
use hickory_proto::rr::{RData, RecordType};
use hickory_proto::serialize::binary::BinDecoder;

use super::bad::BadAnswer;
use super::rcode::Mnemonic;
use super::section::Section;
use super::{Question, data, signature};

/// A good answer; for people by its `Display`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Its RCODE.
    pub rcode: ResponseCode,
    /// So many records of the type asked for.
    pub records: usize,
    /// The zone's serial, where the SOA record was asked for (RFC 1035, section 3.3.13).
    pub serial: Option<u32>,
    /// So long the signatures remain valid, where that was looked at.
    pub signed_for: Option<Duration>,
}

impl Question {
    /// The answer, whose header has been read, and its question passed over.
    pub(super) fn weigh(&self, header: &Header, decoder: &mut BinDecoder<'_>, now: u64) -> Result<Answer, BadAnswer> {
        let rcode = header.response_code;
        if rcode != self.rcode {
            return Err(BadAnswer::Rcode { found: rcode, expected: self.rcode });
        }
        if self.aa && !header.authoritative {
            return Err(BadAnswer::NotAuthoritative);
        }
        let mut answer = Answer { rcode, records: 0, serial: None, signed_for: None };
        if rcode != ResponseCode::NoError {
            return Ok(answer);
        }
        let section = Section::read(decoder, header.counts.answers, header.truncation)?;
        match self.look_at(&section, now, &mut answer) {
            // What was cut off may hold what is missing, and what should not be there.
            Ok(()) if header.truncation && self.nodata => Err(BadAnswer::Truncated(section.len())),
            Ok(()) => Ok(answer),
            Err(bad @ BadAnswer::Unwanted { .. }) => Err(bad),
            Err(_) if header.truncation => Err(BadAnswer::Truncated(section.len())),
            Err(bad) => Err(bad),
        }
    }

    fn look_at(&self, section: &Section, now: u64, answer: &mut Answer) -> Result<(), BadAnswer> {
        let owner = section.follow(&self.name, self.kind);
        answer.records = section.of(owner, self.kind).count();
        match (self.nodata, answer.records) {
            (true, 0) => return Ok(()),
            (true, records) => return Err(BadAnswer::Unwanted { kind: self.kind, records }),
            (false, 0) if section.len() == 0 => return Err(BadAnswer::Empty(self.kind)),
            (false, 0) => return Err(BadAnswer::OtherType { expected: self.kind, found: section.in_words() }),
            (false, _) => {}
        }
        if let Some(expected) = &self.answer
            && !section.of(owner, self.kind).any(|data| data == expected)
        {
            let found: Vec<String> = section.of(owner, self.kind).map(data::in_words).collect();
            return Err(BadAnswer::Data {
                kind: self.kind,
                expected: data::in_words(expected),
                found: found.join(", "),
            });
        }
        answer.serial = section.of(owner, self.kind).find_map(|data| match data {
            RData::SOA(soa) => Some(soa.serial),
            _ => None,
        });
        if let Some(wanted) = self.rrsig {
            let best = signature::best(section.of(owner, RecordType::RRSIG), self.kind, now);
            answer.signed_for =
                Some(signature::judge(best, wanted).map_err(|flaw| BadAnswer::Signature { kind: self.kind, flaw })?);
        }
        Ok(())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.rcode, self.serial, self.records) {
            (ResponseCode::NoError, Some(serial), _) => write!(f, "serial {serial}")?,
            (ResponseCode::NoError, None, 0) => f.write_str("no records")?,
            (ResponseCode::NoError, None, 1) => f.write_str("1 record")?,
            (ResponseCode::NoError, None, records) => write!(f, "{records} records")?,
            (rcode, ..) => write!(f, "{}", Mnemonic(rcode))?,
        }
        match self.signed_for {
            Some(remaining) => write!(f, ", signed for {}", signature::roughly(remaining)),
            None => Ok(()),
        }
    }
}
