//! ExaBGP's dialect: commands on stdout for its own static routes, and what it tells its helper on stdin.
//!
//! It answers each command with `done` or `error` (versions 4 and 5, unless told not to), adds events of its sessions if
//! configured to, and ends with `shutdown` or the end of the file. All of it must be read: ExaBGP writes without a limit of
//! time, so a helper that does not read stops its BGP sessions once the pipe is full.

use std::io::{self, BufRead, BufReader, Read};
use std::thread;

use tokio::sync::mpsc::UnboundedSender;

use crate::machine::Verb;

/// The command for all routes whose watchdog is `name`.
pub(crate) fn command(verb: Verb, name: &str) -> String {
    format!("{verb} watchdog {name}")
}

/// Something ExaBGP told us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Heard {
    /// It understood a command. That the neighbours know is not said.
    Done,
    /// It did not understand a command.
    Error,
    /// It ends.
    Shutdown,
    /// It is gone.
    End,
}

/// Reads `input` to its end in a thread of its own.
///
/// # Errors
/// When there can be no thread.
pub fn listen(input: impl Read + Send + 'static, heard: UnboundedSender<Heard>) -> io::Result<()> {
    thread::Builder::new().name("listener".to_owned()).spawn(move || {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            if let Some(known) = recognise(&line) {
                // Once nobody listens the process is ending; read on, so that ExaBGP can write on.
                heard.send(known).ok();
            }
            line.clear();
        }
        heard.send(Heard::End).ok();
    })?;
    Ok(())
}

/// Events, in JSON or text, are passed over.
fn recognise(line: &[u8]) -> Option<Heard> {
    let first_word = line.split(|byte| byte.is_ascii_whitespace() || *byte == b':').next()?;
    match first_word {
        b"done" => Some(Heard::Done),
        b"error" => Some(Heard::Error),
        b"shutdown" => Some(Heard::Shutdown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recognises_what_concerns_us() {
        for (line, heard) in [
            ("done\n", Some(Heard::Done)),
            ("error\n", Some(Heard::Error)),
            ("error: no neighbour\n", Some(Heard::Error)),
            ("shutdown 4711 1\n", Some(Heard::Shutdown)),
            ("\n", None),
            ("{ \"exabgp\": \"5.0.0\", \"type\": \"state\" }\n", None),
            ("neighbor 10.1.53.254 up\n", None),
        ] {
            assert_eq!(recognise(line.as_bytes()), heard, "{line}");
        }
    }

    #[test]
    fn reads_to_the_end() {
        let (sender, mut heard) = tokio::sync::mpsc::unbounded_channel();
        listen("done\n{}\nerror\nshutdown 1 1".as_bytes(), sender).unwrap();
        let all: Vec<_> = std::iter::from_fn(|| heard.blocking_recv()).collect();
        assert_eq!(all, [Heard::Done, Heard::Error, Heard::Shutdown, Heard::End]);
    }
}
