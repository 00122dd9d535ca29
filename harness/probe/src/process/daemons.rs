//! The daemons of the node, by name.

use std::collections::{HashMap, VecDeque};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use protocol::{Daemon, Observation, Stream};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::watch;
use tokio::time::timeout;

use super::children::{Child, Children, Ended, Whom};
use super::{describe, tree};
use crate::clock;
use crate::mark::Stage;
use crate::pipes::Pipes;
use crate::report::Reporter;

/// What a daemon is given to end after SIGTERM, and any process after SIGKILL.
const PATIENCE: Duration = Duration::from_secs(8);

/// How many of a daemon's last lines are kept for whoever asks why it ended.
const LAST_LINES: usize = 20;

/// All daemons of the node, running or not.
#[derive(Clone)]
pub(crate) struct Daemons(Arc<Inner>);

struct Inner {
    known: Vec<Daemon>,
    running: Mutex<HashMap<String, Running>>,
    past: Mutex<HashMap<String, Past>>,
    children: Children,
    pipes: Pipes,
    reporter: Reporter,
}

/// What is remembered of a daemon.
#[derive(Default, Clone)]
struct Past {
    /// How its last process ended, if one has.
    exit: Option<Ended>,
    lines: VecDeque<String>,
}

/// A daemon as an engineer asks for it.
pub(crate) struct Account {
    pub(crate) name: String,
    /// The pid, while it runs.
    pub(crate) pid: Option<i32>,
    /// How its last process ended, if one has.
    pub(crate) exit: Option<Ended>,
    /// The last lines that it wrote.
    pub(crate) lines: Vec<String>,
}

#[derive(Clone)]
pub(crate) struct Running {
    pid: i32,
    ended: watch::Receiver<Option<Ended>>,
}

impl Running {
    /// Waits for the end, which has been reported when this returns.
    pub(crate) async fn wait(mut self) -> anyhow::Result<(i32, Ended)> {
        let ended = *self.ended.wait_for(Option::is_some).await.context("the reaper is gone")?;
        Ok((self.pid, ended.context("the reaper is gone")?))
    }
}

impl Daemons {
    pub(crate) fn new(known: Vec<Daemon>, children: Children, reporter: Reporter) -> anyhow::Result<Self> {
        let pipes = Pipes::watched(&reporter)?;
        let (running, past) = (Mutex::default(), Mutex::default());
        Ok(Self(Arc::new(Inner { known, running, past, children, pipes, reporter })))
    }

    /// Starts every daemon in its order.
    pub(crate) fn start_all(&self) -> anyhow::Result<()> {
        self.0.known.iter().try_for_each(|daemon| self.start(&daemon.name).map(drop))
    }

    /// Starts every daemon that is not running; returns when the last one was, and how many.
    pub(crate) fn start_rest(&self) -> anyhow::Result<(u64, String)> {
        let idle = |daemon: &&Daemon| !self.running().contains_key(&daemon.name);
        let idle: Vec<&Daemon> = self.0.known.iter().filter(idle).collect();
        let mut at = clock::monotonic();
        for daemon in &idle {
            (at, _) = self.start(&daemon.name)?;
        }
        Ok((at, format!("{} daemons", idle.len())))
    }

    /// Signals every process of the node, grandchildren too, but the probe (kill(2): -1 leaves out process 1 and the caller).
    /// Returns the moment before the kernel was asked: what the signal did comes after it.
    pub(crate) fn signal_all(&self, signal: protocol::Signal) -> anyhow::Result<(u64, String)> {
        let everyone = nix::unistd::Pid::from_raw(-1);
        let at = clock::monotonic();
        match nix::sys::signal::kill(everyone, number(signal)) {
            // Nobody is left to be signalled.
            Ok(()) | Err(nix::errno::Errno::ESRCH) => Ok((at, signal.to_string())),
            Err(error) => Err(error).with_context(|| format!("could not send {signal} to all processes")),
        }
    }

    /// Starts a daemon that is not running; returns when that was, and its pid in words.
    pub(crate) fn start(&self, name: &str) -> anyhow::Result<(u64, String)> {
        let daemon = self.known(name)?;
        let mut running = self.running();
        if let Some(Running { pid, .. }) = running.get(name) {
            bail!("{name} is running already, as pid {pid}");
        }
        let (program, arguments) = daemon.argv.split_first().with_context(|| format!("{name} has an empty argv"))?;
        let mut command = Command::new(program);
        command.args(arguments).envs(&daemon.env).env(tree::MARK, name);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let child = self.0.children.spawn(&mut command);
        let child = child.with_context(|| format!("could not start {name}: `{}`", daemon.argv.join(" ")))?;
        let (at, pid) = (clock::monotonic(), child.pid);
        self.0.reporter.report_at(at, Observation::Started { daemon: name.into(), pid });
        let (sender, ended) = watch::channel(None);
        running.insert(name.into(), Running { pid, ended });
        self.attend(name, child, sender)?;
        Ok((at, format!("pid {pid}")))
    }

