//! Where in which file a value stands: errors point at it with a caret.

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;

use toml::de::{DeTable, DeValue};

/// A file that a scenario was read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Its path, as the user named it.
    pub file: PathBuf,
    /// Its text.
    pub text: String,
}

/// One step from a table or array to what it holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Segment {
    /// Into a table.
    Key(String),
    /// Into an array.
    Index(usize),
}

/// A path into a document, such as `nodes.ns1.on.servers[0]`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyPath(pub Vec<Segment>);

impl KeyPath {
    /// From a text such as `nodes.ns1.on`; keys only.
    #[must_use]
    pub fn of(keys: &[&str]) -> Self {
        Self(keys.iter().map(|key| Segment::Key((*key).to_owned())).collect())
    }

    /// One key further.
    #[must_use]
    pub fn key(&self, key: &str) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Key(key.to_owned()));
        path
    }

    /// One element further.
    #[must_use]
    pub fn index(&self, index: usize) -> Self {
        let mut path = self.clone();
        path.0.push(Segment::Index(index));
        path
    }

    /// `other` below this.
    #[must_use]
    pub fn join(&self, other: &Self) -> Self {
        Self([self.0.as_slice(), other.0.as_slice()].concat())
    }
}

/// A key as a message shows it: without control characters, and not for ever.
fn shown(key: &str) -> String {
    key.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).take(100).collect()
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Key(key) if i == 0 => write!(f, "{}", shown(key))?,
                Segment::Key(key) => write!(f, ".{}", shown(key))?,
                Segment::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

/// What a caret points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Point {
    /// The key: it should not be there.
    Key,
    /// The value, where it is not a table.
    Value,
}

/// A stretch of a file's text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// Its line, from 1.
    pub line: usize,
    /// Its column, in characters from 1.
    pub column: usize,
    /// The line's text.
    pub text: String,
    /// How many characters are meant.
    pub width: usize,
}

impl Source {
    /// The place of the longest part of `path` that the file has: of its value, or of the key when that is what is meant.
    /// The number is how many segments were found.
    pub(super) fn locate(&self, path: &KeyPath, point: Point) -> Option<(usize, Place)> {
        let document = DeTable::parse(&self.text).ok()?;
        let (mut table, mut array) = (Some(document.get_ref()), None);
        let (mut found, mut span) = (0, None);
        for segment in &path.0 {
            let value = match (segment, table, array) {
                (Segment::Key(key), Some(here), _) => {
                    let Some((key, value)) = here.iter().find(|(k, _)| k.get_ref().as_ref() == key) else {
                        break;
                    };
                    span = Some(key.span());
                    value
                }
                (Segment::Index(index), _, Some(here)) => {
                    let here: &toml::de::DeArray<'_> = here;
                    let Some(value) = here.get(*index) else { break };
                    span = Some(value.span());
                    value
                }
                _ => break,
            };
            found += 1;
            (table, array) = match value.get_ref() {
                DeValue::Table(inner) => (Some(inner), None),
                DeValue::Array(inner) => (None, Some(inner)),
                _ => {
                    if found == path.0.len() && point == Point::Value {
                        span = Some(value.span());
                    }
                    (None, None)
                }
            };
        }
        Some((found, self.place(span.unwrap_or(0..0))))
    }

    /// The line and column of a span of octets.
    #[must_use]
    pub fn place(&self, span: Range<usize>) -> Place {
        let start = span.start.min(self.text.len());
        let before = self.text.get(..start).unwrap_or("");
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let text = crate::secret::without_keys(self.text.get(line_start..).unwrap_or("").lines().next().unwrap_or(""));
        let column = before.get(line_start..).unwrap_or("").chars().count() + 1;
        let meant = self.text.get(span).unwrap_or("").lines().next().unwrap_or("").chars().count();
        let width = meant.clamp(1, text.chars().count().saturating_sub(column - 1).max(1));
        Place { file: self.file.clone(), line: before.matches('\n').count() + 1, column, text, width }
    }
}

/// How much of a line is shown, in characters.
const WINDOW: usize = 160;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { file, line, column, text, width } = self;
        // Of a long line, the part around the caret.
        let first = if text.chars().count() > WINDOW { column.saturating_sub(WINDOW / 2) } else { 0 };
        let text: String = text.chars().skip(first).take(WINDOW).collect();
        // A control character would move the caret, or do worse to a terminal.
        let text = text.replace(|c: char| c.is_control() && c != '\t', "\u{fffd}");
        let (indent, width) = (column - 1 - first, (*width).min(WINDOW - (column - 1 - first).min(WINDOW - 1)));
        let gutter = line.to_string().len().max(4);
        writeln!(f, "{:>gutter$}--> {}:{line}:{column}", "", file.display())?;
        writeln!(f, "{line:>gutter$} | {text}")?;
        write!(f, "{:>gutter$} | {:>indent$}{}", "", "", "^".repeat(width))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source { file: "a.toml".into(), text: text.to_owned() }
    }

    #[test]
    fn a_value_in_an_array_of_an_inline_table_is_found() {
        let source = source("title = 'x'\n[nodes.ns1]\non = { servers = ['10.1.53.11', '2001:db8::1'] }\n");
        let path = KeyPath::of(&["nodes", "ns1", "on", "servers"]).index(1);
        let (found, place) = source.locate(&path, Point::Value).expect("parses");
        assert_eq!((found, place.line, place.column, place.width), (5, 3, 33, 13));
        insta::assert_snapshot!(place, @r"
            --> a.toml:3:33
           3 | on = { servers = ['10.1.53.11', '2001:db8::1'] }
             |                                 ^^^^^^^^^^^^^
        ");
    }

    #[test]
    fn what_is_not_there_is_shown_at_its_parent() {
        let source = source("[nodes.ns1]\nasn = 1\n");
        let (found, place) = source.locate(&KeyPath::of(&["nodes", "ns1", "on"]), Point::Value).expect("parses");
        assert_eq!((found, place.line, place.text.as_str()), (2, 1, "[nodes.ns1]"));
    }

    #[test]
    fn an_array_of_tables_is_counted() {
        let source = source("[[step]]\nhold = '1s'\n[[step]]\nhold = '2s'\n");
        let path = KeyPath::of(&["step"]).index(1).key("hold");
        assert_eq!(source.locate(&path, Point::Value).map(|(_, place)| place.line), Some(4));
    }
}
