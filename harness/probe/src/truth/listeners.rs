//! Whether the probe has heard what was done: its listeners sleep until something happens, and sleep again once they have read it.
//!
//! What happens while both wait for a processor is read at once, and has one stamp, that of the first. A test of the stamps
//! does the second thing when the first is heard; how many things are heard together is no matter of exactness but of load.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, bail};

use super::sleep;
use crate::fib::LISTENERS;

/// The threads of the probe, which is PID 1 of its node.
const THREADS: &str = "/proc/1/task";
const LOOK: Duration = Duration::from_millis(1);
/// Ten seconds: a listener that needs longer to read a few notifications is stuck.
const LOOKS: u32 = 10_000;

/// Waits until every listener sleeps.
pub(super) fn heard() -> anyhow::Result<()> {
    for _ in 0..LOOKS {
        if asleep()? == LISTENERS.len() {
            return Ok(());
        }
        sleep(LOOK);
    }
    bail!("expected every one of {LISTENERS:?} to sleep again, found one awake for 10 s")
}

fn asleep() -> anyhow::Result<usize> {
    let mut asleep = 0;
    for thread in fs::read_dir(THREADS).context(THREADS)? {
        // One that has ended since is none of them.
        let Ok(stat) = fs::read_to_string(thread?.path().join("stat")) else { continue };
        asleep += usize::from(sleeping(&stat).is_some_and(|name| LISTENERS.contains(&name)));
    }
    Ok(asleep)
}

/// The name of a thread that waits for something, of its `stat` (proc_pid_stat(5)): `7 (rtnetlink 1) S ...`.
fn sleeping(stat: &str) -> Option<&str> {
    let (_, named) = stat.split_once('(')?;
    let (name, rest) = named.rsplit_once(')')?;
    rest.starts_with(" S ").then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sleeps_and_who_does_not() {
        assert_eq!(sleeping("7 (rtnetlink 1) S 1 1 0"), Some("rtnetlink 1"));
        assert_eq!(sleeping("7 (rtnetlink 1) R 1 1 0"), None);
        assert_eq!(sleeping("7 (a) S (b) S 1"), Some("a) S (b"));
        assert_eq!(sleeping("7"), None);
    }
}
