//! PID 1 of every node of a lab: sets the node up, runs its daemons, watches it.
//!
//! It reads JSON Lines on stdin, one [`protocol::Setup`] and then [`protocol::Command`]s, and writes [`protocol::Report`]s
//! on stdout. It ends when stdin does, and as it is PID 1, the whole node ends with it.
//!
//! `anycast-lab-probe guard` keeps the host and the lab apart (`guard/`). `anycast-lab-probe truth ...`, run in a node beside it, puts its stamps to the test.

mod bell;
mod bgp;
mod clock;
mod commands;
mod fib;
mod files;
mod guard;
mod input;
mod inspect;
mod limits;
mod mark;
mod net;
mod observer;
mod pipes;
mod process;
mod report;
mod rib;
mod served;
mod setup;
mod trains;
mod truth;

use std::process::exit;

use anyhow::Context as _;
use protocol::Observation;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::UnboundedReceiver;

use crate::report::Reporter;

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    match arguments.next().as_deref() {
        Some("truth") => return truth::run(arguments),
        Some("guard") => return guard::run(),
        _ => {}
    }
    let reporter = Reporter::writing_to(std::io::stdout())?;
    let lines = input::lines()?;
    limits::raise()?;
    // One thread runs everything that waits; what must be stamped at once (exits, routes, frames) has threads of its own.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(run(reporter, lines))
}

async fn run(reporter: Reporter, mut lines: UnboundedReceiver<String>) -> anyhow::Result<()> {
    // The kernel gives PID 1 no default action for SIGTERM: without this, `docker stop` would wait for its time to be up.
    let mut sigterm = signal(SignalKind::terminate())?;
    tokio::spawn(async move {
        sigterm.recv().await;
        exit(0);
    });

    let first = lines.recv().await.context("stdin was read by a thread that has ended")?;
    let mut node = match setup::set_up(&first, &reporter).await {
        Ok(node) => node,
        Err(error) => {
            reporter.report(Observation::Unusable { error: format!("{error:#}") });
            reporter.flush();
            exit(1);
        }
    };
    reporter.report(Observation::Ready);
    while let Some(line) = lines.recv().await {
        commands::obey(&line, &mut node, &reporter);
    }
    anyhow::bail!("the thread that reads stdin has ended")
}
