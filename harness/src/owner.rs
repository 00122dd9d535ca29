//! Who owns what is on the engine: the labels on every container and network, and whether their owner still lives.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

/// The labels of one run's containers and networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Labels {
    /// The run's name.
    pub run: String,
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
    /// When it started: clock ticks since the host's boot (proc(5), /proc/pid/stat, field 22).
    pub start: u64,
    /// The host: its machine-id.
    pub host: String,
    /// The host's boot identifier and the PID namespace: elsewhere `pid` would name another process.
    pub boot: String,
}

const RUN: &str = "anycast-lab.run";
const OWNER: &str = "anycast-lab.owner";
const BORN: &str = "anycast-lab.born";

/// The label by which the engine finds all that is ours.
pub const KEY: &str = RUN;

impl Labels {
    /// The labels of a run of this process.
    #[must_use]
    pub fn of_this_process(run: &str) -> Self {
        let born = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs());
        Self { run: run.to_owned(), owner: Owner::this_process(), born }
    }

    /// As the engine stores them.
    #[must_use]
    pub fn to_map(&self) -> BTreeMap<String, String> {
        let Owner { pid, start, host, boot } = &self.owner;
        BTreeMap::from([
            (RUN.to_owned(), self.run.clone()),
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
        Some(Self { run: run.to_owned(), owner, born: born.parse().ok()? })
    }
}

impl Owner {
    /// This process.
    #[must_use]
    pub fn this_process() -> Self {
        let pid = std::process::id();
        Self { pid, start: start_of(pid).unwrap_or(0), host: host_id(), boot: boot_id() }
    }

    /// Whether it certainly has ended: it ran on this host, and the host has booted since or no longer has that process.
    ///
    /// Where that cannot be known (another host, another PID namespace) it counts as alive; `clean --all` removes it.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        let (boot, now) = (boot_id(), &self.boot);
        let kernel = |id: &str| id.split('/').next().map(str::to_owned);
        if *now == boot {
            return start_of(self.pid) != Some(self.start);
        }
        self.host == host_id() && kernel(now) != kernel(&boot)
    }
}

fn host_id() -> String {
    std::fs::read_to_string("/etc/machine-id").unwrap_or_default().trim().to_owned()
}

fn boot_id() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let namespace = std::fs::read_link("/proc/self/ns/pid").unwrap_or_default();
    format!("{}/{}", boot.trim(), namespace.display())
}

/// The command's name in field 2 may hold blanks and parentheses: fields are counted from the last `)`.
fn start_of(pid: u32) -> Option<u64> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = stat.rsplit_once(')')?;
    rest.split_whitespace().nth(19)?.parse().ok()
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
    fn what_is_not_whole_is_not_ours() {
        let mut stored = Labels::of_this_process("r").to_map();
        stored.insert(OWNER.to_owned(), "12/x/y/z".to_owned());
        assert_eq!(Labels::from_map(|key| stored.get(key).map(String::as_str)), None);
    }

    #[test]
    fn this_process_lives_and_its_number_reused_does_not() {
        let me = Owner::this_process();
        assert!(!me.is_dead());
        assert!(Owner { start: me.start + 1, ..me.clone() }.is_dead());
        let elsewhere = Owner { boot: "another kernel".to_owned(), start: 1, ..me };
        assert!(elsewhere.is_dead(), "this host has booted since");
        assert!(!Owner { host: "another host".to_owned(), ..elsewhere }.is_dead());
    }
}
