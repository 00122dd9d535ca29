//! A part: one program in a few versions, as plain data.

use super::Release;

/// A part of a node's image.
#[derive(Debug, PartialEq, Eq)]
pub struct Part {
    /// Such as `bind`.
    pub name: &'static str,
    /// The program of ours that its Dockerfile copies.
    pub program: Option<&'static str>,
    /// Oldest first.
    pub versions: &'static [PartVersion],
}

/// One version of a part.
#[derive(Debug, PartialEq, Eq)]
pub struct PartVersion {
    /// Such as `9.20`.
    pub version: &'static str,
    /// The releases on which it can be had.
    pub on: &'static [Release],
    /// How it is built. `ARG BASE` is the image beneath; `ARG DEBIAN`, if declared, the lowest of ours, for a stage that is
    /// thrown away. `host-ca.crt` in the context is the host's bundle of certificate authorities, or empty.
    pub dockerfile: &'static str,
    /// What else is in the build context: (name, contents). All are executable.
    pub files: &'static [(&'static str, &'static str)],
    /// Build arguments: (name, value).
    pub args: &'static [(&'static str, &'static str)],
}
