//! What a daemon writes, line by line.

/// A longer line is reported in pieces.
const LONGEST: usize = 8 * 1024;

/// Cuts what was read into lines.
#[derive(Default)]
pub(crate) struct Splitter {
    partial: Vec<u8>,
}

impl Splitter {
    /// Calls `line` with each line that these bytes complete.
    pub(crate) fn push(&mut self, data: &[u8], mut line: impl FnMut(String)) {
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

    /// Calls `line` with a last line that has no end.
    pub(crate) fn finish(self, mut line: impl FnMut(String)) {
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
