//! Commands: one line of stdin each, answered by exactly one `Done` or `Failed`.

use std::time::Duration;

use anyhow::Context as _;
use protocol::{Action, Command, Exit, Observation, Signal};
use serde_json::Value;

use crate::inspect::inspect;
use crate::mark::{self, Stage};
use crate::process::{Children, Daemons, describe, run};
use crate::report::Reporter;
use crate::setup::Node;
use crate::{clock, files, net, observer};

/// When an action took effect, and what is to be known of it.
struct Effect {
    /// At the earliest, where a program did it; else `at` is exact.
    since: Option<u64>,
    at: u64,
    detail: String,
}

impl From<(u64, String)> for Effect {
    fn from((at, detail): (u64, String)) -> Self {
        Self { since: None, at, detail }
    }
}

/// Obeys one line. What takes effect at once is done in the order of the lines; only waiting happens beside them.
pub(crate) fn obey(line: &str, node: &mut Node, reporter: &Reporter) {
    let Command { id, action } = match serde_json::from_str(line) {
        Ok(command) => command,
        Err(error) => return refuse(line, &error, reporter),
    };
    match action {
        Action::Signal { daemon, signal } => match node.daemons.signal(&daemon, signal) {
            // Done when it has ended: what comes next finds it gone.
            Ok((at, what, running)) if signal == Signal::SigKill => later(id, reporter, async move {
                Daemons::killed(&daemon, running).await?;
                Ok((at, what))
            }),
            sent => answer(id, sent.map(|(at, what, _)| (at, what)), reporter),
        },
        Action::Start { daemon } => answer(id, node.daemons.start(&daemon), reporter),
        Action::SignalAll { signal } => {
            let running = if signal == Signal::SigKill { node.daemons.all_running() } else { Vec::new() };
            let sent = node.daemons.signal_all(signal);
            later(id, reporter, async move {
                let sent = sent?;
                for (daemon, running) in running {
                    Daemons::killed(&daemon, running).await?;
                }
                Ok(sent)
            });
        }
        Action::Revive { daemon } => answer(id, node.daemons.revive(&daemon), reporter),
        Action::Inspect => {
            let (children, daemons, packets) = (node.children.clone(), node.daemons.clone(), node.packets.clone());
            let networks = node.links.0.clone();
            later(id, reporter, async move {
                let found = inspect(&children, &daemons, &networks, &packets).await;
                Ok((clock::monotonic(), serde_json::to_string(&found)?))
            });
        }
        Action::FlushRoutes => {
            let kept = node.routes.clone();
            later(id, reporter, async move { Ok((clock::monotonic(), net::flush_routes(&kept).await?)) });
        }
        Action::StartAll => answer(id, node.daemons.start_rest(), reporter),
        Action::Silence { network } => silence(id, node, network.as_deref(), true, reporter),
        Action::Speak { network } => silence(id, node, network.as_deref(), false, reporter),
        Action::Stop { daemon } => {
            let (stopping, daemons) = (node.daemons.stop(&daemon), node.daemons.clone());
            later(id, reporter, async move { daemons.stopped(&daemon, stopping?).await });
        }
        Action::Restart { daemon } => {
            let (stopping, daemons) = (node.daemons.stop(&daemon), node.daemons.clone());
            later(id, reporter, async move {
                daemons.stopped(&daemon, stopping?).await?;
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
                Ok(Effect { since: Some(ended.began), at: ended.at, detail: ended.text })
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
    later(id, reporter, async move {
        let (since, at) = silence?.carry_out(&children).await?;
        Ok(Effect { since: Some(since), at, detail: String::new() })
    });
}

fn later<E: Into<Effect>>(
    id: u64,
    reporter: &Reporter,
    effect: impl Future<Output = anyhow::Result<E>> + Send + 'static,
) {
    let reporter = reporter.clone();
    tokio::spawn(async move { answer(id, effect.await, &reporter) });
}

fn answer(id: u64, effect: anyhow::Result<impl Into<Effect>>, reporter: &Reporter) {
    match effect.map(Into::into) {
        Ok(Effect { since, at, detail }) => reporter.report_between(since, at, Observation::Done { id, detail }),
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
