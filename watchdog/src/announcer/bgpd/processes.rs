//! Processes by their name, as proc(5) tells them.

use std::fs;
use std::io;
use std::path::Path;

use nix::sys::signal::{self, kill};

/// A process's number.
pub(super) type Pid = i32;

/// The kernel cuts names to so many bytes.
const NAME: usize = 15;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Signal {
    Terminate,
    Kill,
}

/// The processes of this name that run in our own PID namespace: those in containers on this host are others' business.
pub(super) fn named(name: &str) -> io::Result<Vec<Pid>> {
    let name = name.get(..NAME).unwrap_or(name);
    let depth = status(Path::new("/proc/self"))?.depth;
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")? {
        let path = entry?.path();
        let Some(pid) = path.file_name().and_then(|name| name.to_str()?.parse().ok()) else {
            continue;
        };
        // It may end at any moment.
        if let Ok(status) = status(&path)
            && status.name == name
            && status.runs
            && status.depth == depth
        {
            found.push(pid);
        }
    }
    found.sort_unstable();
    Ok(found)
}

/// Sends a signal. Who is gone needs none.
pub(super) fn signal(pid: Pid, signal: Signal) -> io::Result<()> {
    let signal = match signal {
        Signal::Terminate => signal::Signal::SIGTERM,
        Signal::Kill => signal::Signal::SIGKILL,
    };
    match kill(nix::unistd::Pid::from_raw(pid), signal) {
        Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok(()),
        Err(errno) => Err(errno.into()),
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Status {
    name: String,
    /// Neither dead nor a zombie.
    runs: bool,
    /// In how many PID namespaces it is seen, from this /proc's on inwards.
    depth: usize,
}

fn status(process: &Path) -> io::Result<Status> {
    Ok(parse(&fs::read_to_string(process.join("status"))?))
}

fn parse(text: &str) -> Status {
    let field = |key: &str| {
        let value = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(':'));
        value.unwrap_or_default().trim()
    };
    Status {
        name: field("Name").to_owned(),
        runs: !field("State").starts_with(['Z', 'X']),
        depth: field("NSpid").split_whitespace().count(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_told_from_a_zombie_and_from_one_in_a_container() {
        let status =
            |state: &str, pids: &str| parse(&format!("Name:\tbgpd\nState:\t{state}\nPid:\t7\nNSpid:\t{pids}\n"));
        assert_eq!(status("S (sleeping)", "7"), Status { name: "bgpd".to_owned(), runs: true, depth: 1 });
        assert!(!status("Z (zombie)", "7").runs);
        assert_eq!(status("R (running)", "7\t1").depth, 2);
    }

    #[test]
    fn this_process_is_found_and_others_are_not() {
        let name = fs::read_to_string("/proc/self/comm").unwrap();
        let this = Pid::try_from(std::process::id()).unwrap();
        assert!(named(name.trim()).unwrap().contains(&this));
        assert!(named("no-such-bgpd").unwrap().is_empty());
    }
}
