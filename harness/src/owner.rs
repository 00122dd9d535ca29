//! Who owns what is on the engine: the labels on every container and network, and whether their owner still lives.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::errno::Errno;
use nix::sys::signal::kill;
use nix::unistd::Pid;

/// The labels of one run's containers and networks. Only things with all of them are the run's: a name alone may be another one's too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The run's name.
    pub run: String,
    /// 64 random bits, in hexadecimal; empty in labels of versions that had none.
    pub id: String,
    /// The process that owns it.
    pub owner: Owner,
    /// When the run was born: seconds since 1970.
    pub born: u64,
}

/// A process, told apart from a later one with the same number, and from one on another host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Its process number.
    pub pid: u32,
    /// When it started: clock ticks since the host's boot (proc(5), /proc/pid/stat, field 22); 0 where that is unknown.
    pub start: u64,
    /// The host: its machine-id; empty where that is unknown.
    pub host: String,
    /// The host's boot identifier and the PID namespace: elsewhere `pid` would name another process.
    pub boot: String,
}

const RUN: &str = "anycast-lab.run";
const ID: &str = "anycast-lab.id";
const OWNER: &str = "anycast-lab.owner";
const BORN: &str = "anycast-lab.born";

/// The label by which the engine finds all that is ours.
pub const KEY: &str = RUN;

/// The PID namespace of a host itself (`PROC_PID_INIT_INO` of Linux); each container has another one.
const HOST_PIDS: &str = "pid:[4026531836]";

impl Labels {
    /// The labels of a run of this process: no other run has them, nor another call.
    #[must_use]
    pub fn of_this_process(run: &str) -> Self {
        let born = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Self { run: run.to_owned(), id: format!("{:016x}", fastrand::u64(..)), owner: Owner::this_process(), born }
    }

    /// As the engine stores them.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let Owner { pid, start, host, boot } = &self.owner;
        BTreeMap::from([
            (RUN.to_owned(), self.run.clone()),
            (ID.to_owned(), self.id.clone()),
            (OWNER.to_owned(), format!("{pid}/{start}/{host}/{boot}")),
            (BORN.to_owned(), self.born.to_string()),
        ])
    }

    /// From what the engine stores; `None` for what is not ours, or not whole: that is never touched.
    pub fn from_map<'a>(get: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let (run, owner, born) = (get(RUN)?, get(OWNER)?, get(BORN)?);
        let mut fields = owner.splitn(4, '/');
        let owner = Owner {
            pid: fields.next()?.parse().ok()?,
            start: fields.next()?.parse().ok()?,
            host: fields.next()?.to_owned(),
            boot: fields.next()?.to_owned(),
        };
        let id = get(ID).unwrap_or_default().to_owned();
        Some(Self { run: run.to_owned(), id, owner, born: born.parse().ok()? })
    }
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn this_process() -> Self {
        let (pid, here) = (std::process::id(), Here::look());
        let start = match status_of(pid) {
            Process::Runs { start } => start,
            Process::Ended | Process::Unknown => 0,
        };
        Self { pid, start, host: here.host, boot: here.boot }
    }

    /// Whether it certainly has ended: it ran on this host, and the host has booted since or no longer has that process.
    ///
    /// Where that cannot be known (another host or PID namespace, no machine-id) it counts as alive; `clean --all` removes it.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.is_dead_seen_from(&Here::look(), status_of)
    }

    fn is_dead_seen_from(&self, here: &Here, status: impl Fn(u32) -> Process) -> bool {
        let (Some((boot, namespace)), Some((boot_here, namespace_here))) =
            (self.boot.split_once('/'), here.boot.split_once('/'))
        else {
            return false;
        };
        let known = |ids: [&str; 2]| ids.iter().all(|id| !id.is_empty());
        if !known([boot, boot_here]) {
            return false;
        }
        if boot != boot_here {
            // Another boot of this host, or another host.
            return known([&self.host, &here.host]) && self.host == here.host;
        }
        if !known([namespace, namespace_here]) || namespace != namespace_here || self.start == 0 {
            return false;
        }
        match status(self.pid) {
            Process::Runs { start } => start != self.start,
            Process::Ended => true,
            Process::Unknown => false,
        }
    }
}

/// The place from which owners are looked at.
struct Here {
    host: String,
    boot: String,
}

impl Here {
    fn look() -> Self {
        let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default().trim().to_owned();
        let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default().display().to_string();
        // A machine-id in a container may be its image's, which other hosts have, too.
        let host = if namespace == HOST_PIDS { read("/etc/machine-id") } else { String::new() };
        Self { host, boot: format!("{}/{namespace}", read("/proc/sys/kernel/random/boot_id")) }
    }
}

