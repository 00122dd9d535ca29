//! The record's lines: format 1, and what is read of format 0. `docs/record.md` describes both.

use std::borrow::Cow;
use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};

use protocol::Outcome;
use serde::{Deserialize, Serialize};

use super::event::{Event, Seen};
use super::name::Names;

/// The format of the records that this version writes: `history.jsonl.zst` and `plan.json`.
pub const FORMAT: u32 = 1;

/// The program that writes records, and its version.
pub const WRITER: &str = concat!("anycast-lab ", env!("CARGO_PKG_VERSION"));

/// The first line of a history, and the first keys of a plan. Records of format 0 have none.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Header {
    /// The format's number.
    #[serde(default)]
    pub format: u32,
    /// Which program wrote it, in which version.
    #[serde(default)]
    pub by: String,
}

impl Default for Header {
    fn default() -> Self {
        Self { format: FORMAT, by: WRITER.to_owned() }
    }
}

impl Header {
    /// Refuses a format that this version does not know.
    ///
    /// # Errors
    /// The record is of a newer format; it says of which, and what reads it.
    pub fn check(&self) -> io::Result<()> {
        if self.format <= FORMAT {
            return Ok(());
        }
        let Self { format, by } = self;
        let by = if by.is_empty() { "a newer anycast-lab" } else { by };
        Err(io::Error::other(format!(
            "the record has format {format}, and {WRITER} reads formats 0 to {FORMAT}\nhint: judge it with {by}, which wrote it"
        )))
    }
}

/// A line as it is written: what rarely changes comes first, for the sake of compression.
///
/// Answers, and what servers saw of them, are most of a history: they have no keys of their own.
#[derive(Serialize)]
struct Written<'e> {
    #[serde(skip_serializing_if = "Option::is_none")]
    node: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<Answer<&'e str>>,
    /// Address, client, its port, ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    served: Option<(IpAddr, IpAddr, u16, u16)>,
    #[serde(skip_serializing_if = "Option::is_none")]
    saw: Option<&'e Seen>,
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    at: u64,
}

/// A line as it is read: one of `saw`, `answer` and `served` is there, or it is a header.
#[derive(Deserialize)]
struct Read<'l> {
    #[serde(borrow)]
    node: Option<Text<'l>>,
    since: Option<u64>,
    at: Option<u64>,
    saw: Option<Seen>,
    #[serde(borrow)]
    answer: Option<Answer<Text<'l>>>,
    served: Option<(IpAddr, IpAddr, u16, u16)>,
    format: Option<u32>,
    #[serde(borrow)]
    by: Option<Text<'l>>,
}

/// A text that stays in its line, if nothing in it is escaped.
#[derive(Deserialize)]
struct Text<'l>(#[serde(borrow)] Cow<'l, str>);

/// An answer: service, address, instance, RCODE, records, number, port, ID, nanoseconds until `at`.
#[derive(Serialize, Deserialize)]
struct Answer<T>(T, IpAddr, T, u16, u16, u64, u16, u16, u64);

/// What a line holds.
pub(super) enum Line {
    Header(Header),
    Event(Event),
}

/// Writes an event's line.
///
/// # Errors
/// It cannot be written, or not be told in JSON.
pub(super) fn write(event: &Event, mut out: impl Write) -> io::Result<()> {
    let Event { at, since, node, saw } = event;
    let mut line = Written { node: node.as_deref(), answer: None, served: None, saw: None, since: *since, at: *at };
    match saw {
        Seen::Query {
            service,
            number,
            to,
            port,
            id,
            sent,
            outcome: Outcome::Answer { instance, rcode, answers, rtt },
        } if sent.checked_add(*rtt) == Some(*at) => {
            line.answer = Some(Answer(service, *to, instance, *rcode, *answers, *number, *port, *id, *rtt));
        }
        // A scope or a flow has no place in the short form.
        Seen::Served { to, client, id } if SocketAddr::new(client.ip(), client.port()) == *client => {
            line.served = Some((*to, client.ip(), client.port(), *id));
        }
        saw => line.saw = Some(saw),
    }
    serde_json::to_writer(&mut out, &line)?;
    out.write_all(b"\n")
}

/// Writes the first line of a history.
///
/// # Errors
/// It cannot be written.
pub(super) fn write_header(mut out: impl Write) -> io::Result<()> {
    serde_json::to_writer(&mut out, &Header::default())?;
    out.write_all(b"\n")
}

/// Reads a line of either format. Unknown keys are ignored.
///
/// # Errors
/// It is not a line of a history.
pub(super) fn read(line: &[u8], names: &mut Names) -> io::Result<Line> {
    let read: Read<'_> = serde_json::from_slice(line)?;
    let Read { node, since, at, saw, answer, served, format, by } = read;
    if let Some(format) = format {
        let by = by.map(|by| by.0.into_owned()).unwrap_or_default();
        return Ok(Line::Header(Header { format, by }));
    }
    let missing = |what| io::Error::new(io::ErrorKind::InvalidData, format!("an event needs the key {what}"));
    let at = at.ok_or_else(|| missing("`at`"))?;
    let saw = match (saw, answer, served) {
        (Some(Seen::Query { service, number, to, port, id, sent, outcome }), ..) => {
            Seen::Query { service: names.of(&service), number, to, port, id, sent, outcome }
        }
        (Some(saw), ..) => saw,
        (None, Some(Answer(service, to, instance, rcode, answers, number, port, id, rtt)), _) => {
            let sent = at.checked_sub(rtt).ok_or_else(|| missing("`at` not before its query was sent"))?;
            let outcome = Outcome::Answer { instance: instance.0.into_owned(), rcode, answers, rtt };
            Seen::Query { service: names.of(&service.0), number, to, port, id, sent, outcome }
        }
        (None, None, Some((to, client, port, id))) => Seen::Served { to, client: SocketAddr::new(client, port), id },
        (None, None, None) => return Err(missing("`saw`, `answer` or `served`")),
    };
    Ok(Line::Event(Event { at, since, node: node.map(|node| names.of(&node.0)), saw }))
}
