//! The run's folder: history, logs, and what every node was given.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::history::{Event, Header, Seen};
use crate::plan::Plan;
use crate::value::{FileName, NodePath};

/// `target/lab/<run>/`.
#[derive(Debug, Clone)]
pub struct RunFolder(PathBuf);

impl RunFolder {
    /// Makes a folder of a name that no other run has, `<stem>-<64 random bits>`, with the plan and every node's files in it.
    ///
    /// # Errors
    /// It cannot be written: which path, and why. Then nothing of it is left.
    pub fn create(records: &Path, stem: &str, plan: &Plan) -> Result<(Self, RunName), (PathBuf, io::Error)> {
        std::fs::create_dir_all(records).map_err(|error| (records.to_owned(), error))?;
        let mut tries = 0;
        let (folder, name) = loop {
            let name = RunName::draw(stem);
            let folder = records.join(&name.name);
            tries += 1;
            match std::fs::create_dir(&folder) {
                Ok(()) => break (folder, name),
                // That name is taken, which happens to nobody twice.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists && tries < TRIES => {}
                Err(error) => return Err((folder, error)),
            }
        };
        let folder = Self(folder);
        match folder.fill(plan) {
            Ok(()) => Ok((folder, name)),
            Err(error) => {
                folder.remove();
                Err((folder.0, error))
            }
        }
    }

    /// Removes it: nothing came of the run. What cannot be removed stays.
    pub fn remove(&self) {
        let _left = std::fs::remove_dir_all(&self.0);
    }

    fn fill(&self, plan: &Plan) -> io::Result<()> {
        let folder = &self.0;
        std::fs::write(folder.join("plan.txt"), plan.to_string())?;
        std::fs::write(folder.join("plan.json"), serde_json::to_string(&Stored { header: Header::default(), plan })?)?;
        for node in &plan.nodes {
            let of_node = folder.join(FileName::new(&*node.name).map_err(io::Error::other)?);
            for file in node.files.shown() {
                let path = NodePath::try_from(file.path).map_err(io::Error::other)?.below(&of_node);
                let Some(content) = file.content else { continue };
                std::fs::create_dir_all(path.parent().unwrap_or(folder))?;
                std::fs::write(path, &content.0)?;
            }
        }
        Ok(())
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
        let file = self.0.join("plan.json");
        let read = || {
            let text = std::fs::read_to_string(&file)?;
            // Another format may have no plan that could be read: its number is looked at first.
            serde_json::from_str::<Header>(&text)?.check()?;
            Ok(serde_json::from_str(&text)?)
        };
        read().map_err(|error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", file.display())))
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

    /// Where the history is, or goes: `history.jsonl.zst`; `history.jsonl` in a record of format 0, or one that was unpacked.
    #[must_use]
    pub fn history(&self) -> PathBuf {
        let (packed, plain) = (self.0.join("history.jsonl.zst"), self.0.join("history.jsonl"));
        if !packed.exists() && plain.exists() { plain } else { packed }
    }
}

/// A run's name, and the number that was drawn for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunName {
    /// `<stem>-<number in hexadecimal>`.
    pub name: String,
    /// 64 random bits.
    pub seed: u64,
}

impl RunName {
    fn draw(stem: &str) -> Self {
        let seed = fastrand::u64(..);
        Self { name: format!("{stem}-{seed:016x}"), seed }
    }
}

/// A plan as it is written.
#[derive(Serialize)]
struct Stored<'p> {
    #[serde(flatten)]
    header: Header,
    #[serde(flatten)]
    plan: &'p Plan,
}

/// How many names are tried. With 64 random bits a second one says that something else is wrong.
const TRIES: u32 = 4;

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

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;
    use crate::check::story::plan;

    fn records() -> TempDir {
        TempDir::new().expect("a temporary folder")
    }

    fn left(records: &TempDir) -> usize {
        std::fs::read_dir(records.path()).expect("it can be read").count()
    }

    #[test]
    fn every_run_has_a_name_of_its_own() {
        let records = records();
        let make = || RunFolder::create(records.path(), "stem", &plan()).expect("a folder").1;
        let (one, other) = (make(), make());
        assert_ne!(one, other);
        assert_eq!(one.name, format!("stem-{:016x}", one.seed));
        assert_eq!(left(&records), 2);
    }

    #[test]
    fn records_that_are_a_file_are_an_error_at_once() {
        let records = records();
        let file = records.path().join("file");
        std::fs::write(&file, "").expect("it is written");
        let (path, error) = RunFolder::create(&file, "stem", &plan()).expect_err("it is a file");
        assert_eq!((path, error.kind()), (file, io::ErrorKind::AlreadyExists));
    }

    #[test]
    fn a_folder_that_could_not_be_filled_is_removed() {
        let (records, mut plan) = (records(), plan());
        // A file where a folder must be: what two files of a node gave, of which one was the other's folder.
        "plan.json".clone_into(&mut plan.nodes.first_mut().expect("a node").name);
        assert!(RunFolder::create(records.path(), "stem", &plan).is_err());
        assert_eq!(left(&records), 0);
    }

    #[test]
    fn a_plan_is_read_as_it_was_written() {
        let records = records();
        let (folder, _) = RunFolder::create(records.path(), "stem", &plan()).expect("a folder");
        let text = std::fs::read_to_string(folder.path().join("plan.json")).expect("it is there");
        assert!(text.starts_with(r#"{"format":1,"by":"anycast-lab "#), "{}", text.get(..80).unwrap_or(&text));
        let read = folder.plan().expect("a plan");
        assert_eq!((read.steps, read.services, read.owners), (plan().steps, plan().services, plan().owners));
    }

    #[test]
    fn a_plan_of_a_newer_format_says_what_reads_it() {
        let records = records();
        let text = r#"{"format":9,"by":"anycast-lab 7.0.0","everything":"else"}"#;
        std::fs::write(records.path().join("plan.json"), text).expect("it is written");
        let error = RunFolder::open(records.path()).plan().expect_err("it is newer").to_string();
        assert!(error.contains("plan.json: the record has format 9"), "{error}");
        assert!(error.contains("hint: judge it with anycast-lab 7.0.0"), "{error}");
    }
}
