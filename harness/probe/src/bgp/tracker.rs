//! All connections of the node: from segments to observations.

use std::collections::HashMap;
use std::net::SocketAddr;

use protocol::{Bytes, Observation, TcpEvent};

use super::framing::Framing;
use super::segment::Segment;
use super::stream::Stream;

/// Directions that are kept, open or not: one that ended may still be repeated. A speaker that retries every second fills
/// this in half an hour.
const MOST_FLOWS: usize = 4096;

/// Sender and receiver.
type Direction = (SocketAddr, SocketAddr);

/// The connections seen so far.
#[derive(Debug, Default)]
pub(crate) struct Tracker {
    flows: HashMap<Direction, Flow>,
}

#[derive(Debug)]
struct Flow {
    stream: Stream,
    framing: Framing,
    last: u64,
}

impl Tracker {
    /// Takes a segment seen at `at`; returns what is to be reported of it.
    pub(crate) fn track(&mut self, segment: &Segment<'_>, sent: bool, at: u64) -> Vec<Observation> {
        let mut saw = Vec::new();
        let &Segment { src, dst, signed, ao, .. } = segment;
        let tcp = |event| Observation::Tcp { src, dst, sent, signed, ao, event };
        if segment.syn {
            saw.push(tcp(if segment.ack.is_some() { TcpEvent::SynAck } else { TcpEvent::Syn }));
            self.begin(segment, at);
        } else {
            self.carry(segment, sent, at, &mut saw);
        }
        if segment.fin {
            saw.push(tcp(TcpEvent::Fin));
        }
        if segment.rst {
            saw.push(tcp(TcpEvent::Rst));
        } else if let (Some(ack), Some(reverse)) = (segment.ack, self.flows.get_mut(&(dst, src)))
            && reverse.stream.acknowledged(ack)
        {
            saw.push(overflow());
            reverse.framing.lose_step();
        }
        saw
    }

    fn begin(&mut self, segment: &Segment<'_>, at: u64) {
        let direction = (segment.src, segment.dst);
        if self.flows.get(&direction).is_some_and(|flow| flow.stream.began_with(segment.seq)) {
            return;
        }
        self.make_room();
        let mut framing = Framing::default();
        framing.begin();
        self.flows.insert(direction, Flow { stream: Stream::syn(segment.seq), framing, last: at });
    }

    fn carry(&mut self, segment: &Segment<'_>, sent: bool, at: u64, saw: &mut Vec<Observation>) {
        let &Segment { src, dst, seq, fin, signed, ao, data, .. } = segment;
        if data.is_empty() && !fin {
            return;
        }
        self.make_room();
        // A connection that is older than the capture is joined where it is.
        let flow = self.flows.entry((src, dst)).or_insert_with(|| Flow {
            stream: Stream::from(seq),
            framing: Framing::default(),
            last: at,
        });
        flow.last = at;
        flow.framing.push(&flow.stream.segment(seq, data, fin));
        while let Some(message) = flow.framing.next() {
            saw.push(match message {
                Ok(message) => Observation::Bgp { src, dst, sent, signed, ao, message: Bytes(message) },
                Err(_) => overflow(),
            });
        }
    }

    fn make_room(&mut self) {
        if self.flows.len() >= MOST_FLOWS {
            let mut ages: Vec<u64> = self.flows.values().map(|flow| flow.last).collect();
            ages.sort_unstable();
            let median = ages[ages.len() / 2];
            self.flows.retain(|_, flow| flow.last > median);
        }
    }
}

/// Something crossed the wire that cannot be told as a message.
fn overflow() -> Observation {
    Observation::Overflow { observer: "bgp".into(), lost: 0 }
}

#[cfg(test)]
mod tests;
