//! What the harness tells a running node to do.

use serde::{Deserialize, Serialize};

use crate::File;

/// A numbered action: exactly one `Done` or `Failed` report answers it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Command {
    /// Unique within a run of the node.
    pub id: u64,
    /// What to do.
    pub action: Action,
}

/// What a node can be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Sends a signal to every process of the daemon, whatever session they are in; SIGHUP and SIGUSR1, which ask for a
    /// reload, to its main process alone. SIGKILL is done when that has ended.
    Signal {
        /// The daemon's name.
        daemon: String,
        /// The signal.
        signal: Signal,
    },
    /// Sends a signal to every process of the node but the probe.
    SignalAll {
        /// The signal.
        signal: Signal,
    },
    /// Starts every daemon that is not running, in the order of the setup.
    StartAll,
    /// From here on nothing of what others send is heard, and nothing leaves the node.
    Silence {
        /// Only on this network; else on all.
        network: Option<String>,
    },
    /// Ends that.
    Speak {
        /// As it was begun.
        network: Option<String>,
    },
    /// Starts a daemon that is not running.
    Start {
        /// The daemon's name.
        daemon: String,
    },
    /// Sends SIGTERM, then SIGCONT, to every process of the daemon; done when its main process has exited. What it leaves
    /// behind is killed.
    Stop {
        /// The daemon's name.
        daemon: String,
    },
    /// Stop, then start.
    Restart {
        /// The daemon's name.
        daemon: String,
    },
    /// Writes a file, replacing one that is there.
    Write(File),
    /// Starts the query trains.
    Ask,
    /// Does nothing: all that was observed before is reported before its `Done`.
    Mark,
    /// Runs a program to its end; its output comes back with `Done`.
    Exec {
        /// The program and its arguments.
        argv: Vec<String>,
        /// Milliseconds after which it is killed and the action has failed.
        timeout_ms: u64,
    },
    /// Answers at once: the node lives, and this is its clock.
    Ping,
    /// Starts a daemon, unless it runs.
    Revive {
        /// The daemon's name.
        daemon: String,
    },
    /// Removes every route that is neither the kernel's nor the setup's, as a boot does.
    FlushRoutes,
    /// Collects what an engineer would ask of a node that does not do what it should: an [`crate::Inspection`] in JSON.
    Inspect,
}

/// The signals that faults and heals use (signal(7)).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
#[expect(missing_docs, reason = "the names are signal(7)'s")]
pub enum Signal {
    SigCont,
    SigHup,
    SigInt,
    SigKill,
    SigStop,
    SigTerm,
    SigUsr1,
}

impl std::fmt::Display for Signal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SigCont => "SIGCONT",
            Self::SigHup => "SIGHUP",
            Self::SigInt => "SIGINT",
            Self::SigKill => "SIGKILL",
            Self::SigStop => "SIGSTOP",
            Self::SigTerm => "SIGTERM",
            Self::SigUsr1 => "SIGUSR1",
        })
    }
}
