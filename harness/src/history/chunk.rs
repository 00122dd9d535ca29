//! Events packed: a query takes about 18 octets, and a query that a server saw 12, where an [`Event`] takes 200.

use std::net::{IpAddr, SocketAddr};

use protocol::Outcome;

use super::event::{Event, Seen};
use super::name::Name;

/// Some events in a row, which never change.
///
/// Answers and timeouts, and what servers saw of them, are packed into octets: most of a history is that. Each number is
/// written as the difference to the one before. Everything else is kept as it is.
#[derive(Debug)]
pub(super) struct Chunk {
    names: Box<[Name]>,
    addresses: Box<[IpAddr]>,
    answers: Box<[Answer]>,
    others: Box<[Event]>,
    octets: Box<[u8]>,
}

/// An answer's identity, RCODE and number of records.
type Answer = (Name, u16, u16);

const OTHER: u8 = 0;
const ANSWERED: u8 = 1;
const TIMED_OUT: u8 = 2;
const SERVED: u8 = 3;

impl Chunk {
    /// Packs these events.
    pub(super) fn pack(events: &[Event]) -> Self {
        let mut packer = Packer::default();
        for event in events {
            if packer.compact(event).is_none() {
                packer.octets.push(OTHER);
                packer.others.push(event.clone());
            }
            packer.at = event.at;
        }
        Self {
            names: packer.names.into(),
            addresses: packer.addresses.into(),
            answers: packer.answers.into(),
            others: packer.others.into(),
            octets: packer.octets.into(),
        }
    }

    /// The events, in their order.
    pub(super) fn events(&self) -> Events<'_> {
        Events { chunk: self, rest: &self.octets, others: self.others.iter(), at: 0, number: 0 }
    }

    /// How many octets of memory the packed form takes, what others than queries point to not counted.
    #[cfg(test)]
    pub(super) fn size(&self) -> usize {
        self.octets.len()
            + size_of_val(&*self.names)
            + size_of_val(&*self.addresses)
            + size_of_val(&*self.answers)
            + size_of_val(&*self.others)
    }
}

#[derive(Default)]
struct Packer {
    names: Vec<Name>,
    addresses: Vec<IpAddr>,
    answers: Vec<Answer>,
    others: Vec<Event>,
    octets: Vec<u8>,
    at: u64,
    number: u64,
}

impl Packer {
    /// Packs an event of those that come in great numbers; none if it is another one.
    fn compact(&mut self, event: &Event) -> Option<()> {
        let (Event { at, since: None, node: Some(node), saw }, last) = (event, self.at) else { return None };
        match saw {
            Seen::Query { service, number, to, port, id, sent, outcome } => {
                let waited = at.checked_sub(*sent)?;
                let answer = match outcome {
                    Outcome::Answer { instance, rcode, answers, rtt } if *rtt == waited => {
                        let same = |(name, r, a): &Answer| name == instance && r == rcode && a == answers;
                        let known = self.answers.iter().position(same);
                        Some(known.unwrap_or_else(|| {
                            self.answers.push((Name::from(instance), *rcode, *answers));
                            self.answers.len() - 1
                        }))
                    }
                    Outcome::Timeout => None,
                    _ => return None,
                };
                let (node, service) = (index(&mut self.names, node), index(&mut self.names, service));
                let to = index(&mut self.addresses, to);
                self.octets.push(if answer.is_some() { ANSWERED } else { TIMED_OUT });
                for position in [Some(node), Some(service), Some(to), answer].into_iter().flatten() {
                    self.put(position as u64);
                }
                self.put(zigzag(*at, last));
                self.put(zigzag(*number, self.number));
                self.put(waited);
                self.number = *number;
                self.octets.extend(port.to_le_bytes());
                self.octets.extend(id.to_le_bytes());
            }
            Seen::Served { to, client, id } => {
                // An IPv6 address with a scope is none of a packed client's.
                if SocketAddr::new(client.ip(), client.port()) != *client {
                    return None;
                }
                let node = index(&mut self.names, node);
                let (to, from) = (index(&mut self.addresses, to), index(&mut self.addresses, &client.ip()));
                self.octets.push(SERVED);
                for position in [node, to, from] {
                    self.put(position as u64);
                }
                self.put(zigzag(*at, last));
                self.octets.extend(client.port().to_le_bytes());
                self.octets.extend(id.to_le_bytes());
            }
            _ => return None,
        }
        Some(())
    }

    /// Seven bits an octet, the lowest first; the highest bit says that more follow (LEB128).
    fn put(&mut self, mut number: u64) {
        while number > 0x7f {
            self.octets.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.octets.push(number as u8);
    }
}

/// The position of `item` in the table, to which it is added if need be.
fn index<T: Clone + PartialEq>(table: &mut Vec<T>, item: &T) -> usize {
    table.iter().position(|known| known == item).unwrap_or_else(|| {
        table.push(item.clone());
        table.len() - 1
    })
}

/// The difference of two numbers: small for small ones of either sign.
fn zigzag(number: u64, before: u64) -> u64 {
    let difference = number.wrapping_sub(before).cast_signed();
    ((difference << 1) ^ (difference >> 63)).cast_unsigned()
}

fn unzigzag(difference: u64, before: u64) -> u64 {
    before.wrapping_add((difference >> 1) ^ (difference & 1).wrapping_neg())
}

/// A chunk's events, unpacked one by one.
pub(super) struct Events<'c> {
    chunk: &'c Chunk,
    rest: &'c [u8],
    others: std::slice::Iter<'c, Event>,
    at: u64,
    number: u64,
}

