//! One direction of a TCP connection, put in order (RFC 9293, section 3.4).

/// More than this ahead of a hole, and the hole is taken as lost; a peer's window is smaller.
const MOST_AHEAD: usize = 8 << 20;

/// What has been seen of a direction.
#[derive(Debug)]
pub(crate) struct Stream {
    initial: Option<u32>,
    /// The sequence number of the next octet.
    next: u32,
    /// Segments beyond a hole: sequence number, octets, FIN.
    ahead: Vec<(u32, Vec<u8>, bool)>,
}

impl Stream {
    /// A direction of which the next octet is `next`.
    pub(crate) fn from(next: u32) -> Self {
        Self { initial: None, next, ahead: Vec::new() }
    }

    /// A direction that begins with the SYN numbered `seq`.
    pub(crate) fn syn(seq: u32) -> Self {
        Self { initial: Some(seq), ..Self::from(seq.wrapping_add(1)) }
    }

    /// Whether this SYN is the one that this direction began with, sent again.
    pub(crate) fn began_with(&self, seq: u32) -> bool {
        self.initial == Some(seq)
    }

    /// Takes a segment; returns the octets that are now next in order, each once.
    pub(crate) fn segment(&mut self, seq: u32, data: &[u8], fin: bool) -> Vec<u8> {
        if data.is_empty() && !fin {
            return Vec::new();
        }
        self.ahead.push((seq, data.to_vec(), fin));
        self.in_order()
    }

    /// Takes the peer's acknowledgement; true if it has received what was never seen here. The hole is then skipped.
    pub(crate) fn acknowledged(&mut self, ack: u32) -> bool {
        if after(ack, self.next) {
            self.next = ack;
            return true;
        }
        let held: usize = self.ahead.iter().map(|(_, data, _)| data.len()).sum();
        let first = self.ahead.iter().map(|(seq, ..)| *seq).min_by_key(|seq| seq.wrapping_sub(self.next));
        match first {
            Some(first) if held > MOST_AHEAD => {
                self.next = first;
                true
            }
            _ => false,
        }
    }

    fn in_order(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        while let Some(position) = self.ahead.iter().position(|(seq, ..)| !after(*seq, self.next)) {
            let (seq, data, fin) = self.ahead.swap_remove(position);
            let seen = self.next.wrapping_sub(seq) as usize;
            if let Some(new) = data.get(seen..) {
                octets.extend_from_slice(new);
                self.next = self.next.wrapping_add(new.len() as u32);
                if fin {
                    self.next = self.next.wrapping_add(1);
                }
            }
        }
        octets
    }
}

/// Whether `a` comes after `b`, on numbers that wrap.
fn after(a: u32, b: u32) -> bool {
    (a.wrapping_sub(b) as i32) > 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_in_order_pass_at_once_across_the_wrap() {
        let mut stream = Stream::syn(u32::MAX - 3);
        assert_eq!(stream.segment(u32::MAX - 2, b"abcd", false), b"abcd");
        assert_eq!(stream.segment(1, b"ef", false), b"ef");
        assert!(!stream.acknowledged(3));
    }

    #[test]
    fn what_was_sent_before_passes_once() {
        let mut stream = Stream::from(100);
        assert_eq!(stream.segment(100, b"abcd", false), b"abcd");
        assert_eq!(stream.segment(100, b"abcd", false), b"");
        assert_eq!(stream.segment(102, b"cdef", false), b"ef");
        // A keep-alive probe repeats the last octet.
        assert_eq!(stream.segment(105, b"f", false), b"");
        assert_eq!(stream.segment(106, b"g", false), b"g");
    }

    #[test]
    fn what_comes_early_waits_for_the_hole_to_fill() {
        let mut stream = Stream::from(100);
        assert_eq!(stream.segment(104, b"ef", false), b"");
        assert_eq!(stream.segment(102, b"cde", false), b"");
        assert!(!stream.acknowledged(100));
        assert_eq!(stream.segment(100, b"ab", false), b"abcdef");
        assert!(!stream.acknowledged(106));
    }

    #[test]
    fn a_hole_that_the_peer_has_received_is_lost() {
        let mut stream = Stream::from(100);
        assert_eq!(stream.segment(104, b"ef", false), b"");
        assert!(stream.acknowledged(104));
        assert_eq!(stream.segment(106, b"gh", false), b"efgh");
        assert!(!stream.acknowledged(108));
    }

    #[test]
    fn fin_has_a_number_of_its_own() {
        let mut stream = Stream::from(100);
        assert_eq!(stream.segment(102, b"", true), b"");
        assert_eq!(stream.segment(100, b"ab", false), b"ab");
        assert!(!stream.acknowledged(103));
        assert_eq!(stream.segment(100, b"ab", true), b"");
        assert!(!stream.acknowledged(103));
    }
}
