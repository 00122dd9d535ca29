//! Signatures: whether they are there, and for how long. Not whether they are right: that is for a validating resolver to say.

use std::time::Duration;

use hickory_proto::rr::{RData, RecordType};
use hickory_proto::serialize::binary::BinEncodable;

/// What is wrong with the signatures over some records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Flaw {
    /// There are none.
    Missing,
    /// The last of them expired so long ago.
    Expired {
        /// The key tag of its key.
        key: u16,
        /// So long ago.
        ago: Duration,
    },
    /// They are of the future: a clock is wrong, here or where it was signed.
    NotYet {
        /// The key tag of its key.
        key: u16,
        /// Valid after this time.
        after: Duration,
    },
    /// None remains valid for long enough.
    Short {
        /// The key tag of its key.
        key: u16,
        /// It remains valid for this long.
        remaining: Duration,
        /// It should for this long.
        wanted: Duration,
    },
}

impl Flaw {
    /// What was expected, and what was found.
    pub(super) fn in_words(&self, kind: RecordType) -> String {
        match self {
            Self::Missing => format!("expected an RRSIG over {kind}, found none"),
            Self::Expired { key, ago } => {
                format!("expected a valid RRSIG over {kind}, found that of key {key} expired {} ago", roughly(*ago))
            }
            Self::NotYet { key, after } => {
                format!("expected a valid RRSIG over {kind}, found that of key {key} valid only in {}", roughly(*after))
            }
            Self::Short { key, remaining, wanted } => format!(
                "expected an RRSIG over {kind} valid for {} more, found that of key {key} to expire in {}",
                roughly(*wanted),
                roughly(*remaining)
            ),
        }
    }
}

/// A signature's times, relative to now, in seconds.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    key: u16,
    since_inception: i32,
    until_expiration: i32,
}

impl Times {
    /// From the data of an RRSIG over records of this type (RFC 4034, section 3.1).
    fn read(data: &RData, kind: RecordType, now: u64) -> Option<Self> {
        let bytes = data.to_bytes().ok()?;
        let field = |at: usize| bytes.get(at..at + 4)?.try_into().ok().map(u32::from_be_bytes);
        let short = |at: usize| bytes.get(at..at + 2)?.try_into().ok().map(u16::from_be_bytes);
        // Times are serial numbers: what counts is the distance to now, on a circle (RFC 4034, section 3.1.5).
        let now = (now & u64::from(u32::MAX)).try_into().unwrap_or(0_u32);
        (short(0)? == u16::from(kind)).then_some(Self {
            until_expiration: field(8)?.wrapping_sub(now).cast_signed(),
            since_inception: now.wrapping_sub(field(12)?).cast_signed(),
            key: short(16)?,
        })
    }

    /// So many more seconds it is valid; below zero when it is not.
    fn worth(&self) -> i32 {
        if self.since_inception < 0 { self.since_inception } else { self.until_expiration }
    }
}

/// Of the signatures over records of this type the one that is valid for longest: a validator is content with any valid one
/// (RFC 4035, section 5.3.3), and while keys are rolled there are old ones beside it.
pub(super) fn best<'a>(rrsigs: impl Iterator<Item = &'a RData>, kind: RecordType, now: u64) -> Option<Times> {
    rrsigs.filter_map(|data| Times::read(data, kind, now)).max_by_key(Times::worth)
}

/// How long the signature remains valid, which is at least `wanted`.
pub(super) fn judge(best: Option<Times>, wanted: Duration) -> Result<Duration, Flaw> {
    let Some(Times { key, since_inception, until_expiration }) = best else { return Err(Flaw::Missing) };
    let seconds = |count: i32| Duration::from_secs(count.unsigned_abs().into());
    let remaining = seconds(until_expiration);
    match () {
        () if since_inception < 0 => Err(Flaw::NotYet { key, after: seconds(since_inception) }),
        () if until_expiration < 0 => Err(Flaw::Expired { key, ago: remaining }),
        () if remaining < wanted => Err(Flaw::Short { key, remaining, wanted }),
        () => Ok(remaining),
    }
}

/// Days and hours, hours and minutes, or less: nobody counts the seconds of a week.
pub(super) fn roughly(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (0, hours, minutes) => format!("{hours} h {minutes} min"),
        (days, hours, _) => format!("{days} d {hours} h"),
    }
}