/// What is known of a process number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Process {
    /// It runs, and started then.
    Runs { start: u64 },
    /// There is none, or one that has ended and that its parent has not waited for.
    Ended,
    /// It is hidden from this user (proc(5), hidepid).
    Unknown,
}

fn status_of(pid: u32) -> Process {
    let Ok(stat) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else {
        let number = Pid::from_raw(pid.cast_signed());
        return if kill(number, None) == Err(Errno::ESRCH) { Process::Ended } else { Process::Unknown };
    };
    read_stat(&stat)
}

/// The command's name in field 2 may hold blanks and parentheses: fields are counted from the last `)`.
fn read_stat(stat: &str) -> Process {
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest.split_whitespace().collect::<Vec<_>>());
    let fields = fields.unwrap_or_default();
    match (fields.first(), fields.get(19).and_then(|start| start.parse().ok())) {
        // Zombie, dead.
        (Some(&("Z" | "X" | "x")), _) => Process::Ended,
        (_, Some(start)) => Process::Runs { start },
        (_, None) => Process::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_survive_the_engine() {
        let labels = Labels::of_this_process("kill-named-7f3a");
        let stored = labels.to_map();
        assert_eq!(Labels::from_map(|key| stored.get(key).map(String::as_str)), Some(labels));
    }

    #[test]
    fn two_runs_of_one_name_are_told_apart() {
        assert_ne!(Labels::of_this_process("r"), Labels::of_this_process("r"));
    }

    #[test]
    fn what_is_not_whole_is_not_ours() {
        let mut stored = Labels::of_this_process("r").to_map();
        stored.insert(OWNER.to_owned(), "12/x/y/z".to_owned());
        assert_eq!(Labels::from_map(|key| stored.get(key).map(String::as_str)), None);
    }

    #[test]
    fn this_process_lives_and_its_number_reused_does_not() {
        let me = Owner::this_process();
        assert!(!me.is_dead());
        assert!(Owner { start: me.start + 1, ..me }.is_dead());
    }

    #[test]
    fn a_child_that_nobody_waited_for_is_dead() {
        let mut child = std::process::Command::new("true").spawn().unwrap();
        let owner = |pid| Owner { pid, start: 1, ..Owner::this_process() };
        while status_of(child.id()) != Process::Ended {
            std::thread::yield_now();
        }
        assert!(std::path::Path::new(&format!("/proc/{}", child.id())).exists(), "it is a zombie");
        assert!(owner(child.id()).is_dead());
        child.wait().unwrap();
        assert_eq!(read_stat("7 (a) b) Z 1 1"), Process::Ended);
    }

    /// An owner, and the place from which it is looked at, where process 7 runs since 100.
    fn dead(host: &str, boot: &str, here: (&str, &str)) -> bool {
        let owner = Owner { pid: 7, start: 100, host: host.to_owned(), boot: boot.to_owned() };
        let here = Here { host: here.0.to_owned(), boot: here.1.to_owned() };
        owner.is_dead_seen_from(&here, |_| Process::Runs { start: 200 })
    }

    #[test]
    fn only_an_owner_that_certainly_has_ended_is_dead() {
        assert!(dead("h", "b/n", ("h", "b/n")), "its number is another process's");
        assert!(dead("h", "before/n", ("h", "b/n")), "this host has booted since");
        for (host, boot, here, why) in [
            ("h", "before/n", ("other", "b/n"), "another host"),
            ("", "before/n", ("", "b/n"), "hosts without a machine-id are not the same host"),
            ("h", "before/n", ("", "b/n"), "this host has no name"),
            ("h", "b/other", ("h", "b/n"), "another PID namespace"),
            ("h", "/", ("h", "/"), "nothing is known of the boot"),
            ("h", "b/", ("h", "b/"), "nothing is known of the namespace"),
            ("h", "nonsense", ("h", "b/n"), "nothing can be read"),
        ] {
            assert!(!dead(host, boot, here), "{why}");
        }
    }

    #[test]
    fn a_process_that_is_hidden_or_whose_start_is_unknown_is_alive() {
        let me = Owner::this_process();
        assert!(!me.is_dead_seen_from(&Here::look(), |_| Process::Unknown));
        assert!(!Owner { start: 0, ..me }.is_dead_seen_from(&Here::look(), |_| Process::Runs { start: 9 }));
    }
}
