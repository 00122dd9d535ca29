//! A lock among the processes of one user: runs that start together make each image once, and fetch tools once.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::{ImageError, Result, cache};
use crate::wait::pause;

/// How often to try. Making an image takes seconds.
const RETRY: Duration = Duration::from_millis(50);

/// After this long, say who has the lock.
const SILENCE: Duration = Duration::from_secs(1);

/// A lock that is held until it is dropped or its process ends, however it ends.
///
/// It is an advisory lock (flock(2)) on a file in the user's cache, so that it holds across network namespaces, and no other user
/// can take it.
#[derive(Debug)]
pub(super) struct HostLock {
    path: PathBuf,
    /// Unlocks when it is closed.
    _file: File,
}

impl HostLock {
    /// Waits until no other process of this user holds the lock on `what`; `say` is told who does, after a second.
    pub(super) async fn acquire(what: &str, say: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        Self::acquire_in(&cache::folder("locks")?, what, say).await
    }

    async fn acquire_in(folder: &Path, what: &str, say: &(dyn Fn(&str) + Sync)) -> Result<Self> {
        let path = folder.join(what.replace(['/', ':'], "_"));
        let began = Instant::now();
        let mut told = false;
        loop {
            if let Some(lock) = Self::attempt(&path).map_err(|error| ImageError::File { path: path.clone(), error })? {
                return Ok(lock);
            }
            if !told && began.elapsed() >= SILENCE {
                told = true;
                say(&format!("waiting for {}, which does the same now (lock: {})", holder(&path), path.display()));
            }
            pause(RETRY).await;
        }
    }

    fn attempt(path: &Path) -> std::io::Result<Option<Self>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(error),
        }
        // The one before us removed the file after we had opened it: then ours is not the file that others will find.
        let found = std::fs::metadata(path).ok().map(|found| (found.dev(), found.ino()));
        let ours = file.metadata()?;
        if found != Some((ours.dev(), ours.ino())) {
            return Ok(None);
        }
        file.set_len(0)?;
        write!(file, "{}", std::process::id())?;
        Ok(Some(Self { path: path.to_owned(), _file: file }))
    }
}

impl Drop for HostLock {
    fn drop(&mut self) {
        // While the lock is held: else this could remove the next one's file.
        drop(std::fs::remove_file(&self.path));
    }
}

/// Returns words for the process that has the lock.
fn holder(path: &Path) -> String {
    let mut pid = String::new();
    let read = File::open(path).and_then(|mut file| file.read_to_string(&mut pid));
    if read.is_err() || pid.is_empty() {
        return "another process".to_owned();
    }
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let command = String::from_utf8_lossy(&command).replace('\0', " ");
    format!("process {pid} ({})", command.trim())
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_says_for_whom() {
        let folder = tempfile::tempdir().unwrap();
        let said = Mutex::new(Vec::new());
        let say = |words: &str| said.lock().unwrap().push(words.to_owned());
        let lock = |what| HostLock::acquire_in(folder.path(), what, &say);
        let first = lock("an:image").await.unwrap();
        lock("another/image").await.unwrap();
        assert!(timeout(SILENCE + RETRY * 4, lock("an:image")).await.is_err(), "it is taken");
        let expected = format!("waiting for process {} (", std::process::id());
        assert!(said.lock().unwrap().iter().any(|words| words.starts_with(&expected)), "{said:?}");
        drop(first);
        lock("an:image").await.unwrap();
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "no file is left");
    }

    #[test]
    fn a_lock_on_a_file_that_was_removed_is_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let first = HostLock::attempt(&path).unwrap().unwrap();
        assert!(HostLock::attempt(&path).unwrap().is_none());
        std::fs::remove_file(&path).unwrap();
        let second = HostLock::attempt(&path).unwrap().unwrap();
        drop((first, second));
    }

    #[test]
    fn a_lock_ends_with_its_process() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut shell = std::process::Command::new("sh");
        shell.args(["-c", "exec 9> \"$0\" && flock 9 && echo held && exec sleep 1000"]).arg(&path);
        let mut child = shell.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let mut held = std::io::BufReader::new(child.stdout.take().unwrap());
        std::io::BufRead::read_line(&mut held, &mut String::new()).unwrap();
        assert!(HostLock::attempt(&path).unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(HostLock::attempt(&path).unwrap().is_some());
    }
}
