//! The operator's drains, kept in a file: a watchdog that dies and is started again must not announce what it was told to drain.
//!
//! The file lies beside the control socket, in a folder that a reboot empties. What is to outlast a reboot is for the
//! [maintenance file](super::maintenance).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

/// The drains that are not resumed yet.
#[derive(Debug)]
pub struct Drains {
    path: PathBuf,
    /// Service to reason.
    drained: BTreeMap<String, String>,
}

/// The file is of no use.
#[derive(Debug, thiserror::Error)]
#[error("{}: expected to {what} the operator's drains there, found: {error}; hint: {hint}", path.display())]
pub struct DrainsError {
    path: PathBuf,
    what: &'static str,
    error: io::Error,
    hint: &'static str,
}

impl Drains {
    /// Those that a predecessor with this control socket has left.
    ///
    /// # Errors
    /// When it cannot be said what they are. Then there are none, and the next one is written anew.
    pub fn beside(socket: &Path) -> (Self, Result<(), DrainsError>) {
        let path = socket.with_extension("drained");
        let read = match fs::read(&path) {
            Ok(bytes) => serde_json::from_slice(&bytes).map_err(io::Error::from),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(BTreeMap::new()),
            Err(error) => Err(error),
        };
        let (drained, read) = match read {
            Ok(drained) => (drained, Ok(())),
            Err(error) => {
                let hint = "look what is to be drained, and drain it again";
                (BTreeMap::new(), Err(DrainsError { path: path.clone(), what: "read", error, hint }))
            }
        };
        (Self { path, drained }, read)
    }

    /// Why a service is drained, if it is.
    #[must_use]
    pub fn reason(&self, service: &str) -> Option<&str> {
        self.drained.get(service).map(String::as_str)
    }

    /// Keeps a drain in mind.
    ///
    /// # Errors
    /// When it cannot be written. It holds, but a successor will not know of it.
    pub fn drain(&mut self, service: &str, reason: &str) -> Result<(), DrainsError> {
        self.drained.insert(service.to_owned(), reason.to_owned());
        self.write()
    }

    /// Forgets a drain.
    ///
    /// # Errors
    /// When it cannot be written. It is over, but a successor will drain again.
    pub fn resume(&mut self, service: &str) -> Result<(), DrainsError> {
        if self.drained.remove(service).is_none() {
            return Ok(());
        }
        self.write()
    }

    /// Under another name first: whoever reads finds the old file or the new one, and no half of it.
    fn write(&self) -> Result<(), DrainsError> {
        let new = self.path.with_extension("drained.new");
        let write = || -> io::Result<()> {
            fs::write(&new, serde_json::to_vec(&self.drained)?)?;
            fs::rename(&new, &self.path)
        };
        let hint = "the order holds until this watchdog ends; is its folder ours and not full?";
        write().map_err(|error| DrainsError { path: self.path.clone(), what: "write", error, hint })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_successor_drains_what_its_predecessor_did() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        let (mut first, read) = Drains::beside(&socket);
        read.unwrap();
        first.drain("a", "kernel update").unwrap();
        first.drain("b", "").unwrap();
        first.resume("b").unwrap();
        first.resume("c").unwrap();
        drop(first);
        let (second, read) = Drains::beside(&socket);
        read.unwrap();
        assert_eq!((second.reason("a"), second.reason("b")), (Some("kernel update"), None));
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_file_of_no_use_is_told_and_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let socket = folder.path().join("control.sock");
        fs::write(folder.path().join("control.drained"), "{\"a\":").unwrap();
        let (mut drains, read) = Drains::beside(&socket);
        assert!(read.unwrap_err().to_string().contains("expected to read the operator's drains there"));
        drains.drain("b", "why").unwrap();
        assert_eq!(Drains::beside(&socket).0.reason("b"), Some("why"));
    }

    #[test]
    fn what_cannot_be_written_holds_all_the_same() {
        let (mut drains, read) = Drains::beside(Path::new("/nowhere/control.sock"));
        read.unwrap();
        assert!(drains.drain("a", "why").is_err());
        assert_eq!(drains.reason("a"), Some("why"));
    }
}