    /// Starts a daemon, unless it runs: one that started again by itself needs no help.
    pub(crate) fn revive(&self, name: &str) -> anyhow::Result<(u64, String)> {
        self.known(name)?;
        let running = self.running().get(name).map(|running| running.pid);
        match running {
            Some(pid) => Ok((clock::monotonic(), format!("pid {pid}, which runs already"))),
            None => self.start(name),
        }
    }

    /// Asks every process of a daemon to end; one that was stopped goes on, to hear of it. Returns the main process.
    pub(crate) fn stop(&self, name: &str) -> anyhow::Result<Running> {
        let running = self.find(name)?;
        self.kill(name, running.pid, Signal::SIGTERM)?;
        // A main process that has ended by now cannot be stopped.
        self.0.children.signal_daemon(name, running.pid, Signal::SIGCONT).ok();
        Ok(running)
    }

    /// Waits for the end of a daemon that was asked to end, and kills what it leaves behind, as systemd does
    /// (systemd.kill(5), `control-group`). Returns when its main process ended, and how.
    ///
    /// # Errors
    /// It has not ended in time.
    pub(crate) async fn stopped(&self, name: &str, running: Running) -> anyhow::Result<(u64, String)> {
        let main = running.pid;
        let Ok(ended) = timeout(PATIENCE, running.wait()).await else {
            let processes = tree::all();
            let state = processes.iter().find(|process| process.pid == main);
            let state =
                state.map_or_else(String::new, |process| format!(" ({}, state {})", process.name, process.state));
            bail!("{name} did not end within {} s of SIGTERM: pid {main}{state} still runs", PATIENCE.as_secs());
        };
        let (pid, ended) = ended?;
        self.0.children.kill_rest(name, pid);
        Ok((ended.at, format!("pid {pid}, {}", describe(ended.exit))))
    }

    /// Signals a daemon. A reload (SIGHUP, SIGUSR1) is for its main process; any other signal reaches all its processes.
    /// Returns the moment of it, what was done in words, and the main process.
    pub(crate) fn signal(&self, name: &str, signal: protocol::Signal) -> anyhow::Result<(u64, String, Running)> {
        let running = self.find(name)?;
        let pid = running.pid;
        let reload = matches!(signal, protocol::Signal::SigHup | protocol::Signal::SigUsr1);
        let (at, count) = if reload {
            let sent = self.0.children.signal(pid, Whom::Process, number(signal));
            (sent.with_context(|| format!("could not send {signal} to {name}, pid {pid}"))?, 1)
        } else {
            self.kill(name, pid, number(signal))?
        };
        let more = if count > 1 { format!(" and {} more", count - 1) } else { String::new() };
        Ok((at, format!("pid {pid}{more}, {signal}"), running))
    }

    /// Waits until a daemon that was killed has ended and is reported.
    ///
    /// # Errors
    /// The kernel does not let it end: it waits for a device.
    pub(crate) async fn killed(name: &str, running: Running) -> anyhow::Result<()> {
        let main = running.pid;
        let ended = timeout(PATIENCE, running.wait()).await;
        ended
            .with_context(|| format!("{name}, pid {main}, did not end within {} s of SIGKILL", PATIENCE.as_secs()))??;
        Ok(())
    }

    /// The daemons that run now, with their main processes.
    pub(crate) fn all_running(&self) -> Vec<(String, Running)> {
        self.running().iter().map(|(name, running)| (name.clone(), running.clone())).collect()
    }

    /// What is known of each daemon, in the order in which they start.
    pub(crate) fn accounts(&self) -> Vec<Account> {
        let (running, past) = (self.running(), self.past());
        let account = |daemon: &Daemon| {
            let Past { exit, lines } = past.get(&daemon.name).cloned().unwrap_or_default();
            let pid = running.get(&daemon.name).map(|running| running.pid);
            Account { name: daemon.name.clone(), pid, exit, lines: lines.into() }
        };
        self.0.known.iter().map(account).collect()
    }

    /// Reports a line of a daemon, and remembers it among its last ones.
    pub(crate) fn line(&self, since: Option<u64>, at: u64, daemon: &str, stream: Stream, text: String) {
        let mut past = self.past();
        let lines = &mut past.entry(daemon.to_owned()).or_default().lines;
        if lines.len() == LAST_LINES {
            lines.pop_front();
        }
        lines.push_back(text.clone());
        drop(past);
        self.0.reporter.report_between(since, at, Observation::Line { daemon: daemon.to_owned(), stream, text });
    }

