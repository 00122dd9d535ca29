//! `anycast-watchdog`: ExaBGP's helper process that checks a name server.

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use watchdog::announcer::Announcer;
use watchdog::ending::Endings;
use watchdog::journal::Journal;
use watchdog::machine::Decision;
use watchdog::options::Options;
use watchdog::{config, exabgp, run};

fn main() -> ExitCode {
    start(&Options::parse()).unwrap_or_else(|error| {
        eprintln!("anycast-watchdog: {error:#}");
        ExitCode::from(2)
    })
}

fn start(options: &Options) -> anyhow::Result<ExitCode> {
    let journal = Journal::to_stderr().context("cannot start the journal")?;
    let (last_word, closed) = oneshot::channel();
    let on_closed = |error| drop(last_word.send(error));
    let announcer =
        Announcer::to_stdout(&options.name, journal.clone(), on_closed).context("cannot start the announcer")?;
    announcer.withdraw_on_panic();
    let targets = config::read(&options.conf)
        .inspect_err(|_| announcer.say_farewell(&Decision::withdraw("the configuration is of no use")))?;
    // One thread is enough: it waits most of the time.
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let (heard, hears) = mpsc::unbounded_channel();
        let endings = Endings::new(hears, closed).context("cannot take over the signals")?;
        exabgp::listen(io::stdin(), heard).context("cannot listen to ExaBGP")?;
        Ok(run::watch(options, targets, &announcer, &journal, endings).await.exit_code())
    })
}
