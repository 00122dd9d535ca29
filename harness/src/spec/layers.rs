//! Files and the layers of what they say: an error about a value is shown in the layer that set it.

use std::path::Path;

use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::error::SpecError;
use super::source::{KeyPath, Point, Segment, Source};
use crate::value::Regular;

/// Where each layer of a topology stands, the one that wins first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layers(pub(super) Vec<(Source, KeyPath)>);

impl Layers {
    /// An error about the value at `path`, shown in the layer that sets it.
    pub(super) fn error(&self, path: &KeyPath, message: impl Into<String>) -> SpecError {
        self.error_at(path, Point::Value, message)
    }

    fn error_at(&self, path: &KeyPath, point: Point, message: impl Into<String>) -> SpecError {
        let place = self
            .0
            .iter()
            .rev()
            .filter_map(|(source, prefix)| {
                let whole = prefix.join(path);
                let (found, place) = source.locate(&whole, point)?;
                // Only what was found below the layer's own prefix counts.
                Some((found.saturating_sub(prefix.0.len()), place))
            })
            .max_by_key(|(found, _)| *found)
            .map(|(_, place)| place);
        SpecError { message: message.into(), place, hint: None }
    }
}

/// Reads a scenario file that the user names.
pub(super) fn read(file: &Path) -> Result<Source, SpecError> {
    let content = Regular::open(file).and_then(Regular::read);
    text(file, content.map_err(|error| SpecError::new(error.to_string()))?)
}

/// The text of a file; what is no UTF-8 is an error at its line.
pub(super) fn text(file: &Path, content: Vec<u8>) -> Result<Source, SpecError> {
    let file = file.to_owned();
    String::from_utf8(content).map(|text| Source { file: file.clone(), text }).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let place = Source { file, text: String::from_utf8_lossy(error.as_bytes()).into_owned() }.place(at..at + 1);
        SpecError { message: "the file is no UTF-8".to_owned(), place: Some(place), hint: None }
    })
}

pub(super) fn table(source: &Source) -> Result<Table, SpecError> {
    toml::from_str(&source.text).map_err(|error| SpecError {
        message: error.message().to_owned(),
        place: Some(source.place(error.span().unwrap_or(0..0))),
        hint: None,
    })
}

/// A message that may quote a value: without the middle of a long one, and without control characters.
fn shortened(message: &str) -> String {
    const LONGEST: usize = 400;
    let clean: Vec<char> = message.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    match clean.len() {
        ..=LONGEST => clean.into_iter().collect(),
        length => {
            let (head, tail) = (clean.iter().take(LONGEST / 2), clean.iter().skip(length - LONGEST / 2));
            head.chain(['…'].iter()).chain(tail).collect()
        }
    }
}

pub(super) fn decode<T: DeserializeOwned>(table: Table, layers: &Layers) -> Result<T, SpecError> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        use serde_path_to_error::Segment as S;
        let mut path = KeyPath(
            error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    S::Seq { index } => Some(Segment::Index(*index)),
                    S::Map { key } => Some(Segment::Key(key.clone())),
                    S::Enum { .. } | S::Unknown => None,
                })
                .collect(),
        );
        let message = shortened(error.inner().message());
        // The error names the table that the key is in; the caret belongs under the key.
        if let Some(key) = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
            if path.0.last() != Some(&Segment::Key(key.to_owned())) {
                path = path.key(key);
            }
            return layers.error_at(&path, Point::Key, message);
        }
        match path.0.last() {
            None => layers.error(&path, message),
            // The message may quote the value.
            Some(Segment::Key(key)) if message.starts_with("invalid ") && crate::secret::is_secret(key) => {
                layers.error(&path, format!("{path}: not a value of the expected type"))
            }
            Some(_) => layers.error(&path, format!("{path}: {message}")),
        }
    })
}
