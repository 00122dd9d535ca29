//! The guard of a lab's networks: keeps the host and the lab apart, on the host's side of each bridge.
//!
//! `anycast-lab-probe guard` runs beside the nodes, in the host's network namespace. Each line of stdin names a bridge, and has
//! `make ` before it where the guard makes one that is missing; the answer on stdout is `guarded NAME` or `failed NAME: WHY`. The rules live as long as the guard does: they are in a table that `nft`
//! owns, which the kernel removes with the process, even after SIGKILL (`owner` in nft(8)).
//!
//! A node's own filter (`net/isolation.rs`) can be removed by a root process in the node. This one cannot.

mod ports;
mod rules;
mod ruleset;

use std::io::Write as _;

use anyhow::Context as _;

use crate::input;
use ports::Ports;
use ruleset::Ruleset;

/// Guards until stdin ends.
///
/// # Errors
/// There is no `nft`, or no rtnetlink socket.
pub(crate) fn run() -> anyhow::Result<()> {
    let lines = input::lines_to_the_end()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(serve(lines))
}

/// What to do when a bridge is missing.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    /// It is an error.
    Refuse,
    /// Podman takes a bridge that is there, and gives its own an address.
    Make,
}

async fn serve(mut lines: tokio::sync::mpsc::UnboundedReceiver<String>) -> anyhow::Result<()> {
    let mut ports = Ports::watch().await?;
    let mut rules = None;
    loop {
        tokio::select! {
            line = lines.recv() => {
                // At the end of stdin the harness is gone.
                let Some(line) = line else { return ports.remove_unused().await };
                let (bridge, missing) = match line.strip_prefix("make ") {
                    Some(bridge) => (bridge, Missing::Make),
                    None => (line.as_str(), Missing::Refuse),
                };
                answer(bridge, guard(bridge, missing, &mut rules, &mut ports).await)?;
            }
            port = ports.next() => {
                let port = port?;
                if let Some(rules) = &mut rules {
                    add(rules, &port).await;
                }
            }
        }
    }
}

async fn guard(bridge: &str, missing: Missing, rules: &mut Option<Ruleset>, ports: &mut Ports) -> anyhow::Result<()> {
    rules::check_name(bridge)?;
    if missing == Missing::Make {
        ports.make(bridge).await?;
    }
    if rules.is_none() {
        *rules = Some(Ruleset::open(&rules::table(bridge)).await?);
    }
    let rules = rules.as_mut().context("there is no table")?;
    rules.add(&rules::from_bridge(rules.table(), bridge)).await?;
    if let Err(error) = rules.add(&rules::to_bridge(rules.table(), bridge)).await {
        // Nodes drop what the host sends, as long as they keep their own filter.
        eprintln!("{bridge}: no egress rule, which needs Linux 5.16 and nftables 1.0.1: {error:#}");
    }
    for port in ports.of(bridge).await? {
        add(rules, &port).await;
    }
    Ok(())
}

/// A port that is gone again needs no rule.
async fn add(rules: &mut Ruleset, port: &str) {
    if let Err(error) = rules.add(&rules::from_port(rules.table(), port)).await {
        eprintln!("{port}: {error:#}");
    }
}

fn answer(bridge: &str, guarded: anyhow::Result<()>) -> anyhow::Result<()> {
    let mut stdout = std::io::stdout();
    match guarded {
        Ok(()) => writeln!(stdout, "guarded {bridge}")?,
        Err(error) => writeln!(stdout, "failed {bridge}: {}", format!("{error:#}").replace('\n', " "))?,
    }
    Ok(stdout.flush()?)
}
