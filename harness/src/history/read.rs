//! A recorded history, read from its file.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::event::{Event, Seen};
use super::line::{self, Line};
use super::name::Names;

/// What a zstd frame begins with (RFC 8878, section 3.1.1).
const ZSTD: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// A run's events in memory, one after the other. Clones share them.
///
/// Events of one node are in the order of its clock; events of different nodes may be interleaved a little out of order,
/// as they came in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct History(pub(super) Arc<Vec<Event>>);

impl History {
    /// All events.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        &self.0
    }

    /// Reads a recorded history in the order of time; events of the same time stay in the order in which they were recorded.
    ///
    /// # Errors
    /// The file cannot be read, a line of it is not an event, or it is of a newer format; with the file and the line.
    pub fn read(file: &Path) -> io::Result<Self> {
        let mut events = Events::open(file)?.collect::<io::Result<Vec<Event>>>()?;
        if events.is_empty() {
            return Err(io::Error::new(io::ErrorKind::InvalidData, format!("{}: no event is in it", file.display())));
        }
        events.sort_by_key(|event| event.at);
        Ok(Self(Arc::new(events)))
    }
}

impl FromIterator<Event> for History {
    fn from_iter<I: IntoIterator<Item = Event>>(events: I) -> Self {
        Self(Arc::new(events.into_iter().collect()))
    }
}

/// The first hole in these events, if there is one.
#[must_use]
pub fn hole(events: &[Event]) -> Option<(&Event, &str)> {
    events.iter().find_map(|event| match &event.saw {
        Seen::Hole { reason } => Some((event, reason.as_str())),
        _ => None,
    })
}

/// A recorded history's events, one by one, in the order in which they were recorded; a few kilobytes of memory.
///
/// A file is compressed or not, of format 0 or 1: that is seen from its contents. A run that was killed leaves a file whose end
/// is missing: it ends at its last whole line.
pub struct Events {
    file: PathBuf,
    input: Box<dyn BufRead>,
    line: Vec<u8>,
    number: u64,
    names: Names,
    failed: bool,
}

impl Events {
    /// Opens a recorded history.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn open(file: &Path) -> io::Result<Self> {
        let at = |error: io::Error| io::Error::new(error.kind(), format!("cannot read {}: {error}", file.display()));
        let mut input = BufReader::with_capacity(1 << 16, File::open(file).map_err(at)?);
        let mut start = Vec::new();
        input.by_ref().take(ZSTD.len() as u64).read_to_end(&mut start).map_err(at)?;
        let compressed = start == ZSTD;
        let input = io::Cursor::new(start).chain(input);
        let input: Box<dyn BufRead> = if compressed {
            Box::new(BufReader::with_capacity(1 << 17, zstd::Decoder::with_buffer(input).map_err(at)?))
        } else {
            Box::new(input)
        };
        let (line, names) = (Vec::new(), Names::default());
        Ok(Self { file: file.to_owned(), input, line, number: 0, names, failed: false })
    }

    /// The next line's event; none at the end.
    fn read(&mut self) -> io::Result<Option<Event>> {
        loop {
            self.line.clear();
            self.number += 1;
            match self.input.read_until(b'\n', &mut self.line) {
                // zstd's own word for a frame whose end is missing; what came before it is whole.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
                read => read?,
            };
            let Some(line) = self.line.strip_suffix(b"\n") else {
                // A plain file may lack its last newline, or the rest of its last line.
                return match line::read(&self.line, &mut self.names) {
                    Ok(Line::Event(event)) => Ok(Some(event)),
                    Err(error) if self.number == 1 && !self.line.is_empty() => Err(error),
                    _ => Ok(None),
                };
            };
            match line::read(line, &mut self.names)? {
                Line::Header(header) => header.check()?,
                Line::Event(event) => return Ok(Some(event)),
            }
        }
    }
}

impl Iterator for Events {
    type Item = io::Result<Event>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let next = self.read();
        self.failed = !matches!(next, Ok(Some(_)));
        let (file, number) = (self.file.display(), self.number);
        next.map_err(|error| io::Error::new(error.kind(), format!("{file}, line {number}: {error}"))).transpose()
    }
}

impl std::fmt::Debug for Events {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Events").field("file", &self.file).field("line", &self.number).finish_non_exhaustive()
    }
}
