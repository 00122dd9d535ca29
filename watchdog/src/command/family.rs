//! A process and all that it has started.

use std::fs;

use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use tokio::process::Child;

/// The leader of a process group with its descendants. They are killed when this is dropped.
#[derive(Debug)]
pub(super) struct Family {
    leader: Option<Pid>,
    reaped: bool,
}

impl Family {
    /// That of a child which was started as the leader of a group.
    pub(super) fn of(child: &Child) -> Self {
        let leader = child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw);
        Self { leader, reaped: false }
    }

    /// The leader has ended and was reaped: its number is its group's only, as long as there is somebody in it.
    pub(super) fn has_ended(&mut self) {
        self.reaped = true;
    }

    /// Kills the group, and before that those who have left it, as `timeout` and `setsid` do. Who was abandoned by its parent and has
    /// left the group is not found: it wanted to be a daemon.
    pub(super) fn kill(&mut self) {
        let Some(leader) = self.leader.take() else { return };
        if !self.reaped {
            for pid in stopped(leader).into_iter().rev() {
                kill(pid, Signal::SIGKILL).ok();
            }
        }
        // Nobody may be left: then there is nothing to do.
        killpg(leader, Signal::SIGKILL).ok();
    }
}

impl Drop for Family {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The process and its descendants, parents first. Each is stopped before it is asked for its children, so it gets no more of them, and
/// it cannot reap them, so nobody else gets their numbers.
fn stopped(leader: Pid) -> Vec<Pid> {
    let mut family = vec![leader];
    let mut asked = 0;
    while let Some(&pid) = family.get(asked) {
        asked += 1;
        kill(pid, Signal::SIGSTOP).ok();
        family.extend(children(pid));
    }
    family
}

/// The children of all threads of a process (proc(5), `/proc/pid/task/tid/children`); none where the kernel was built without it.
fn children(pid: Pid) -> Vec<Pid> {
    let Ok(threads) = fs::read_dir(format!("/proc/{pid}/task")) else { return Vec::new() };
    let lists = threads.flatten().filter_map(|thread| fs::read_to_string(thread.path().join("children")).ok());
    lists
        .flat_map(|list| list.split_whitespace().filter_map(|id| id.parse().ok()).collect::<Vec<i32>>())
        .map(Pid::from_raw)
        .collect()
}
