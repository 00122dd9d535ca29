//! From octets in order to BGP messages (RFC 4271, section 4.1).

const MARKER: [u8; 16] = [0xff; 16];
const HEADER: usize = 19;
/// OPEN, UPDATE, NOTIFICATION, KEEPALIVE, ROUTE-REFRESH (RFC 2918): what tells a header from octets that look like one. In
/// step, any type passes: a wrong one is the speakers' affair.
const TYPES: std::ops::RangeInclusive<u8> = 1..=5;

/// Cuts a stream into messages.
#[derive(Debug, Default)]
pub(crate) struct Framing {
    buffer: Vec<u8>,
    in_step: bool,
}

impl Framing {
    /// At the beginning of a connection, where a message begins.
    pub(crate) fn begin(&mut self) {
        *self = Self { buffer: Vec::new(), in_step: true };
    }

    /// Somewhere in a connection: the next marker is to be found.
    pub(crate) fn lose_step(&mut self) {
        *self = Self::default();
    }

    /// Takes the next octets.
    pub(crate) fn push(&mut self, data: &[u8]) {
        self.buffer.extend_from_slice(data);
    }

    /// The next whole message, or an error where what comes is none.
    pub(crate) fn next(&mut self) -> Option<Result<Vec<u8>, NotAMessage>> {
        if !self.in_step {
            let at = (0..self.buffer.len()).find(|&at| may_begin(&self.buffer[at..]) && is_known(&self.buffer[at..]));
            self.buffer.drain(..at.unwrap_or(self.buffer.len()));
            if self.buffer.len() < HEADER {
                return None;
            }
            self.in_step = true;
        }
        if !may_begin(&self.buffer) {
            // At least one octet on, or the same place would be found again.
            self.buffer.drain(..1);
            self.in_step = false;
            return Some(Err(NotAMessage));
        }
        let length = usize::from(u16::from_be_bytes([*self.buffer.get(16)?, *self.buffer.get(17)?]));
        if self.buffer.len() < length.max(HEADER) {
            return None;
        }
        Some(Ok(self.buffer.drain(..length).collect()))
    }
}

/// What comes has no marker, or a length that is none.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct NotAMessage;

/// Whether a message may begin here, as far as there are octets.
fn may_begin(data: &[u8]) -> bool {
    let marker = data.len().min(MARKER.len());
    data[..marker] == MARKER[..marker]
        && (data.len() < 18 || usize::from(u16::from_be_bytes([data[16], data[17]])) >= HEADER)
}

/// Whether its type, as far as it is there, is one that exists.
fn is_known(data: &[u8]) -> bool {
    data.get(18).is_none_or(|kind| TYPES.contains(kind))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A message with a body of this many octets.
    pub(crate) fn message(kind: u8, body: usize) -> Vec<u8> {
        let mut message = MARKER.to_vec();
        message.extend(((HEADER + body) as u16).to_be_bytes());
        message.push(kind);
        message.extend((0..body).map(|octet| octet as u8));
        message
    }

    fn all(framing: &mut Framing) -> Vec<Result<Vec<u8>, NotAMessage>> {
        std::iter::from_fn(|| framing.next()).collect()
    }

    #[test]
    fn octet_by_octet_or_all_at_once_the_messages_are_the_same() {
        let messages = [message(1, 30), message(4, 0), message(2, 4000)];
        let mut framing = Framing::default();
        framing.begin();
        framing.push(&messages.concat());
        assert_eq!(all(&mut framing), messages.clone().map(Ok));

        let mut found = Vec::new();
        for octet in messages.concat() {
            framing.push(&[octet]);
            found.extend(all(&mut framing));
        }
        assert_eq!(found, messages.map(Ok));
    }

    #[test]
    fn in_the_middle_of_a_stream_the_next_marker_is_found() {
        let mut framing = Framing::default();
        framing.lose_step();
        framing.push(&message(2, 100)[50..]);
        assert_eq!(all(&mut framing), []);
        framing.push(&message(4, 0)[..10]);
        assert_eq!(all(&mut framing), []);
        framing.push(&message(4, 0)[10..]);
        assert_eq!(all(&mut framing), [Ok(message(4, 0))]);
    }

    #[test]
    fn what_is_no_message_is_said_once_and_skipped() {
        let mut framing = Framing::default();
        framing.begin();
        let mut short = message(4, 0);
        short[17] = 18;
        framing.push(&[message(9, 0), short, message(3, 2)].concat());
        assert_eq!(all(&mut framing), [Ok(message(9, 0)), Err(NotAMessage), Ok(message(3, 2))]);
    }
}
