//! Spawning and reaping. One thread waits for every child, and, as PID 1, for every orphan of the node.

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid, waitpid};
use nix::unistd::{Pid, getpgid};
use protocol::Exit;
use tokio::sync::oneshot;

use super::tree;
use crate::clock::{self, Wakes};
use crate::report::Reporter;
use crate::{limits, observer};

/// How often a daemon's processes are looked for while they are signalled.
const ROUNDS: usize = 20;

/// The living children of the probe.
#[derive(Clone)]
pub(crate) struct Children(Arc<Living>);

#[derive(Default)]
struct Living {
    /// Every child that was spawned and not yet reaped. A number in here cannot be another process's.
    table: Mutex<HashMap<i32, oneshot::Sender<Ended>>>,
    spawned: Condvar,
    /// A child was reaped.
    reaped: Condvar,
}

/// A child that has just been spawned.
pub(crate) struct Child {
    pub(crate) pid: i32,
    /// Right before it was started.
    pub(crate) since: u64,
    pub(crate) stdin: Option<ChildStdin>,
    pub(crate) stdout: Option<ChildStdout>,
    pub(crate) stderr: Option<ChildStderr>,
    pub(crate) ended: oneshot::Receiver<Ended>,
}

/// The end of a process.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ended {
    pub(crate) at: u64,
    pub(crate) exit: Exit,
}

/// Whom a signal reaches.
#[derive(Clone, Copy)]
pub(crate) enum Whom {
    Process,
    Group,
}

impl Children {
    /// Starts the reaper.
    pub(crate) fn reaped(reporter: &Reporter) -> io::Result<Self> {
        let children = Self(Arc::default());
        let reaper = children.clone();
        observer::watch("exits", reporter, move || reaper.reap())?;
        Ok(children)
    }

    /// Spawns a child in a process group of its own, so that a signal reaches it alone.
    pub(crate) fn spawn(&self, command: &mut Command) -> io::Result<Child> {
        // Held until the child is in the table, so that the reaper cannot miss whose exit it has seen.
        let mut table = self.table();
        let since = clock::monotonic();
        let mut child = limits::for_child(|| command.process_group(0).spawn())?;
        let pid = child.id() as i32;
        let (sender, ended) = oneshot::channel();
        table.insert(pid, sender);
        self.0.spawned.notify_one();
        Ok(Child {
            pid,
            since,
            stdin: child.stdin.take(),
            stdout: child.stdout.take(),
            stderr: child.stderr.take(),
            ended,
        })
    }

    /// Signals a child that has not been reaped; returns the moment before the kernel was asked.
    pub(crate) fn signal(&self, pid: i32, whom: Whom, signal: Signal) -> nix::Result<u64> {
        let table = self.table();
        if !table.contains_key(&pid) {
            return Err(Errno::ESRCH);
        }
        let at = clock::monotonic();
        match whom {
            Whom::Process => kill(Pid::from_raw(pid), signal)?,
            Whom::Group => killpg(Pid::from_raw(pid), signal)?,
        }
        Ok(at)
    }

    /// Waits until every process that has ended by now is reaped, and its end passed on; false if that takes longer than `patience`.
    /// It blocks: not for a thread that runs tasks.
    pub(crate) fn settle(&self, patience: Duration) -> bool {
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        let unreaped = || waitid(Id::All, flags).is_ok_and(|status| status.pid().is_some());
        let (_table, timed) = self
            .0
            .reaped
            .wait_timeout_while(self.table(), patience, |_| unreaped())
            .unwrap_or_else(PoisonError::into_inner);
        !timed.timed_out()
    }

    /// Signals every process of a daemon whose main process has not been reaped. Returns the moment before the kernel was asked,
    /// and how many processes were signalled.
    pub(crate) fn signal_daemon(&self, name: &str, main: i32, signal: Signal) -> nix::Result<(u64, usize)> {
        // Held to the end: while it is, no child of this process is reaped, and no number of one is used again.
        let table = self.table();
        if !table.contains_key(&main) {
            return Err(Errno::ESRCH);
        }
        // Before the first is signalled: who loses its parent has lost the way by which it is found.
        let mut found = tree::of(name, main);
        let at = clock::monotonic();
        killpg(Pid::from_raw(main), signal)?;
        let mut signalled = BTreeSet::from([main]);
        // A process may have started another one meanwhile. Each round signals only what is new.
        for _ in 0..ROUNDS {
            let new: Vec<i32> = found.difference(&signalled).copied().collect();
            for pid in &new {
                // killpg(2) has reached those of the group.
                if getpgid(Some(Pid::from_raw(*pid))).is_ok_and(|group| group.as_raw() != main) {
                    kill(Pid::from_raw(*pid), signal).ok();
                }
            }
            signalled.extend(&new);
            found = tree::of(name, main);
            if found.is_subset(&signalled) {
                break;
            }
        }
        Ok((at, signalled.len()))
    }

    /// Kills what is left of a daemon whose main process has ended.
    pub(crate) fn kill_rest(&self, name: &str, main: i32) {
        let _table = self.table();
        for _ in 0..ROUNDS {
            let rest = tree::of(name, main);
            if rest.is_empty() {
                return;
            }
            for pid in rest {
                kill(Pid::from_raw(pid), Signal::SIGKILL).ok();
            }
        }
    }

    fn table(&self) -> MutexGuard<'_, HashMap<i32, oneshot::Sender<Ended>>> {
        self.0.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn reap(&self) -> anyhow::Result<Infallible> {
        let mut wakes = Wakes::of_this_thread_here();
        loop {
            // WNOWAIT leaves the child to be reaped under the lock: a spawn whose exec fails reaps its child itself.
            let (at, status) = wakes.sleep(|| waitid(Id::All, WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT));
            match status {
                Ok(status) => {
                    if let Some(pid) = status.pid() {
                        self.bury(pid, at)?;
                    }
                }
                Err(Errno::EINTR) => {}
                Err(Errno::ECHILD) => {
                    let mut table = self.table();
                    while table.is_empty() {
                        table = self.0.spawned.wait(table).unwrap_or_else(PoisonError::into_inner);
                    }
                }
                Err(errno) => return Err(errno).context("waitid failed"),
            }
        }
    }

    fn bury(&self, pid: Pid, at: u64) -> anyhow::Result<()> {
        let mut table = self.table();
        self.0.reaped.notify_all();
        let exit = match waitpid(pid, Some(WaitPidFlag::WNOHANG)) {
            Ok(WaitStatus::Exited(_, code)) => Exit::Code(code),
            Ok(WaitStatus::Signaled(_, signal, _)) => Exit::Signal(signal as i32),
            Ok(_) | Err(Errno::ECHILD) => return Ok(()),
            Err(errno) => return Err(errno).with_context(|| format!("waitpid({pid}) failed")),
        };
        // An orphan is in nobody's table.
        if let Some(sender) = table.remove(&pid.as_raw()) {
            sender.send(Ended { at, exit }).ok();
        }
        Ok(())
    }
}
