//! `--execute` and its like: what is run when something changes.

use std::io;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use tokio::process::Command;
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::journal::Journal;

/// No command may run for longer; the health checker would wait for ever.
const LIMIT: Duration = Duration::from_secs(30);

/// So many changes may wait for commands to end; beyond that their commands are not run.
const WAITING: usize = 16;

/// Commands for /bin/sh.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Hooks {
    /// On every change.
    pub always: Vec<String>,
    /// When announced.
    pub up: Vec<String>,
    /// When it fails: withdrawn, or drained.
    pub down: Vec<String>,
    /// When the operator has disabled it.
    pub disabled: Vec<String>,
}

/// What a service has turned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// Announced.
    Up,
    /// It fails.
    Down,
    /// The operator has disabled it.
    Disabled,
}

/// Runs the commands, one after the other, while the watch goes on.
#[derive(Debug)]
pub struct Runner {
    turns: mpsc::Sender<Turn>,
    journal: Journal,
}

impl Hooks {
    /// The commands for a turn, in the order of the health checker.
    #[must_use]
    pub fn commands(&self, turn: Turn) -> Vec<&str> {
        let first = match turn {
            Turn::Up => &self.up,
            Turn::Down => &self.down,
            Turn::Disabled => &self.disabled,
        };
        first.iter().chain(&self.always).map(String::as_str).collect()
    }

    /// Starts the task that runs them. Needs a runtime.
    #[must_use]
    pub fn start(self, journal: &Journal) -> Runner {
        let (turns, mut next) = mpsc::channel(WAITING);
        let notes = journal.clone();
        tokio::spawn(async move {
            while let Some(turn) = next.recv().await {
                self.run(turn, &notes).await;
            }
        });
        Runner { turns, journal: journal.clone() }
    }

    async fn run(&self, turn: Turn, journal: &Journal) {
        for command in self.commands(turn) {
            match timeout(LIMIT, run(command, turn)).await {
                Ok(Ok(status)) if status.success() => {}
                Ok(Ok(status)) => journal.note(format_args!("`{command}`: expected exit status 0, found {status}")),
                Ok(Err(error)) => journal.note(format_args!("`{command}`: expected to run it, found: {error}")),
                Err(_) => journal.note(format_args!("`{command}`: killed after {} s", LIMIT.as_secs())),
            }
        }
    }
}

impl Runner {
    /// Has the commands run; returns at once.
    pub fn turn(&self, turn: Turn) {
        if self.turns.try_send(turn).is_err() {
            self.journal
                .note(format_args!("commands for {turn:?} are not run: those of {WAITING} changes are not done yet"));
        }
    }
}

async fn run(command: &str, turn: Turn) -> io::Result<ExitStatus> {
    let mut shell = Command::new("/bin/sh");
    shell.args(["-c", command]).env("STATE", turn.name()).kill_on_drop(true);
    // Stdin and stdout are ExaBGP's.
    shell.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    shell.spawn()?.wait().await
}

impl Turn {
    /// As the health checker has it in `$STATE`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Up => "UP",
            Self::Down => "DOWN",
            Self::Disabled => "DISABLED",
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::journal::Format;

    use super::*;

    #[tokio::test]
    async fn commands_run_in_order_and_know_the_state() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("said");
        let say = |what: &str| format!("echo {what} $STATE >> {}", file.display());
        let hooks = Hooks {
            always: vec![say("always")],
            up: vec![say("up"), "exit 3".to_owned()],
            down: vec![say("down")],
            ..Hooks::default()
        };
        let journal = Journal::to(io::sink(), Format::Text).unwrap();
        for turn in [Turn::Up, Turn::Down, Turn::Disabled] {
            hooks.run(turn, &journal).await;
        }
        let said = std::fs::read_to_string(&file).unwrap();
        assert_eq!(said, "up UP\nalways UP\ndown DOWN\nalways DOWN\nalways DISABLED\n");
    }
}
