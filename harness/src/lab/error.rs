//! Why a lab did not come up, or could not go on.

use crate::engine::EngineError;

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
            Self::Folder { source, .. } if source.kind() == std::io::ErrorKind::StorageFull => {
                Some("the disk is full: make room, or point --records at another one".to_owned())
            }
            _ => None,
        }
    }
}