impl Events<'_> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn short(&mut self) -> Option<u16> {
        Some(u16::from_le_bytes([self.octet()?, self.octet()?]))
    }

    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let octet = self.octet()?;
            number |= u64::from(octet & 0x7f).checked_shl(shift)?;
            if octet & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }

    fn of<T: Clone>(&mut self, table: &[T]) -> Option<T> {
        table.get(usize::try_from(self.number()?).ok()?).cloned()
    }

    fn query(&mut self, answered: bool) -> Option<Event> {
        let chunk = self.chunk;
        let (node, service) = (self.of(&chunk.names)?, self.of(&chunk.names)?);
        let to = self.of(&chunk.addresses)?;
        let answer = if answered { Some(self.of(&chunk.answers)?) } else { None };
        self.at = unzigzag(self.number()?, self.at);
        self.number = unzigzag(self.number()?, self.number);
        let waited = self.number()?;
        let outcome = answer.map_or(Outcome::Timeout, |(instance, rcode, answers)| Outcome::Answer {
            instance: instance.into(),
            rcode,
            answers,
            rtt: waited,
        });
        let (number, sent, port, id) = (self.number, self.at.checked_sub(waited)?, self.short()?, self.short()?);
        let saw = Seen::Query { service, number, to, port, id, sent, outcome };
        Some(Event { at: self.at, since: None, node: Some(node), saw })
    }

    fn served(&mut self) -> Option<Event> {
        let chunk = self.chunk;
        let node = self.of(&chunk.names)?;
        let (to, from) = (self.of(&chunk.addresses)?, self.of(&chunk.addresses)?);
        self.at = unzigzag(self.number()?, self.at);
        let client = SocketAddr::new(from, self.short()?);
        let saw = Seen::Served { to, client, id: self.short()? };
        Some(Event { at: self.at, since: None, node: Some(node), saw })
    }
}

impl Iterator for Events<'_> {
    type Item = Event;

    fn next(&mut self) -> Option<Event> {
        match self.octet()? {
            ANSWERED => self.query(true),
            TIMED_OUT => self.query(false),
            SERVED => self.served(),
            _ => {
                let event = self.others.next()?.clone();
                self.at = event.at;
                Some(event)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn outcome() -> impl Strategy<Value = Outcome> {
        let answer = ("[a-z0-9]{0,3}", any::<u16>(), any::<u16>(), any::<u64>());
        prop_oneof![
            answer.prop_map(|(instance, rcode, answers, rtt)| Outcome::Answer { instance, rcode, answers, rtt }),
            Just(Outcome::Timeout),
            "[a-z ]{0,9}".prop_map(Outcome::Refused),
        ]
    }

    fn event() -> impl Strategy<Value = Event> {
        let query = ("[a-z]{1,2}", any::<u64>(), any::<IpAddr>(), any::<u16>(), any::<u16>(), any::<u64>(), outcome());
        let exact = any::<bool>();
        let saw = prop_oneof![
            query.prop_map(|(service, number, to, port, id, sent, outcome)| {
                Seen::Query { service: service.into(), number, to, port, id, sent, outcome }
            }),
            (any::<IpAddr>(), any::<SocketAddr>(), any::<u16>()).prop_map(|(to, client, id)| Seen::Served {
                to,
                client,
                id
            }),
            Just(Seen::Ready),
        ];
        let node = proptest::option::of("[a-z]{1,2}");
        (any::<u64>(), proptest::option::of(any::<u64>()), node, saw, exact).prop_map(
            |(at, since, node, mut saw, exact)| {
                // As the probe says it: an answer came `rtt` after its query.
                if let (true, Seen::Query { sent, outcome: Outcome::Answer { rtt, .. }, .. }) = (exact, &mut saw) {
                    (*sent, *rtt) = (at - at % 1000, at % 1000);
                }
                Event { at, since, node: node.map(Into::into), saw }
            },
        )
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn what_is_packed_is_unpacked_as_it_was(events in proptest::collection::vec(event(), 0..200)) {
            let unpacked: Vec<Event> = Chunk::pack(&events).events().collect();
            prop_assert_eq!(unpacked, events);
        }
    }

    #[test]
    fn an_hour_of_2000_queries_a_second_takes_less_than_150_mb() {
        let mut random = fastrand::Rng::with_seed(1);
        let mut at = 5_000_000_000_000;
        let events: Vec<Event> = (0..100_000)
            .map(|n| {
                at += random.u64(300_000..700_000);
                let (rtt, service) = (random.u64(100_000..5_000_000), if n % 2 == 0 { "one" } else { "two" });
                let to = IpAddr::from([10, 1, 53, random.u8(1..5)]);
                let instance = format!("ns{}", random.u8(1..9));
                let outcome = Outcome::Answer { instance, rcode: 0, answers: 1, rtt };
                let (port, id, sent) = (random.u16(..), random.u16(..), at - rtt);
                let saw = Seen::Query { service: service.into(), number: n / 2, to, port, id, sent, outcome };
                Event { at, since: None, node: Some("client".into()), saw }
            })
            .collect();
        let octets: usize = events.chunks(super::super::log::CHUNK).map(|some| Chunk::pack(some).size()).sum();
        let hour = octets as f64 / events.len() as f64 * 3600.0 * 2000.0;
        assert!(hour < 150e6, "{hour} octets");
    }
}
