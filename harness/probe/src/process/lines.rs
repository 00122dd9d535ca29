//! What a daemon writes, line by line.

use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::clock;

/// A longer line is reported in pieces.
const LONGEST: usize = 8 * 1024;

/// Reads to the end; calls `line` with each line and the moment when it was whole.
pub(crate) async fn read(mut from: impl AsyncRead + Unpin, line: impl Fn(u64, String)) {
    let mut splitter = Splitter::default();
    let mut chunk = [0; LONGEST];
    while let Ok(length @ 1..) = from.read(&mut chunk).await {
        let at = clock::monotonic();
        splitter.push(&chunk[..length], |text| line(at, text));
    }
    splitter.finish(|text| line(clock::monotonic(), text));
}

#[derive(Default)]
struct Splitter {
    partial: Vec<u8>,
}

impl Splitter {
    fn push(&mut self, data: &[u8], mut line: impl FnMut(String)) {
        for piece in data.split_inclusive(|&octet| octet == b'\n') {
            self.partial.extend_from_slice(piece);
            while self.partial.len() > LONGEST {
                let rest = self.partial.split_off(LONGEST);
                line(text(&std::mem::replace(&mut self.partial, rest)));
            }
            if self.partial.ends_with(b"\n") {
                line(text(&std::mem::take(&mut self.partial)));
            }
        }
    }

    fn finish(self, mut line: impl FnMut(String)) {
        if !self.partial.is_empty() {
            line(text(&self.partial));
        }
    }
}

fn text(line: &[u8]) -> String {
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn split(chunks: &[&[u8]]) -> Vec<String> {
        let mut lines = Vec::new();
        let mut splitter = Splitter::default();
        for chunk in chunks {
            splitter.push(chunk, |line| lines.push(line));
        }
        splitter.finish(|line| lines.push(line));
        lines
    }

    #[test]
    fn lines_are_joined_across_reads_and_the_last_partial_one_counts() {
        assert_eq!(split(&[b"on", b"e\n\ntwo\r\nth", b"ree"]), ["one", "", "two", "three"]);
    }

    #[test]
    fn what_is_not_utf8_is_replaced() {
        assert_eq!(split(&[b"caf\xe9\n"]), ["caf\u{fffd}"]);
    }

    #[test]
    fn a_long_line_comes_in_pieces() {
        let lines = split(&[&[b'x'; 2 * LONGEST + 1], b"\n", b"y\n"]);
        assert_eq!(lines.iter().map(String::len).collect::<Vec<_>>(), [LONGEST, LONGEST, 1, 1]);
    }
}
