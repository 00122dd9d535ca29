//! BIRD's control socket (2.0 to 3.1): lines of text, answered by lines that begin with a four-digit code.
//!
//! The routes are in protocols whose names begin with the watchdog's: enabling them announces, disabling withdraws. They
//! begin `disabled` in the configuration, so that a BIRD without a watchdog announces nothing.

use super::dialect::{Complaint, Dialect, Script, Standing};
use crate::machine::Verb;

#[cfg(test)]
mod tests;

/// Codes from here on are errors.
const ERRORS: u16 = 8000;

const READY: u16 = 1;
const DISABLED: [u16; 2] = [9, 8];
const ENABLED: [u16; 2] = [11, 10];
const END: u16 = 0;
const PROTOCOL: u16 = 1002;
const PROTOCOLS_HEADER: u16 = 2002;
const NO_MATCH: u16 = 8003;
const DENIED: u16 = 8007;

/// Speaks to BIRD about the protocols `NAME*`.
#[derive(Debug, Clone)]
pub(crate) struct Bird {
    name: String,
}

/// The lines of a reply, each with its code; the last one closes it.
pub(crate) type Reply = Vec<(u16, String)>;

impl Bird {
    /// For the protocols whose names begin with `name`, which [`is_name`] accepts.
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned() }
    }

    fn pattern(&self) -> String {
        format!("\"{}*\"", self.name)
    }

    fn line(&self, command: &str) -> Script {
        Script::of_lines(&[format!("{command} {}", self.pattern())], b'\n')
    }

    fn refusal(&self, code: u16, text: &str) -> Complaint {
        let hint = match code {
            NO_MATCH => {
                format!("; hint: expected protocols named {}, in bird.conf or by another --name", self.pattern())
            }
            DENIED => {
                "; hint: this control socket is restricted to reading; name the other one with --socket".to_owned()
            }
            _ => String::new(),
        };
        Complaint::Refused(format!("{code:04} {text}{hint}"))
    }

    /// The lines of the reply to a command, if it ends well.
    fn body<'r>(&self, replies: &'r [Reply]) -> Result<&'r [(u16, String)], Complaint> {
        let lines = replies.first().map_or(&[][..], Vec::as_slice);
        if let Some((code, text)) = lines.iter().find(|(code, _)| *code >= ERRORS) {
            return Err(self.refusal(*code, text));
        }
        match lines.split_last() {
            Some(((END, _), body)) if !body.is_empty() => Ok(body),
            _ => Err(Complaint::Nonsense(format!("expected lines about protocols, then 0000, found {lines:?}"))),
        }
    }
}

/// Whether it is safe within BIRD's quotes, and means itself in a pattern.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.:".contains(c))
}

impl Dialect for Bird {
    type Reply = Reply;

    const DAEMON: &'static str = "BIRD";

    /// BIRD speaks first.
    fn hello(&self) -> Script {
        Script { bytes: Vec::new(), replies: 1 }
    }

    fn command(&self, verb: Verb) -> Script {
        self.line(match verb {
            Verb::Announce => "enable",
            Verb::Withdraw => "disable",
        })
    }

    fn question(&self) -> Script {
        self.line("show protocols")
    }

    /// `CODE-text` is followed by more, `CODE text` is the last; a blank stands for the code before, `+` for a log message.
    fn take_reply(&self, received: &mut Vec<u8>) -> Result<Option<Reply>, Complaint> {
        let mut reply = Reply::new();
        let mut taken = 0;
        while let Some(length) = received[taken..].iter().position(|&byte| byte == b'\n') {
            let line = String::from_utf8_lossy(&received[taken..taken + length]).into_owned();
            taken += length + 1;
            if line.starts_with('+') {
                continue;
            }
            let (code, text, is_last) = parse(&line, reply.last().map(|(code, _)| *code))?;
            reply.push((code, text));
            if is_last {
                received.drain(..taken);
                return Ok(Some(reply));
            }
        }
        Ok(None)
    }

    fn greeted(&self, replies: &[Reply]) -> Result<String, Complaint> {
        match replies.first().map(Vec::as_slice) {
            Some([(READY, text)]) => Ok(text.clone()),
            other => Err(Complaint::Nonsense(format!("expected `0001 BIRD ... ready.`, found {other:?}"))),
        }
    }

    fn obeyed(&self, verb: Verb, replies: &[Reply]) -> Result<(), Complaint> {
        let expected = match verb {
            Verb::Announce => ENABLED,
            Verb::Withdraw => DISABLED,
        };
        match self.body(replies)?.iter().find(|(code, _)| !expected.contains(code)) {
            Some((code, text)) => {
                Err(Complaint::Nonsense(format!("expected one of {expected:04?}, found {code:04} {text}")))
            }
            None => Ok(()),
        }
    }

    fn holds(&self, verb: Verb, replies: &[Reply]) -> Result<Standing, Complaint> {
        let wanted = match verb {
            Verb::Announce => "up",
            Verb::Withdraw => "down",
        };
        let mut states = Vec::new();
        for (code, text) in self.body(replies)? {
            // Name, protocol, table, state, since, and what else there is to say.
            let mut columns = text.split_whitespace();
            match (*code, columns.next(), columns.nth(2)) {
                (PROTOCOLS_HEADER, ..) => {}
                (PROTOCOL, Some(name), Some(state)) if name.starts_with(&self.name) => states.push((name, state)),
                _ => {
                    return Err(Complaint::Nonsense(format!(
                        "expected a protocol {}, found {code:04} {text}",
                        self.pattern()
                    )));
                }
            }
        }
        let detail: Vec<_> = states.iter().map(|(name, state)| format!("{name} {state}")).collect();
        let detail = detail.join(", ");
        match states.iter().all(|(_, state)| *state == wanted) {
            _ if states.is_empty() => Err(Complaint::Nonsense("expected protocols, found only a header".to_owned())),
            true => Ok(Standing::Holds(detail)),
            false => Ok(Standing::NotYet(detail)),
        }
    }
}

/// A line's code, its text, and whether it is the last.
fn parse(line: &str, before: Option<u16>) -> Result<(u16, String, bool), Complaint> {
    let nonsense = || Complaint::Nonsense(format!("expected a line with a four-digit code, found `{line}`"));
    if let Some(text) = line.strip_prefix(' ') {
        return Ok((before.ok_or_else(nonsense)?, text.to_owned(), false));
    }
    let (code, rest) = line.split_at_checked(4).ok_or_else(nonsense)?;
    if !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(nonsense());
    }
    let code = code.parse().map_err(|_| nonsense())?;
    match rest.split_at_checked(1) {
        Some(("-", text)) => Ok((code, text.to_owned(), false)),
        Some((" ", text)) => Ok((code, text.to_owned(), true)),
        _ => Err(nonsense()),
    }
}
