//! The answer section: its records, and the way through its CNAMEs.

use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};
use hickory_proto::serialize::binary::{BinDecodable, BinDecoder};

use super::bad::BadAnswer;

/// No message has room for more in one go; most answers have one or two.
const FEW: usize = 4;
/// So many records are named to people.
const NAMED: usize = 3;

/// The records of an answer section.
#[derive(Debug)]
pub(super) struct Section(Vec<Record>);

impl Section {
    /// Reads so many records. Of a section that may be `cut` short, those that are whole.
    pub(super) fn read(decoder: &mut BinDecoder<'_>, count: u16, cut: bool) -> Result<Self, BadAnswer> {
        let mut records = Vec::with_capacity(usize::from(count).min(FEW));
        for _ in 0..count {
            match Record::read(decoder) {
                // The decoder's word for a record without data, which only updates have (RFC 2136, section 2.4).
                Ok(Record { data: RData::Update0(kind), .. }) if !cut => {
                    return Err(BadAnswer::Unreadable(format!("a record of the type {kind} has no data")));
                }
                Ok(record) => records.push(record),
                Err(_) if cut => break,
                Err(reason) => return Err(BadAnswer::Unreadable(reason.to_string())),
            }
        }
        Ok(Self(records))
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Where the records of the type are: at the name, or where its CNAMEs lead (RFC 1034, section 3.6.2).
    pub(super) fn follow<'a>(&'a self, name: &'a Name, kind: RecordType) -> &'a Name {
        let mut owner = name;
        // A chain that is longer than the section goes in circles.
        for _ in &self.0 {
            if self.of(owner, kind).next().is_some() {
                break;
            }
            let alias = self.of(owner, RecordType::CNAME).find_map(|data| match data {
                RData::CNAME(target) => Some(&target.0),
                _ => None,
            });
            match alias {
                Some(target) => owner = target,
                None => break,
            }
        }
        owner
    }

    /// The data of the records of this type at this name.
    pub(super) fn of<'a>(&'a self, owner: &'a Name, kind: RecordType) -> impl Iterator<Item = &'a RData> {
        self.0
            .iter()
            .filter(move |record| kind == RecordType::ANY || record.record_type() == kind)
            .filter(|record| record.dns_class == DNSClass::IN)
            .filter(|record| record.name.eq_ignore_root(owner))
            .map(|record| &record.data)
    }

    /// The first records by type and name: `CNAME example.test., A host.example.test.`.
    pub(super) fn in_words(&self) -> String {
        let named: Vec<String> =
            (self.0.iter().take(NAMED)).map(|record| format!("{} {}", record.record_type(), record.name)).collect();
        let more = self.0.len() - named.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        named.join(", ") + &more
    }
}
