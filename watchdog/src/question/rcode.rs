//! RCODEs by their names (RFC 1035, section 4.1.1; RFC 2136, section 2.2), as dig prints them.

use std::fmt;
use std::ops::Range;

use hickory_proto::op::ResponseCode;

use super::asking::Unaskable;

/// What a header can hold. Larger ones come with EDNS only, and in answers to what we never ask.
const IN_A_HEADER: Range<u16> = 0..16;

/// The name: SERVFAIL, REFUSED; RCODE11 where there is none.
pub(super) struct Mnemonic(pub(super) ResponseCode);

impl fmt::Display for Mnemonic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ResponseCode::Unknown(code) => write!(f, "RCODE{code}"),
            known => f.write_str(&format!("{known:?}").to_uppercase()),
        }
    }
}

/// The RCODE of this name, in either case.
pub(super) fn parse(name: &str) -> Result<ResponseCode, Unaskable> {
    IN_A_HEADER
        .map(<ResponseCode as From<u16>>::from)
        .find(|&rcode| Mnemonic(rcode).to_string().eq_ignore_ascii_case(name))
        .ok_or_else(|| Unaskable::Rcode(name.to_owned()))
}
