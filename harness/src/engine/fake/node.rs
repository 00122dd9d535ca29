//! A node in memory: a task that speaks the probe's side of the protocol, or is `cat`.

use std::sync::{Mutex, Weak};

use futures::StreamExt;
use protocol::{Command, Observation, Report, Setup};
use tokio::io::{AsyncBufReadExt, BufReader, DuplexStream};
use tokio::sync::{mpsc, oneshot, watch};

use super::super::{Chunk, Node, NodeSpec, Owned, Result, What};
use super::{Heard, Script, State};
use crate::clock::Clock;
use crate::wait::pause;

/// Octets on their way to a node.
const IN_FLIGHT: usize = 64 * 1024;

type Output = mpsc::UnboundedSender<Result<Chunk>>;

/// A node that runs; dropping this ends it at once.
pub(super) struct Running {
    pub(super) owned: Owned,
    pub(super) hostname: String,
    /// Identifiers of its networks.
    pub(super) on: Vec<String>,
    pub(super) out_of_memory: bool,
    pub(super) paused: watch::Sender<bool>,
    saw: mpsc::UnboundedSender<(Option<u64>, Observation)>,
    _life: oneshot::Sender<()>,
}

impl Running {
    pub(super) fn emit(&self, at: Option<u64>, saw: Observation) -> bool {
        self.saw.send((at, saw)).is_ok()
    }
}

pub(super) fn start(
    id: String,
    node: &NodeSpec,
    script: Script,
    clock: Clock,
    engine: Weak<Mutex<State>>,
) -> (Running, Node) {
    let (input, stdin) = stdin();
    let (stdout, output) = mpsc::unbounded_channel();
    let (saw, seen) = mpsc::unbounded_channel();
    let (life, crashed) = oneshot::channel::<()>();
    let owned = Owned { what: What::Container, id: id.clone(), name: node.name.clone(), labels: node.labels.clone() };
    let paused = watch::Sender::new(false);
    let stopped = paused.subscribe();
    let (hostname, on) = (node.hostname.clone(), node.networks().to_vec());
    let running = Running { owned, hostname, on, out_of_memory: false, paused, saw, _life: life };

    let (argv, gone) = (node.argv.clone(), id.clone());
    let probe = Probe {
        name: node.hostname.clone(),
        script,
        engine: engine.clone(),
        output: stdout.clone(),
        paused: stopped,
        clock,
        seq: 0,
    };
    tokio::spawn(async move {
        let program = async {
            match argv.iter().map(String::as_str).collect::<Vec<_>>()[..] {
                ["cat"] => cat(stdin, &stdout).await,
                ["cat", path] => complain(&stdout, path),
                _ => probe.run(stdin, seen).await,
            }
        };
        tokio::select! { () = program => {}, _ = crashed => {} }
        if let Some(engine) = engine.upgrade() {
            let mut state = engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            state.nodes.retain(|node| node.owned.id != gone);
        }
    });
    let output =
        futures::stream::unfold(output, |mut output| async { output.recv().await.map(|chunk| (chunk, output)) });
    (running, Node { id, input: Box::new(input), output: output.boxed() })
}

/// A node's stdin, both ends. As with Docker, a write to a node that has ended does not fail: what carries it is not the node.
fn stdin() -> (DuplexStream, DuplexStream) {
    let (near, mut far) = tokio::io::duplex(IN_FLIGHT);
    let (mut into, stdin) = tokio::io::duplex(IN_FLIGHT);
    tokio::spawn(async move {
        drop(tokio::io::copy(&mut far, &mut into).await);
        drop(into);
        drop(tokio::io::copy(&mut far, &mut tokio::io::sink()).await);
    });
    (near, stdin)
}

async fn cat(stdin: DuplexStream, stdout: &Output) {
    let mut stdin = BufReader::new(stdin);
    while let Ok(octets) = stdin.fill_buf().await {
        let length = octets.len();
        if length == 0 || stdout.send(Ok(Chunk::Stdout(octets.to_vec()))).is_err() {
            return;
        }
        stdin.consume(length);
    }
}

fn complain(stdout: &Output, path: &str) {
    let complaint = format!("cat: {path}: No such file or directory\n");
    drop(stdout.send(Ok(Chunk::Stderr(complaint.into_bytes()))));
}

struct Probe {
    name: String,
    script: Script,
    engine: Weak<Mutex<State>>,
    output: Output,
    paused: watch::Receiver<bool>,
    clock: Clock,
    seq: u64,
}

impl Probe {
    async fn run(mut self, stdin: DuplexStream, mut seen: mpsc::UnboundedReceiver<(Option<u64>, Observation)>) {
        let mut lines = BufReader::new(stdin).lines();
        let mut ready = false;
        let mut paused = self.paused.clone();
        loop {
            if paused.wait_for(|paused| !paused).await.is_err() {
                return;
            }
            tokio::select! {
                biased;
                _ = paused.changed() => {}
                Some((at, saw)) = seen.recv(), if ready => self.report(at, saw),
                line = lines.next_line() => {
                    let Ok(Some(line)) = line else { return };
                    if !ready {
                        pause(self.script.takes).await;
                    }
                    let understood = if ready { self.obey(&line) } else { self.set_up(&line) };
                    if let Err(error) = understood {
                        return self.report(None, Observation::Unusable { error });
                    }
                    ready = true;
                }
            }
        }
    }

    fn set_up(&mut self, line: &str) -> std::result::Result<(), String> {
        let setup: Setup = serde_json::from_str(line).map_err(|error| format!("setup: {error}"))?;
        let script = self.script.setup.as_ref().map_or_else(Vec::new, |script| script(&setup));
        self.hear(Heard::Setup(Box::new(setup)));
        if let Some(Observation::Unusable { error }) = script.first() {
            return Err(error.clone());
        }
        self.report(None, Observation::Ready);
        script.into_iter().for_each(|saw| self.report(None, saw));
        Ok(())
    }

    fn obey(&mut self, line: &str) -> std::result::Result<(), String> {
        let Command { id, action } = serde_json::from_str(line).map_err(|error| format!("command: {error}"))?;
        let script = self.script.command.as_ref().map_or_else(Vec::new, |script| script(&self.name, &action));
        let ignored = self.script.ignored.as_ref().is_some_and(|ignored| ignored(&action));
        self.hear(Heard::Action(action));
        if ignored {
            return Ok(());
        }
        let mut answer = Observation::Done { id, detail: String::new() };
        for saw in script {
            match saw {
                Observation::Failed { error, .. } => answer = Observation::Failed { id, error },
                Observation::Done { detail, .. } => answer = Observation::Done { id, detail },
                saw => self.report(None, saw),
            }
        }
        self.report(None, answer);
        Ok(())
    }

    fn hear(&self, heard: Heard) {
        if let Some(engine) = self.engine.upgrade() {
            let mut state = engine.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
            state.heard.push((self.name.clone(), heard));
        }
    }

    fn report(&mut self, at: Option<u64>, saw: Observation) {
        let report = Report { seq: self.seq, at: at.unwrap_or_else(|| self.clock.now()), since: None, saw };
        self.seq += 1;
        // A report is made of plain data: it always has a JSON form.
        if let Ok(mut line) = serde_json::to_vec(&report) {
            line.push(b'\n');
            drop(self.output.send(Ok(Chunk::Stdout(line))));
        }
    }
}
