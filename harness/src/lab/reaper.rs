//! A process of its own that outlives this one, and removes what it leaves when it is killed.
//!
//! Running containers need no reaper: their probe ends with its stdin. What is left to it are containers that were made and
//! not yet started, and networks.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::Duration;

use super::down;
use crate::engine::{Engine, EngineError};
use crate::owner::Labels;
use crate::wait::pause;

/// The name of the program that can reap: this crate's.
const PROGRAM: &str = "anycast-lab";

/// The subcommand by which it does.
pub(crate) const SUBCOMMAND: &str = "reap";

/// What an orderly end says: nothing is on its way any more.
const ALL_IS_DONE: &[u8] = b".";

/// After a kill: what the engine was asked for at that moment it still makes, and it is not there at the first look.
const LOOKS: u32 = 20;

/// From one look to the next.
const BETWEEN: Duration = Duration::from_millis(250);

/// A reaper that waits. When this is dropped, or this process dies, it does its work and ends.
pub struct Reaper {
    /// Its end of file is the signal.
    switch: Option<ChildStdin>,
    child: Option<Child>,
}

impl Reaper {
    /// A reaper for the run with these labels. Where its program is not to be found (a library's user has another one), there is none: what a
    /// killed process leaves is then swept at the next start.
    #[must_use]
    pub fn of(labels: &Labels) -> Self {
        let child = program().and_then(|program| {
            let mut command = Command::new(program);
            command
                .arg(SUBCOMMAND)
                .args(labels.to_map().into_iter().map(|(key, value)| format!("{key}={value}")))
                .stdin(Stdio::piped())
                .stdout(Stdio::null())
                .stderr(Stdio::null());
            // A process group of its own: Ctrl-C and kill of ours are not for it.
            command.process_group(0).spawn().ok()
        });
        let mut reaper = Self { switch: None, child };
        reaper.switch = reaper.child.as_mut().and_then(|child| child.stdin.take());
        reaper
    }
}

impl Drop for Reaper {
    fn drop(&mut self) {
        if let Some(mut switch) = self.switch.take() {
            // A reaper that has gone reads nothing, and does not matter any more.
            let _gone = switch.write_all(ALL_IS_DONE);
        }
        if let Some(mut child) = self.child.take() {
            // Nothing is left to it in an orderly end: this is short, and leaves no zombie.
            let _ended = child.wait();
        }
    }
}

/// This program, or the one built beside a test.
fn program() -> Option<PathBuf> {
    let me = std::env::current_exe().ok()?;
    if me.file_name()? == PROGRAM {
        return Some(me);
    }
    me.ancestors().skip(1).take(2).map(|folder| folder.join(PROGRAM)).find(|program| program.is_file())
}

/// Waits until stdin ends, then removes what the run has on the engine; what could not be removed.
pub async fn reap(engine: &dyn Engine, labels: &Labels) -> Vec<EngineError> {
    let wait = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    let said = tokio::task::spawn_blocking(wait).await;
    match said {
        Ok(Ok(1..)) => down(engine, labels).await,
        _ => down_for_good(engine, labels).await,
    }
}

/// Removes what a run has on the engine, and what the engine still makes for it.
pub(super) async fn down_for_good(engine: &dyn Engine, labels: &Labels) -> Vec<EngineError> {
    for _ in 0..LOOKS {
        // One that fails may succeed the next time.
        let _tried = down(engine, labels).await;
        pause(BETWEEN).await;
    }
    down(engine, labels).await
}
