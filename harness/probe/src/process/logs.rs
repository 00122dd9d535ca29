//! What daemons log elsewhere than on their own output: `/dev/log` (syslog(3)) and files below `/var/log`.

use std::collections::HashMap;
use std::convert::Infallible;
use std::fs::{self, File};
use std::io::{Read as _, Seek as _, SeekFrom};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use protocol::{SYSLOG, Stream};
use tokio::net::UnixDatagram;

use super::daemons::Daemons;
use crate::clock;
use crate::observer;
use crate::report::Reporter;

/// Where programs send what they log by syslog(3).
const DEV_LOG: &str = "/dev/log";
/// Where they keep files.
const VAR_LOG: &str = "/var/log";
/// A longer datagram is cut, as syslogd(8) does.
const LONGEST: usize = 8 * 1024;

/// Serves `/dev/log` and follows the files below `/var/log`. A node where that is not possible has no such lines, and goes on.
pub(crate) fn observe(daemons: &Daemons, reporter: &Reporter) {
    if let Err(error) = serve(Path::new(DEV_LOG), daemons) {
        daemons.line(
            None,
            clock::monotonic(),
            SYSLOG,
            Stream::Stderr,
            format!("the lab cannot serve {DEV_LOG}: {error:#}"),
        );
    }
    if let Err(error) = follow(Path::new(VAR_LOG), daemons, reporter) {
        daemons.line(
            None,
            clock::monotonic(),
            SYSLOG,
            Stream::Stderr,
            format!("the lab cannot follow {VAR_LOG}: {error:#}"),
        );
    }
}

fn serve(path: &Path, daemons: &Daemons) -> anyhow::Result<()> {
    let socket = UnixDatagram::bind(path).with_context(|| format!("cannot bind {}", path.display()))?;
    // Daemons that are no longer root log as well.
    fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
    let daemons = daemons.clone();
    tokio::spawn(async move {
        let mut buffer = vec![0; LONGEST];
        // Each was written after the one before had been read.
        let mut since = clock::monotonic();
        while let Ok(length) = socket.recv(&mut buffer).await {
            let (tag, text) = message(&String::from_utf8_lossy(&buffer[..length]));
            let daemon = tag.and_then(|tag| daemons.called(&tag)).unwrap_or_else(|| SYSLOG.to_owned());
            let at = clock::monotonic();
            daemons.line(Some(since), at, &daemon, Stream::Stderr, text);
            since = at;
        }
    });
    Ok(())
}

/// The program's name, and the text without priority and time (RFC 3164, section 4.1): `<30>Nov 28 15:00:00 named[7]: text`.
fn message(datagram: &str) -> (Option<String>, String) {
    let text = datagram.trim_end_matches(['\n', '\0']);
    let text = text.strip_prefix('<').and_then(|rest| rest.split_once('>')).map_or(text, |(_, rest)| rest);
    // "Nov 28 15:00:00 " has 16 characters.
    let dated = text.get(15..16) == Some(" ") && text.get(9..10) == Some(":") && text.get(12..13) == Some(":");
    let text = if dated { text.get(16..).unwrap_or_default() } else { text };
    let tag = text.split([':', '[', ' ']).next().filter(|tag| !tag.is_empty()).map(str::to_owned);
    (tag, text.to_owned())
}

struct Follower {
    inotify: Inotify,
    folders: HashMap<WatchDescriptor, PathBuf>,
    /// How far each file was read.
    read: HashMap<PathBuf, u64>,
    partial: HashMap<PathBuf, String>,
    daemons: Daemons,
}

fn follow(folder: &Path, daemons: &Daemons, reporter: &Reporter) -> anyhow::Result<()> {
    fs::create_dir_all(folder)?;
    let inotify = Inotify::init(InitFlags::IN_CLOEXEC).context("inotify_init1")?;
    let (folders, read, partial) = (HashMap::new(), HashMap::new(), HashMap::new());
    let mut follower = Follower { inotify, folders, read, partial, daemons: daemons.clone() };
    // What is there already came with the image.
    follower.watch(folder, false)?;
    observer::watch("logs", reporter, move || follower.run())?;
    Ok(())
}

impl Follower {
    /// Watches a folder and those in it; `fresh` folders are new, and their files are read from the beginning.
    fn watch(&mut self, folder: &Path, fresh: bool) -> anyhow::Result<()> {
        let flags = AddWatchFlags::IN_MODIFY | AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
        let descriptor =
            self.inotify.add_watch(folder, flags).with_context(|| format!("inotify: {}", folder.display()))?;
        self.folders.insert(descriptor, folder.to_owned());
        for entry in fs::read_dir(folder)?.flatten() {
            let (path, Ok(metadata)) = (entry.path(), entry.metadata()) else { continue };
            if metadata.is_dir() {
                self.watch(&path, fresh)?;
            } else if fresh {
                self.lines(&path);
            } else {
                self.read.insert(path, metadata.len());
            }
        }
        Ok(())
    }

    fn run(mut self) -> anyhow::Result<Infallible> {
        loop {
            for event in self.inotify.read_events().context("inotify")? {
                let (Some(folder), Some(name)) = (self.folders.get(&event.wd), event.name) else { continue };
                let path = folder.join(name);
                if event.mask.contains(AddWatchFlags::IN_ISDIR) {
                    // It may be gone again.
                    self.watch(&path, true).ok();
                } else {
                    self.lines(&path);
                }
            }
        }
    }

