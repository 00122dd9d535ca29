//! Which processes belong to a daemon: its process group, whatever descends from it, and whatever it started and left behind.

use std::collections::BTreeSet;
use std::fs;

/// An environment variable that names the daemon. A child that made its own session and lost its parent still carries it.
pub(crate) const MARK: &str = "ANYCAST_LAB_DAEMON";

/// One process, as /proc/PID/stat shows it (proc(5)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Process {
    pub(crate) pid: i32,
    pub(crate) name: String,
    /// Such as `S`, `T` or `Z`.
    pub(crate) state: char,
    parent: i32,
    group: i32,
}

/// Every process of the node; one that ends meanwhile is left out.
pub(crate) fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)).collect()
}

/// The processes of the daemon `name` whose main process is `main`, without those that have ended.
pub(crate) fn of(name: &str, main: i32) -> BTreeSet<i32> {
    let processes = all();
    let marked = |process: &Process| carries(process.pid, name);
    belonging(&processes, main, marked)
}

fn belonging(processes: &[Process], main: i32, marked: impl Fn(&Process) -> bool) -> BTreeSet<i32> {
    let living = || processes.iter().filter(|process| process.state != 'Z' && process.pid != 1);
    let mut found: BTreeSet<i32> = living()
        .filter(|process| process.pid == main || process.group == main || marked(process))
        .map(|process| process.pid)
        .collect();
    loop {
        let known = found.len();
        found.extend(
            living().filter(|process| found.contains(&process.parent)).map(|process| process.pid).collect::<Vec<_>>(),
        );
        if found.len() == known {
            return found;
        }
    }
}

/// Whether the process was started with the daemon's mark. One that changed its user cannot be read, and counts by its parents.
fn carries(pid: i32, name: &str) -> bool {
    let Ok(environment) = fs::read(format!("/proc/{pid}/environ")) else { return false };
    let wanted = format!("{MARK}={name}");
    environment.split(|&octet| octet == 0).any(|variable| variable == wanted.as_bytes())
}

/// The name stands in parentheses, and may hold any character.
fn parse(stat: &str) -> Option<Process> {
    let (pid, rest) = stat.split_once(" (")?;
    let (name, rest) = rest.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    let parent = fields.next()?.parse().ok()?;
    let group = fields.next()?.parse().ok()?;
    Some(Process { pid: pid.parse().ok()?, name: name.to_owned(), state, parent, group })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn process(pid: i32, parent: i32, group: i32, state: char) -> Process {
        Process { pid, name: "x".into(), state, parent, group }
    }

    #[test]
    fn a_name_may_hold_anything() {
        let found = parse("17 (a) S (b) T 1 17 17 0 -1 4194560").unwrap();
        assert_eq!(found, Process { pid: 17, name: "a) S (b".into(), state: 'T', parent: 1, group: 17 });
    }

    #[test]
    fn group_descendants_and_marked_orphans_belong_and_nothing_else() {
        let processes = [
            process(1, 0, 1, 'S'),
            process(10, 1, 10, 'S'),
            process(11, 10, 10, 'S'),
            process(12, 11, 12, 'S'),
            process(13, 12, 13, 'S'),
            process(14, 1, 10, 'S'),
            process(15, 1, 15, 'S'),
            process(16, 15, 16, 'S'),
            process(17, 10, 10, 'Z'),
            process(20, 1, 20, 'S'),
        ];
        let found = belonging(&processes, 10, |process| process.pid == 15);
        assert_eq!(found.into_iter().collect::<Vec<_>>(), [10, 11, 12, 13, 14, 15, 16]);
    }
}
