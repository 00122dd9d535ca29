//! The data of records, as people write it and as it is shown to them.

use hickory_proto::rr::{RData, RecordType};
use hickory_proto::serialize::binary::{BinDecoder, BinEncodable, Restrict};

use super::asking::Unaskable;

/// Reads data as in a zone file: of types we know by their own rules, names being absolute with or without a dot at the end; of any
/// type as in RFC 3597, section 5.
pub(super) fn parse(kind: RecordType, text: &str) -> Result<RData, Unaskable> {
    let refused = |reason: String| Unaskable::Data { kind, found: text.to_owned(), reason };
    let bytes = match text.trim_start().strip_prefix("\\#") {
        Some(generic) => unhex(generic).ok_or_else(|| refused("not a length and as many bytes in hex".to_owned()))?,
        None => {
            let data = RData::try_from_str(kind, text).map_err(|reason| refused(reason.to_string()))?;
            data.to_bytes().map_err(|reason| refused(reason.to_string()))?
        }
    };
    // Through the wire, as what it will be compared with: there names are absolute.
    let length = u16::try_from(bytes.len()).map_err(|_| refused("too long".to_owned()))?;
    if length == 0 {
        return Err(refused("it is empty".to_owned()));
    }
    RData::read(&mut BinDecoder::new(&bytes), kind, Restrict::new(length)).map_err(|reason| refused(reason.to_string()))
}

/// `4 c0000201`: how many bytes, and then these, with spaces anywhere.
fn unhex(generic: &str) -> Option<Vec<u8>> {
    let (length, digits) = generic.trim().split_once(char::is_whitespace).unwrap_or((generic.trim(), ""));
    let digits: Vec<u8> = digits.bytes().filter(|digit| !digit.is_ascii_whitespace()).collect();
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    if !digits.iter().all(u8::is_ascii_hexdigit) || !digits.len().is_multiple_of(2) {
        return None;
    }
    let bytes: Vec<u8> = digits.chunks(2).map(byte).collect::<Option<_>>()?;
    (length.parse() == Ok(bytes.len())).then_some(bytes)
}

/// Data for people; of types we do not know as in RFC 3597, section 5.
pub(super) fn in_words(data: &RData) -> String {
    match data {
        RData::Unknown { rdata, .. } => {
            let hex: String = rdata.anything.iter().map(|byte| format!("{byte:02x}")).collect();
            format!("\\# {} {hex}", rdata.anything.len())
        }
        // The only one whose Display is an error.
        RData::OPT(_) => "OPT".to_owned(),
        known => known.to_string(),
    }
}
