//! Commands: one line of stdin each, answered by exactly one `Done` or `Failed`.

use std::time::Duration;

use anyhow::Context as _;
use protocol::{Action, Command, Exit, Observation};
use serde_json::Value;

use crate::mark::{self, Stage};
use crate::process::{Children, describe, run};
use crate::report::Reporter;
use crate::setup::Node;
use crate::{clock, files, observer};

/// When an action took effect, and what is to be known of it.
type Effect = anyhow::Result<(u64, String)>;

/// Obeys one line. What takes effect at once is done in the order of the lines; only waiting happens beside them.
pub(crate) fn obey(line: &str, node: &mut Node, reporter: &Reporter) {
    let Command { id, action } = match serde_json::from_str(line) {
        Ok(command) => command,
        Err(error) => return refuse(line, &error, reporter),
    };
    match action {
        Action::Signal { daemon, signal } => answer(id, node.daemons.signal(&daemon, signal), reporter),
        Action::Start { daemon } => answer(id, node.daemons.start(&daemon), reporter),
        Action::SignalAll { signal } => answer(id, node.daemons.signal_all(signal), reporter),
        Action::StartAll => answer(id, node.daemons.start_rest(), reporter),
        Action::Silence { network } => silence(id, node, network.as_deref(), true, reporter),
        Action::Speak { network } => silence(id, node, network.as_deref(), false, reporter),
        Action::Stop { daemon } => {
            let stopping = node.daemons.stop(&daemon);
            later(id, reporter, async move {
                let (pid, ended) = stopping?.wait().await?;
                Ok((ended.at, format!("pid {pid}, {}", describe(ended.exit))))
            });
        }
        Action::Restart { daemon } => {
            let stopping = node.daemons.stop(&daemon);
            let daemons = node.daemons.clone();
            later(id, reporter, async move {
                stopping?.wait().await?;
                daemons.start(&daemon)
            });
        }
        Action::Write(file) => {
            let effect = files::write(&file).map(|()| (clock::monotonic(), file.path));
            answer(id, effect, reporter);
        }
        Action::Ask => {
            let trains = node.trains.take().context("the query trains run already: one Ask starts all of them");
            let started = trains.and_then(|trains| trains.start(reporter));
            answer(id, started.map(|what| (clock::monotonic(), what)), reporter);
        }
        Action::Ping => answer(id, Ok((clock::monotonic(), String::new())), reporter),
        Action::Mark => {
            let (at, children, to) = (clock::monotonic(), node.children.clone(), reporter.clone());
            later(id, reporter, async move {
                mark(&children, &to).await;
                Ok((at, String::new()))
            });
        }
        Action::Exec { argv, timeout_ms } => {
            let children = node.children.clone();
            later(id, reporter, async move {
                let ended = run(&children, &argv, None, Duration::from_millis(timeout_ms)).await?;
                let what = argv.join(" ");
                anyhow::ensure!(
                    ended.exit == Exit::Code(0),
                    "`{what}`: expected exit status 0, found: {}; it wrote: {}",
                    describe(ended.exit),
                    ended.text.trim_end()
                );
                Ok((ended.at, ended.text))
            });
        }
    }
}

/// Passes a mark through every observer: what the kernel had queued when it came is reported when this returns. An observer that does
/// not settle is a hole.
async fn mark(children: &Children, reporter: &Reporter) {
    let children = children.clone();
    let reaped = tokio::task::spawn_blocking(move || children.settle(mark::PATIENCE)).await;
    let mut late: Vec<String> = Vec::new();
    if !reaped.unwrap_or(false) {
        late.push("exits".to_owned());
    }
    for stage in [Stage::Kernel, Stage::Daemons] {
        late.extend(reporter.marks().pass(stage, mark::PATIENCE).await);
    }
    for name in late {
        let error = format!("it did not report all it had seen within {} s of a mark", mark::PATIENCE.as_secs());
        observer::broken(&name, error, reporter);
    }
}

fn silence(id: u64, node: &Node, network: Option<&str>, on: bool, reporter: &Reporter) {
    let (silence, children) = (node.links.silence(network, on), node.children.clone());
    later(id, reporter, async move { Ok((silence?.carry_out(&children).await?, String::new())) });
}

fn later(id: u64, reporter: &Reporter, effect: impl Future<Output = Effect> + Send + 'static) {
    let reporter = reporter.clone();
    tokio::spawn(async move { answer(id, effect.await, &reporter) });
}

fn answer(id: u64, effect: Effect, reporter: &Reporter) {
    match effect {
        Ok((at, detail)) => reporter.report_at(at, Observation::Done { id, detail }),
        Err(error) => reporter.report(Observation::Failed { id, error: format!("{error:#}") }),
    }
}

/// A line that is no command fails under its number; one without a number is a hole in what the node was told.
fn refuse(line: &str, error: &serde_json::Error, reporter: &Reporter) {
    let error = format!("not a command: {error}: {line}");
    let number = serde_json::from_str::<Value>(line).ok().and_then(|value| value.get("id")?.as_u64());
    match number {
        Some(id) => reporter.report(Observation::Failed { id, error }),
        None => observer::broken("commands", error, reporter),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::tests::Shared;

    #[test]
    fn nothing_is_skipped_in_silence() {
        let seen = Shared::default();
        let reporter = Reporter::writing_to(seen.clone()).unwrap();
        for line in [r#"{"id":7,"action":{"dance":{}}}"#, "garbage"] {
            let error = serde_json::from_str::<Command>(line).unwrap_err();
            refuse(line, &error, &reporter);
        }
        reporter.flush();
        let found = seen.observations();
        assert!(matches!(&found[0], Observation::Failed { id: 7, error } if error.contains("dance")), "{found:?}");
        assert!(matches!(&found[1], Observation::Broken { observer, .. } if observer == "commands"), "{found:?}");
    }
}
