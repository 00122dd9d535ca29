//! BIRD's replies: lines with a four-digit code each, of which the last is marked.

use super::super::dialect::Complaint;

/// Codes from here on are errors.
pub(super) const ERRORS: u16 = 8000;
/// The control socket is restricted.
pub(super) const DENIED: u16 = 8007;

pub(super) const END: u16 = 0;
const NO_MATCH: u16 = 8003;

/// The lines of a reply, each with its code; the last one closes it.
pub(crate) type Reply = Vec<(u16, String)>;

/// Takes out the log messages, which begin with `+`; whether there were any whole ones.
pub(super) fn take_messages(received: &mut Vec<u8>) -> bool {
    let is_message = |line: &&[u8]| line.starts_with(b"+") && line.ends_with(b"\n");
    let kept: Vec<u8> =
        received.split_inclusive(|&byte| byte == b'\n').filter(|line| !is_message(line)).flatten().copied().collect();
    let there_were = kept.len() < received.len();
    *received = kept;
    there_were
}

/// Takes the first whole reply. `CODE-text` is followed by more, `CODE text` is the last; a blank stands for the code before.
pub(super) fn take(received: &mut Vec<u8>) -> Result<Option<Reply>, Complaint> {
    let mut reply = Reply::new();
    let mut taken = 0;
    while let Some(length) = received[taken..].iter().position(|&byte| byte == b'\n') {
        let line = String::from_utf8_lossy(&received[taken..taken + length]).into_owned();
        taken += length + 1;
        let (code, text, is_last) = parse(&line, reply.last().map(code_of))?;
        reply.push((code, text));
        if is_last {
            received.drain(..taken);
            return Ok(Some(reply));
        }
    }
    Ok(None)
}

/// The lines of a reply that ends well, without its end.
pub(super) fn body(reply: &Reply) -> Result<&[(u16, String)], Complaint> {
    if let Some((code, text)) = reply.iter().find(|(code, _)| *code >= ERRORS) {
        return Err(refusal(*code, text));
    }
    match reply.split_last() {
        Some(((END, _), body)) if !body.is_empty() => Ok(body),
        _ => Err(Complaint::Nonsense(format!("expected lines about protocols, then 0000, found {reply:?}"))),
    }
}

pub(super) fn code_of((code, _): &(u16, String)) -> u16 {
    *code
}

pub(super) fn refusal(code: u16, text: &str) -> Complaint {
    let hint = match code {
        NO_MATCH => "; hint: was it taken out of bird.conf just now?",
        DENIED => "; hint: this control socket is restricted to reading; name the other one",
        _ => "",
    };
    Complaint::Refused(format!("{code:04} {text}{hint}"))
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
