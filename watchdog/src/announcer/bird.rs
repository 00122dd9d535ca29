//! BIRD 2 and 3: lines on its control socket, answered by lines with a code of four digits.
//!
//! A code and `-` begin a line that is followed by more, a code and a blank the last one, a blank alone one more of the code
//! before (BIRD programmer's documentation, command-line interface).

use std::io::{self, BufReader, Write as _};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;

use super::assert::{Dialect, PATIENCE, Refusal};
use crate::machine::Verb;

/// The codes of `enable` and `disable`: already disabled, disabled, already enabled, enabled.
const DONE: std::ops::RangeInclusive<u16> = 8..=11;

/// Codes from here on are errors.
const ERRORS: u16 = 8000;

pub(super) struct Bird {
    socket: PathBuf,
    /// The protocols, as a pattern: BIRD's names may hold letters, digits and underscores, or anything within quotes.
    protocols: String,
}

impl Bird {
    pub(super) fn new(socket: PathBuf, name: &str) -> Self {
        Self { socket, protocols: format!("\"{}*\"", name.replace('"', "")) }
    }
}

impl Dialect for Bird {
    const NAME: &'static str = "BIRD";
    type Session = BufReader<UnixStream>;

    fn open(&self) -> io::Result<Self::Session> {
        let stream = UnixStream::connect(&self.socket)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_write_timeout(Some(PATIENCE))?;
        let mut session = BufReader::new(stream);
        let welcome = reply(&mut session)?;
        if welcome.first().is_some_and(|(code, _)| *code == 1) {
            return Ok(session);
        }
        Err(io::Error::other(format!("expected BIRD's welcome (0001), found {welcome:?}")))
    }

    fn assert(&self, session: &mut Self::Session, verb: Verb) -> Result<String, Refusal> {
        let (command, state) = match verb {
            Verb::Announce => ("enable", "up"),
            Verb::Withdraw => ("disable", "down"),
        };
        let done = ask(session, &format!("{command} {}", self.protocols))?;
        if let Some((code, text)) = done.iter().find(|(code, _)| *code >= ERRORS) {
            return Err(Refusal::Refused(format!(
                "`{command} {}`: {code:04} {text}; hint: its protocols are to be named so, and to start `disabled`",
                self.protocols
            )));
        }
        let protocols = done.iter().filter(|(code, _)| DONE.contains(code)).count();
        if protocols == 0 {
            return Err(Refusal::Refused(format!(
                "expected a line for each protocol of {}, found {done:?}",
                self.protocols
            )));
        }
        let shown = ask(session, &format!("show protocols {}", self.protocols))?;
        let is = |text: &str| text.split_whitespace().nth(3) == Some(state);
        let wrong = shown.iter().find(|(code, text)| *code == 1002 && !is(text));
        match wrong {
            Some((_, text)) => {
                Err(Refusal::Refused(format!("expected each protocol {state}, found `{}`", text.trim())))
            }
            None => Ok(format!("{protocols} protocols {state}")),
        }
    }

    fn stream(session: &Self::Session) -> &UnixStream {
        session.get_ref()
    }
}

fn ask(session: &mut BufReader<UnixStream>, command: &str) -> io::Result<Vec<(u16, String)>> {
    session.get_mut().write_all(format!("{command}\n").as_bytes())?;
    reply(session)
}

/// The lines of one reply, with their codes.
fn reply(from: &mut impl io::BufRead) -> io::Result<Vec<(u16, String)>> {
    let mut lines: Vec<(u16, String)> = Vec::new();
    loop {
        let mut line = String::new();
        if from.read_line(&mut line)? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let line = line.trim_end_matches('\n');
        let code = line.get(..4).and_then(|digits| digits.parse::<u16>().ok());
        match (code, line.get(4..5), lines.last()) {
            // Said unasked.
            _ if line.starts_with('+') => {}
            (Some(code), Some(more @ ("-" | " ")), _) => {
                lines.push((code, line.get(5..).unwrap_or_default().to_owned()));
                if more == " " {
                    return Ok(lines);
                }
            }
            (_, _, Some((code, _))) if line.starts_with(' ') => {
                let code = *code;
                lines.push((code, line.get(1..).unwrap_or_default().to_owned()));
            }
            _ => return Err(io::Error::other(format!("expected a line with a code of four digits, found `{line}`"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<(u16, String)> {
        reply(&mut text.as_bytes()).unwrap()
    }

    #[test]
    fn replies_of_one_and_of_many_lines() {
        assert_eq!(read("0001 BIRD 2.17.1 ready.\n"), [(1, "BIRD 2.17.1 ready.".to_owned())]);
        let enabled = read("0011-anycastdns_v4: enabled\n anycastdns_v6: enabled\n0000 \nrest");
        assert_eq!(enabled.iter().map(|(code, _)| *code).collect::<Vec<_>>(), [11, 11, 0]);
        assert_eq!(read("8003 No protocols match\n"), [(8003, "No protocols match".to_owned())]);
    }

    #[test]
    fn what_is_cut_short_or_strange_is_no_reply() {
        assert!(reply(&mut "0011-anycastdns: enabled\n".as_bytes()).is_err());
        assert!(reply(&mut "hello\n".as_bytes()).is_err());
        assert!(reply(&mut "".as_bytes()).is_err());
    }
}
