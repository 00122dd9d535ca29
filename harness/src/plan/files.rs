//! The files of a node: whole for the node itself, without keys for everybody else.

use std::fmt;

use protocol::{Bytes, File};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::spec::{Secret, without_passwords};

/// Files, by path. Written down, as in `plan.json`, they lack the keys.
#[derive(Clone, Default, PartialEq)]
pub struct Files {
    whole: Vec<File>,
    secrets: Vec<Secret>,
}

impl Files {
    /// Files that may hold these secrets.
    #[must_use]
    pub fn new(whole: Vec<File>, secrets: Vec<Secret>) -> Self {
        Self { whole, secrets }
    }

    /// As the node gets them.
    #[must_use]
    pub fn whole(&self) -> &[File] {
        &self.whole
    }

    /// As anybody may read them.
    pub fn shown(&self) -> impl Iterator<Item = File> {
        self.whole.iter().map(|file| match std::str::from_utf8(&file.content.0) {
            Ok(text) => File { content: Bytes(without_passwords(&self.redact(text)).into_bytes()), ..file.clone() },
            // No text: keys are in text.
            Err(_) => file.clone(),
        })
    }

    /// A text that may quote these files, without the secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.secrets.iter().fold(text.to_owned(), |text, secret| secret.redact(&text))
    }
}

impl Serialize for Files {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.shown())
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(Self::new(Vec::deserialize(deserializer)?, Vec::new()))
    }
}

impl fmt::Debug for Files {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.shown()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_node_gets_the_keys() {
        let file = |text: &str| File { path: "/a".to_owned(), mode: 0o644, content: text.into() };
        let files = Files::new(vec![file("x = k3y; md5-password other;")], vec![Secret::from("k3y")]);
        assert_eq!(files.whole(), [file("x = k3y; md5-password other;")]);
        assert_eq!(files.shown().collect::<Vec<_>>(), [file("x = •••; md5-password •••;")]);
        let written = serde_json::to_string(&files).expect("JSON");
        let read: Files = serde_json::from_str(&written).expect("files");
        assert_eq!(read.whole(), [file("x = •••; md5-password •••;")]);
        assert!(!format!("{files:?}").contains("k3y"));
    }
}
