//! The files of a node: whole for the node itself, without keys for everybody else.
//!
//! A file that the user brings is written down by its path and hash. Its contents are shown only when they are asked for.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use protocol::{Bytes, File};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use sha2::{Digest, Sha256};

use crate::secret::{Secret, keys_of, redact, without_passwords};

/// Files, by path. Written down, as in `plan.json`, they lack the keys.
#[derive(Clone, Default, PartialEq)]
pub struct Files {
    whole: Vec<File>,
    secrets: Vec<Secret>,
    /// The SHA-256 of each file that was given, in hexadecimal digits, by its path.
    given: BTreeMap<String, String>,
    /// Files whose contents are not shown.
    closed: BTreeSet<String>,
}

/// A file as anybody may see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shown {
    /// Absolute path in the node.
    pub path: String,
    /// Permission bits, such as 0o644.
    pub mode: u32,
    /// The contents without keys; none of a file that was given, unless they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content: Option<Bytes>,
    /// The SHA-256 of a file that was given, as the node gets it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
}

impl Files {
    /// Files that may hold these secrets. Those at the paths in `given` are the user's own, and may hold others.
    #[must_use]
    pub fn new<'p>(whole: Vec<File>, mut secrets: Vec<Secret>, given: impl IntoIterator<Item = &'p String>) -> Self {
        let mut hashes = BTreeMap::new();
        for path in given {
            let Some(file) = whole.iter().find(|file| file.path == *path) else { continue };
            let hash = Sha256::digest(&file.content.0);
            hashes.insert(path.clone(), hash.iter().map(|byte| format!("{byte:02x}")).collect());
            secrets.extend(std::str::from_utf8(&file.content.0).map(keys_of).unwrap_or_default());
        }
        let closed = hashes.keys().cloned().collect();
        Self { whole, secrets: Vec::new(), given: hashes, closed }.hiding(&secrets)
    }

    /// The same, which may hold these secrets too.
    #[must_use]
    pub fn hiding(mut self, secrets: &[Secret]) -> Self {
        let new = secrets.iter().filter(|secret| !secret.reveal().is_empty()).cloned();
        self.secrets.extend(new);
        // A key that is a part of another one must not leave the rest of that in sight.
        self.secrets.sort_by(|a, b| (b.reveal().len(), a.reveal()).cmp(&(a.reveal().len(), b.reveal())));
        self.secrets.dedup();
        self
    }

    /// The same with the contents of files that were given in what is shown, but for their keys.
    #[must_use]
    pub fn opened(mut self) -> Self {
        self.closed.clear();
        self
    }

    /// What the files may hold and nobody is to read.
    pub(super) fn secrets(&self) -> &[Secret] {
        &self.secrets
    }

    /// As the node gets them.
    #[must_use]
    pub fn whole(&self) -> &[File] {
        &self.whole
    }

    /// As anybody may read them.
    pub fn shown(&self) -> impl Iterator<Item = Shown> {
        self.whole.iter().map(|file| {
            let content = || match std::str::from_utf8(&file.content.0) {
                Ok(text) => Bytes(without_passwords(&self.redact(text)).into_bytes()),
                // No text: keys are in text.
                Err(_) => file.content.clone(),
            };
            Shown {
                path: file.path.clone(),
                mode: file.mode,
                content: (!self.closed.contains(&file.path)).then(content),
                sha256: self.given.get(&file.path).cloned(),
            }
        })
    }

    /// A text that may quote these files, without the secrets.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        redact(text, &self.secrets)
    }
}

impl Serialize for Files {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.shown())
    }
}

impl<'de> Deserialize<'de> for Files {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut files = Self::default();
        for Shown { path, mode, content, sha256 } in Vec::<Shown>::deserialize(deserializer)? {
            if content.is_none() {
                files.closed.insert(path.clone());
            }
            files.given.extend(sha256.map(|hash| (path.clone(), hash)));
            files.whole.push(File { path, mode, content: content.unwrap_or(Bytes(Vec::new())) });
        }
        Ok(files)
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

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), mode: 0o644, content: text.into() }
    }

    fn contents(files: &Files) -> Vec<Option<String>> {
        let text = |bytes: Bytes| String::from_utf8(bytes.0).expect("a text");
        files.shown().map(|shown| shown.content.map(text)).collect()
    }

    #[test]
    fn only_the_node_gets_the_keys() {
        let text = "x = sesame; md5-password other;";
        let files = Files::new(vec![file("/a", text)], vec![Secret::from("sesame")], []);
        assert_eq!(files.whole(), [file("/a", text)]);
        assert_eq!(contents(&files), [Some("x = •••; md5-password •••;".to_owned())]);
        let written = serde_json::to_string(&files).expect("JSON");
        let read: Files = serde_json::from_str(&written).expect("files");
        assert_eq!(read.whole(), [file("/a", "x = •••; md5-password •••;")]);
        assert!(!format!("{files:?}").contains("sesame"));
    }

    #[test]
    fn a_given_file_is_shown_by_its_hash_unless_its_contents_are_asked_for() {
        let whole = vec![file("/a", "secret \"sesame\"; b"), file("/b", "generated")];
        let files = Files::new(whole, Vec::new(), [&"/a".to_owned()]);
        assert_eq!(contents(&files), [None, Some("generated".to_owned())]);
        let hashes: Vec<Option<usize>> = files.shown().map(|shown| shown.sha256.map(|hash| hash.len())).collect();
        assert_eq!(hashes, [Some(64), None]);
        let written = serde_json::to_string(&files).expect("JSON");
        let read: Files = serde_json::from_str(&written).expect("files");
        assert_eq!(serde_json::to_string(&read).expect("JSON"), written);
        assert_eq!(files.redact("unknown word sesame"), "unknown word •••");
        assert_eq!(contents(&files.opened())[0].as_deref(), Some("secret \"•••\"; b"));
    }

    #[test]
    fn a_key_that_begins_another_one_leaves_no_rest() {
        let files = Files::new(Vec::new(), vec![Secret::from("sesame"), Secret::from("sesame-open")], []);
        assert_eq!(files.redact("sesame-open sesame"), "••• •••");
    }
}
