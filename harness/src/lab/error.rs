//! Why a lab did not come up, or could not go on.

use std::io::ErrorKind;

use protocol::Exit;

use super::guard::UNGUARDED;
use crate::diagnose::{Ended, exit_words};
use crate::engine::EngineError;
use crate::text::printable;

/// What went wrong with a lab, as opposed to what it found.
#[derive(Debug, thiserror::Error)]
pub enum LabError {
    /// The engine could not do what was asked.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A node ended, or could not be set up.
    #[error("node `{node}` did not come up: {why}")]
    Node {
        /// The node.
        node: String,
        /// Its last words.
        why: String,
    },
    /// The lab could not be kept apart from the host.
    #[error("the lab's networks cannot be kept apart from the host: {why}")]
    Guard {
        /// What its guard said.
        why: String,
    },
    /// A daemon ended before the lab had served.
    #[error("the lab did not come up: {} on node `{}` {}{}", .0.daemon, .0.node, exit_words(.0.exit), quoted(&.0.lines))]
    Daemon(Ended),
    /// A node was not ready in time.
    #[error("nodes {} were not ready after {} s", .nodes.join(", "), .after.as_secs())]
    Slow {
        /// The nodes.
        nodes: Vec<String>,
        /// What they were given.
        after: std::time::Duration,
    },
    /// A node could not carry an action out.
    #[error("node `{node}` could not {action}: {error}")]
    Action {
        /// The node.
        node: String,
        /// The action, in words.
        action: String,
        /// What it said.
        error: String,
    },
    /// The nodes' clocks are not one clock.
    #[error("the clocks of the nodes cannot be compared: {0}")]
    Clocks(String),
    /// The run's folder could not be written.
    #[error("cannot write {}", .path.display())]
    Folder {
        /// Which file.
        path: std::path::PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The user ended it.
    #[error("interrupted by {0}")]
    Interrupted(&'static str),
}

impl LabError {
    /// What to do next, if anything is known to help.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Engine(error) => error.hint().map(Into::into),
            Self::Slow { .. } => {
                Some("is the machine out of memory or processors? Other labs on it count too".to_owned())
            }
            Self::Clocks(_) => Some(
                "all nodes must run on one machine: DOCKER_HOST must name one engine, not a swarm or a proxy for several".to_owned(),
            ),
            Self::Guard { .. } => Some(format!(
                "this needs Linux 5.12 with nf_tables (netdev), and an engine whose `host` network is where its bridges are; \
                 {UNGUARDED}=1 runs without, for scenarios that you trust"
            )),
            Self::Folder { source, .. } => folder_hint(source.kind()).map(Into::into),
            Self::Daemon(ended) => Some(match ended.exit {
                Exit::Code(0) => {
                    "the lab runs a daemon in the foreground: one that goes into the background has ended here"
                        .to_owned()
                }
                _ => format!(
                    "its last lines say why; all are in {}/{}.log of the run's folder",
                    ended.node, ended.daemon
                ),
            }),
            _ => None,
        }
    }
}

/// The last lines of a daemon, below the sentence about it.
fn quoted(lines: &[String]) -> String {
    lines.iter().map(|line| format!("\n    {}", printable(line))).collect()
}

/// What helps against a folder of records that cannot be written.
fn folder_hint(error: ErrorKind) -> Option<&'static str> {
    Some(match error {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            "the disk is full: make room, or point --records at a folder on another one"
        }
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
            "point --records at a folder that you may write to"
        }
        ErrorKind::AlreadyExists | ErrorKind::NotADirectory => {
            "there is a file where a folder is needed: point --records at a folder"
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_cannot_be_written_has_a_hint_that_names_the_option() {
        for kind in [
            ErrorKind::AlreadyExists,
            ErrorKind::NotADirectory,
            ErrorKind::PermissionDenied,
            ErrorKind::QuotaExceeded,
            ErrorKind::ReadOnlyFilesystem,
            ErrorKind::StorageFull,
        ] {
            let hint = LabError::Folder { path: "records".into(), source: kind.into() }.hint().unwrap_or_default();
            assert!(hint.contains("--records"), "{kind}: {hint}");
        }
    }
}
