//! The end of an output, however long that is.

use std::io::ErrorKind;

use tokio::net::unix::pipe::Receiver;

/// So much of the end is kept, in bytes.
const KEPT: usize = 512;
/// So much of the last line is shown, in characters.
const SHOWN: usize = 160;
/// What a pipe holds at the most (pipe(7)): after the end nobody waits for more.
const IN_THE_PIPE: usize = 65_536;

/// The last bytes of what was read.
#[derive(Debug, Default)]
pub(super) struct Tail(Vec<u8>);

impl Tail {
    /// Reads what is there, in part; says whether there may ever be more.
    pub(super) fn read(&mut self, output: &Receiver) -> bool {
        let mut chunk = [0; 4096];
        match output.try_read(&mut chunk) {
            Ok(0) => false,
            Ok(length) => {
                self.push(&chunk[..length]);
                true
            }
            Err(error) => matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted),
        }
    }

    /// Reads what is in the pipe when the command has ended.
    pub(super) fn read_rest(&mut self, output: &Receiver) {
        let mut chunk = [0; 4096];
        for _ in 0..IN_THE_PIPE / chunk.len() {
            match output.try_read(&mut chunk) {
                Ok(length @ 1..) => self.push(&chunk[..length]),
                _ => return,
            }
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(&bytes[bytes.len().saturating_sub(KEPT)..]);
        self.0.drain(..self.0.len().saturating_sub(KEPT));
    }

    /// The last line that is not empty, on one line whatever is in it, or the end of it if it is long.
    pub(super) fn last_line(&self) -> String {
        let text = String::from_utf8_lossy(&self.0);
        let line = text.lines().map(str::trim).rfind(|line| !line.is_empty()).unwrap_or_default();
        let cut = line.char_indices().rev().nth(SHOWN - 1).map_or(0, |(start, _)| start);
        line[cut..].chars().map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_is_shown() {
        for (output, last_line) in [
            ("", ""),
            ("\n \n", ""),
            ("one", "one"),
            ("one\ntwo\n\n", "two"),
            ("one\r\ntwo\r\n", "two"),
            ("a\x1b[1mb", "a\u{fffd}[1mb"),
        ] {
            let mut tail = Tail::default();
            output.bytes().for_each(|byte| tail.push(&[byte]));
            assert_eq!(tail.last_line(), last_line, "{output:?}");
        }
    }

    #[test]
    fn however_long_it_is_little_is_kept() {
        let mut tail = Tail::default();
        for _ in 0..100 {
            tail.push("ä".repeat(5000).as_bytes());
            assert!(tail.0.len() <= KEPT);
        }
        assert_eq!(tail.last_line(), "ä".repeat(SHOWN));
    }
}