    /// Reports the lines that have come to a file; one that has shrunk begins anew.
    fn lines(&mut self, path: &Path) {
        let Ok(mut file) = File::open(path) else { return };
        let Ok(length) = file.metadata().map(|metadata| metadata.len()) else { return };
        let from = self.read.get(path).copied().filter(|from| *from <= length).unwrap_or(0);
        let mut octets = Vec::new();
        if file.seek(SeekFrom::Start(from)).is_err() || file.take(1 << 20).read_to_end(&mut octets).is_err() {
            return;
        }
        self.read.insert(path.to_owned(), from + octets.len() as u64);
        let mut text = self.partial.remove(path).unwrap_or_default();
        // Binary records, such as of wtmp(5), are no lines.
        if octets.contains(&0) {
            return;
        }
        text.push_str(&String::from_utf8_lossy(&octets));
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        let at = clock::monotonic();
        let words: Vec<String> = path.iter().map(|part| part.to_string_lossy().into_owned()).collect();
        let daemon = words.iter().rev().find_map(|word| self.daemons.called(word.trim_end_matches(".log")));
        let daemon = daemon.unwrap_or_else(|| SYSLOG.to_owned());
        for line in text[..whole].lines() {
            self.daemons.line(None, at, &daemon, Stream::Stderr, format!("{}: {line}", path.display()));
        }
        let rest = text.split_off(whole);
        if !rest.is_empty() && rest.len() < LONGEST {
            self.partial.insert(path.to_owned(), rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::children;
    use super::*;
    use crate::report::tests::Shared;
    use protocol::{Daemon, Observation};

    fn daemons() -> (Daemons, Reporter, Shared) {
        let seen = Shared::default();
        let reporter = Reporter::writing_to(seen.clone()).unwrap();
        let argv = ["/usr/sbin/named", "-g"].map(String::from).to_vec();
        let daemon = Daemon { name: "resolver".into(), argv, env: std::collections::BTreeMap::new() };
        (Daemons::new(vec![daemon], children(), reporter.clone()).unwrap(), reporter, seen)
    }

    fn lines(seen: &Shared) -> Vec<(String, String)> {
        let lines = seen.observations().into_iter().filter_map(|saw| match saw {
            Observation::Line { daemon, text, .. } => Some((daemon, text)),
            _ => None,
        });
        lines.collect()
    }

    async fn until(reporter: &Reporter, seen: &Shared, count: usize) -> Vec<(String, String)> {
        for _ in 0..500 {
            reporter.flush();
            if lines(seen).len() >= count {
                return lines(seen);
            }
            tokio::task::yield_now().await;
            nix::poll::poll(&mut [], 10_u8).ok();
        }
        panic!("expected {count} lines, found {:?}", lines(seen));
    }

    #[test]
    fn a_message_has_a_tag_and_loses_its_priority_and_time() {
        let read = |text| message(text);
        assert_eq!(read("<30>Nov 28 15:00:00 named[7]: a: b\n"), (Some("named".into()), "named[7]: a: b".into()));
        assert_eq!(read("<11>checker: down"), (Some("checker".into()), "checker: down".into()));
        assert_eq!(read(""), (None, String::new()));
    }

    #[tokio::test]
    async fn what_is_sent_to_dev_log_is_the_daemons_line() {
        let folder = std::env::temp_dir().join(format!("anycast-lab-log-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let (daemons, reporter, seen) = daemons();
        serve(&folder.join("log"), &daemons).unwrap();
        let client = UnixDatagram::unbound().unwrap();
        client.send_to(b"<30>Nov 28 15:00:00 named[7]: ready", folder.join("log")).await.unwrap();
        client.send_to(b"<30>Nov 28 15:00:00 other: hello", folder.join("log")).await.unwrap();
        let found = until(&reporter, &seen, 2).await;
        let expected = [("resolver", "named[7]: ready"), ("syslog", "other: hello")];
        assert_eq!(found, expected.map(|(daemon, text)| (daemon.to_owned(), text.to_owned())));
        fs::remove_dir_all(folder).unwrap();
    }

    #[tokio::test]
    async fn new_lines_of_files_are_reported_and_old_ones_are_not() {
        let folder = std::env::temp_dir().join(format!("anycast-lab-files-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("dpkg.log"), "old\n").unwrap();
        let (daemons, reporter, seen) = daemons();
        follow(&folder, &daemons, &reporter).unwrap();
        fs::create_dir_all(folder.join("named")).unwrap();
        fs::write(folder.join("named/query.log"), "one\ntw").unwrap();
        fs::OpenOptions::new()
            .append(true)
            .open(folder.join("dpkg.log"))
            .and_then(|mut file| {
                use std::io::Write as _;
                file.write_all(b"new\n")
            })
            .unwrap();
        let mut found = until(&reporter, &seen, 2).await;
        found.sort();
        let named = format!("{}: one", folder.join("named/query.log").display());
        let other = format!("{}: new", folder.join("dpkg.log").display());
        assert_eq!(found, [("resolver".to_owned(), named), ("syslog".to_owned(), other)]);
        fs::remove_dir_all(folder).unwrap();
    }
}
