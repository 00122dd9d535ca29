//! The run's folder: history, logs, and what every node was given.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use crate::history::{Event, Seen};
use crate::plan::Plan;
use crate::value::{FileName, NodePath};

/// `target/lab/<run>/`.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes it, with the plan and every node's files in it.
    ///
    /// # Errors
    /// It cannot be written, or is there already.
    pub fn create(parent: &Path, run: &str, plan: &Plan) -> io::Result<Self> {
        let folder = parent.join(run);
        std::fs::create_dir_all(parent)?;
        std::fs::create_dir(&folder)?;
        std::fs::write(folder.join("plan.txt"), plan.to_string())?;
        std::fs::write(folder.join("plan.json"), serde_json::to_string(plan)?)?;
        for node in &plan.nodes {
            let of_node = folder.join(FileName::new(&*node.name).map_err(io::Error::other)?);
            for file in node.files.shown() {
                let path = NodePath::try_from(file.path).map_err(io::Error::other)?.below(&of_node);
                let Some(content) = file.content else { continue };
                std::fs::create_dir_all(path.parent().unwrap_or(&folder))?;
                std::fs::write(path, &content.0)?;
            }
        }
        Ok(Self(folder))
    }

    /// Opens the record of a run.
    #[must_use]
    pub fn open(folder: &Path) -> Self {
        Self(folder.to_owned())
    }

    /// What was planned.
    ///
    /// # Errors
    /// There is no such record, or it is of another version.
    pub fn plan(&self) -> io::Result<Plan> {
        Ok(serde_json::from_str(&std::fs::read_to_string(self.0.join("plan.json"))?)?)
    }

    /// Writes how it ended: the verdict, and the times and figures of each failover.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn conclude(&self, text: &str) -> io::Result<()> {
        std::fs::write(self.0.join("verdict.txt"), text)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Where the history goes.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        self.0.join("history.jsonl")
    }
}

/// Writes each daemon's lines into a file of its own: `<node>/<daemon>.log`, seconds since the first event before each line.
///
/// # Errors
/// A file cannot be written.
pub fn write_logs(folder: &RunFolder, events: &[Event]) -> io::Result<()> {
    let start = events.first().map_or(0, |event| event.at);
    let mut logs: BTreeMap<PathBuf, String> = BTreeMap::new();
    for event in events {
        if let (Some(node), Seen::Line { daemon, text, .. }) = (&event.node, &event.saw) {
            let names = [FileName::new(&**node), FileName::new(format!("{daemon}.log"))];
            let [node, name] = names.map(|name| name.map_err(io::Error::other));
            let log = logs.entry(Path::new("").join(node?).join(name?)).or_default();
            let since = event.at.saturating_sub(start) as f64 / 1e9;
            let _infallible = writeln!(log, "{since:9.3} {text}");
        }
    }
    for (path, text) in logs {
        let path = folder.0.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(&folder.0))?;
        std::fs::write(path, text)?;
    }
    Ok(())
}
