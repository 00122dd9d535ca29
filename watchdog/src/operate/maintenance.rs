//! The maintenance file: while it is there the operator wants no traffic, and its first line says why.
//!
//! It is looked at between two rounds of checks rather than by inotify: one stat for each round costs nothing, works for files in
//! folders that come and go and on file systems that tell nobody, and cannot miss an event.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};

/// No more of the file is read, in bytes.
const REASON: u64 = 200;

/// What the operator wants by the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// No traffic, and why.
    Begins(String),
    /// Traffic again.
    Ends,
}

/// It cannot be said whether the file is there.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected to see whether this maintenance file is there, found: {error}; hint: its folder must be readable for the watchdog", path.display())]
pub struct Unknown {
    path: PathBuf,
    error: io::Error,
}

/// The file, and whether it was there when last looked at.
#[derive(Debug, Clone)]
pub struct Maintenance {
    path: PathBuf,
    is_there: bool,
    is_unknown: bool,
}

impl Maintenance {
    /// Supposes that it is not there: if it is, the first [`Maintenance::look`] says so.
    #[must_use]
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), is_there: false, is_unknown: false }
    }

    /// Looks; what has changed since the last time. Meant to be called before the first announcement and with every round.
    ///
    /// # Errors
    /// When it cannot be said, once until it can be said again. Until then it is as it was.
    pub fn look(&mut self) -> Result<Option<Change>, Unknown> {
        let found = match fs::metadata(&self.path) {
            Ok(found) => Some(found),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => None,
            Err(_) if self.is_unknown => return Ok(None),
            Err(error) => {
                self.is_unknown = true;
                return Err(Unknown { path: self.path.clone(), error });
            }
        };
        self.is_unknown = false;
        if found.is_some() == self.is_there {
            return Ok(None);
        }
        self.is_there = found.is_some();
        Ok(Some(match found {
            // Nothing is read from what may not be a file: a pipe would hold us up.
            Some(found) => Change::Begins(self.reason(found.is_file())),
            None => Change::Ends,
        }))
    }

    /// Whether it was there when last looked at.
    #[must_use]
    pub fn is_there(&self) -> bool {
        self.is_there
    }

    fn reason(&self, is_file: bool) -> String {
        let mut text = Vec::new();
        if is_file {
            // A file that is there and cannot be read says enough.
            File::open(&self.path).and_then(|file| file.take(REASON).read_to_end(&mut text)).ok();
        }
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().next().unwrap_or_default().trim();
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        let path = self.path.display();
        if line.is_empty() { format!("maintenance: {path} is there") } else { format!("maintenance: {line} ({path})") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begins(maintenance: &mut Maintenance) -> String {
        match maintenance.look().unwrap() {
            Some(Change::Begins(reason)) => reason,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_begins_and_ends_with_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("off");
        let mut maintenance = Maintenance::new(&path);
        assert_eq!(maintenance.look().unwrap(), None);
        fs::write(&path, "kernel update, until 4\nsecond line\n").unwrap();
        assert_eq!(begins(&mut maintenance), format!("maintenance: kernel update, until 4 ({})", path.display()));
        assert_eq!(maintenance.look().unwrap(), None);
        assert!(maintenance.is_there());
        fs::remove_file(&path).unwrap();
        assert_eq!(maintenance.look().unwrap(), Some(Change::Ends));
        assert_eq!(maintenance.look().unwrap(), None);
    }

    #[test]
    fn whatever_is_there_is_maintenance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("off");
        let plain = format!("maintenance: {} is there", path.display());
        fs::write(&path, "").unwrap();
        assert_eq!(begins(&mut Maintenance::new(&path)), plain);
        fs::write(&path, [b'\x1b', b'a', 0xff, b'\n']).unwrap();
        assert_eq!(begins(&mut Maintenance::new(&path)), format!("maintenance: a\u{fffd} ({})", path.display()));
        fs::write(&path, "x".repeat(9999)).unwrap();
        assert!(begins(&mut Maintenance::new(&path)).len() < 9999);
        fs::remove_file(&path).unwrap();
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRWXU).unwrap();
        assert_eq!(begins(&mut Maintenance::new(&path)), plain);
    }

    #[test]
    fn a_folder_that_is_not_there_holds_no_file() {
        let mut maintenance = Maintenance::new(Path::new("/nowhere/at/all"));
        assert_eq!(maintenance.look().unwrap(), None);
        assert_eq!(Maintenance::new(Path::new("/dev/null/off")).look().unwrap(), None);
    }

    #[test]
    fn what_cannot_be_said_is_said_once_and_changes_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("off");
        fs::write(&path, "why").unwrap();
        let mut maintenance = Maintenance::new(&path);
        begins(&mut maintenance);
        // A name that is too long stands for all that goes wrong: permissions do not hold root up.
        maintenance.path = folder.path().join("x".repeat(300));
        assert!(maintenance.look().unwrap_err().to_string().contains(": expected to see whether"));
        assert_eq!(maintenance.look().unwrap(), None);
        assert!(maintenance.is_there());
        maintenance.path = path;
        assert_eq!(maintenance.look().unwrap(), None);
    }
}
