//! The daemons of the node, by name.

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context as _, bail};
use nix::sys::signal::Signal;
use protocol::{Daemon, Observation, Stream};
use tokio::sync::oneshot::error::TryRecvError;
use tokio::sync::watch;

use super::children::{Child, Children, Ended, Whom};
use crate::clock;
use crate::mark::Stage;
use crate::pipes::Pipes;
use crate::report::Reporter;

/// All daemons of the node, running or not.
#[derive(Clone)]
pub(crate) struct Daemons(Arc<Inner>);

struct Inner {
    known: Vec<Daemon>,
    running: Mutex<HashMap<String, Running>>,
    children: Children,
    pipes: Pipes,
    reporter: Reporter,
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
        Ok(Self(Arc::new(Inner { known, running: Mutex::default(), children, pipes, reporter })))
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
        command.args(arguments).envs(&daemon.env);
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

    /// Asks a daemon to end.
    pub(crate) fn stop(&self, name: &str) -> anyhow::Result<Running> {
        let running = self.find(name)?;
        self.kill(name, running.pid, Signal::SIGTERM)?;
        Ok(running)
    }

    /// Signals a daemon; returns the moment of it, and what was done in words.
    pub(crate) fn signal(&self, name: &str, signal: protocol::Signal) -> anyhow::Result<(u64, String)> {
        let Running { pid, .. } = self.find(name)?;
        let at = self.kill(name, pid, number(signal))?;
        Ok((at, format!("pid {pid}, {signal}")))
    }

    fn kill(&self, name: &str, pid: i32, signal: Signal) -> anyhow::Result<u64> {
        let killed = self.0.children.signal(pid, Whom::Process, signal);
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
        self.running().get(name).cloned().with_context(|| format!("{name} is not running"))
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
            daemons.running().remove(&daemon);
            sender.send_replace(Some(ended));
        });
        Ok(())
    }

    fn read(&self, name: &str, stream: Stream, made: u64, from: Option<OwnedFd>) -> anyhow::Result<()> {
        let Some(from) = from else { return Ok(()) };
        let (reporter, daemon) = (self.0.reporter.clone(), name.to_owned());
        let take = move |since, at, text| {
            reporter.report_between(since, at, Observation::Line { daemon: daemon.clone(), stream, text });
        };
        self.0.pipes.read(from, made, take).context("a child's output cannot be read")?;
        Ok(())
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