    /// The daemon whose program, or which itself, is called so.
    pub(crate) fn called(&self, name: &str) -> Option<String> {
        let program = |daemon: &Daemon| daemon.argv.iter().any(|word| word.rsplit('/').next() == Some(name));
        self.0.known.iter().find(|daemon| daemon.name == name || program(daemon)).map(|daemon| daemon.name.clone())
    }

    fn kill(&self, name: &str, pid: i32, signal: Signal) -> anyhow::Result<(u64, usize)> {
        let killed = self.0.children.signal_daemon(name, pid, signal);
        killed.with_context(|| format!("could not send {signal} to {name}, pid {pid}"))
    }

    fn known(&self, name: &str) -> anyhow::Result<&Daemon> {
        self.0.known.iter().find(|daemon| daemon.name == name).with_context(|| {
            let names: Vec<_> = self.0.known.iter().map(|daemon| daemon.name.as_str()).collect();
            format!("no daemon `{name}` on this node; there is: {}", names.join(", "))
        })
    }

    fn find(&self, name: &str) -> anyhow::Result<Running> {
        self.known(name)?;
        if let Some(running) = self.running().get(name) {
            return Ok(running.clone());
        }
        let past = self.past();
        let past = past.get(name);
        let exit =
            past.and_then(|past| past.exit).map_or_else(String::new, |ended| format!(": it {}", described(ended.exit)));
        let last =
            past.and_then(|past| past.lines.back()).map_or_else(String::new, |line| format!("; its last line: {line}"));
        bail!("{name} is not running{exit}{last}")
    }

    fn past(&self) -> MutexGuard<'_, HashMap<String, Past>> {
        self.0.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn running(&self) -> MutexGuard<'_, HashMap<String, Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reports the daemon's lines and its end.
    fn attend(&self, name: &str, child: Child, sender: watch::Sender<Option<Ended>>) -> anyhow::Result<()> {
        self.read(name, Stream::Stdout, child.since, child.stdout.map(OwnedFd::from))?;
        self.read(name, Stream::Stderr, child.since, child.stderr.map(OwnedFd::from))?;
        let (daemons, daemon) = (self.clone(), name.to_owned());
        let mut marks = self.0.reporter.marks().join(Stage::Kernel, format!("exit of {name}"));
        tokio::spawn(async move {
            let mut end = child.ended;
            // A mark passes once an end that the reaper has passed on before it is reported.
            let mut passing = Vec::new();
            let ended = loop {
                tokio::select! {
                    biased;
                    ended = &mut end => break ended,
                    pass = marks.next() => passing.push(pass),
                }
                // The end may have come with the mark: it is looked at once more before the mark passes.
                match end.try_recv() {
                    Ok(ended) => break Ok(ended),
                    Err(TryRecvError::Empty) => passing.clear(),
                    Err(TryRecvError::Closed) => return,
                }
            };
            // Without a reaper nothing is known; the end of the reaper itself has been reported.
            let Ok(ended) = ended else { return };
            let Ended { at, exit } = ended;
            let exited = Observation::Exited { daemon: daemon.clone(), pid: child.pid, exit };
            daemons.0.reporter.report_at(at, exited);
            daemons.past().entry(daemon.clone()).or_default().exit = Some(ended);
            daemons.running().remove(&daemon);
            sender.send_replace(Some(ended));
        });
        Ok(())
    }

    fn read(&self, name: &str, stream: Stream, made: u64, from: Option<OwnedFd>) -> anyhow::Result<()> {
        let Some(from) = from else { return Ok(()) };
        let (daemons, daemon) = (self.clone(), name.to_owned());
        let take = move |since, at, text| daemons.line(Some(since), at, &daemon, stream, text);
        self.0.pipes.read(from, made, take).context("a child's output cannot be read")?;
        Ok(())
    }
}

/// An exit as the end of a sentence about the daemon.
fn described(exit: protocol::Exit) -> String {
    match exit {
        protocol::Exit::Code(_) => describe(exit),
        protocol::Exit::Signal(_) => format!("was {}", describe(exit)),
    }
}

fn number(signal: protocol::Signal) -> Signal {
    match signal {
        protocol::Signal::SigCont => Signal::SIGCONT,
        protocol::Signal::SigHup => Signal::SIGHUP,
        protocol::Signal::SigInt => Signal::SIGINT,
        protocol::Signal::SigKill => Signal::SIGKILL,
        protocol::Signal::SigStop => Signal::SIGSTOP,
        protocol::Signal::SigTerm => Signal::SIGTERM,
        protocol::Signal::SigUsr1 => Signal::SIGUSR1,
    }
}

#[cfg(test)]
mod tests;
