//! `anycast-watchdog`: checks a name server, and has ExaBGP, BIRD or FRR announce it.

use std::io;
use std::process::ExitCode;

use anyhow::Context;
use clap::Parser;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, oneshot};
use watchdog::announcer::{Announcer, Way};
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
    let mut last_word = Some(last_word);
    let targets = config::read(&options.conf);
    let addresses = targets.iter().flatten().map(|target| target.address).collect();
    let way = options.way(addresses);
    let helper = way == Way::Exabgp;
    // Only ExaBGP can close its end for good.
    let closing = last_word.take_if(|_| helper);
    let on_closed = |error| closing.map_or((), |last_word| drop(last_word.send(error)));
    let announcer =
        Announcer::start(&options.name, way, journal.clone(), on_closed).context("cannot start the announcer")?;
    announcer.withdraw_on_panic();
    let targets =
        targets.inspect_err(|_| announcer.say_farewell(&Decision::withdraw("the configuration is of no use")))?;
    // One thread is enough: it waits most of the time.
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let (heard, hears) = mpsc::unbounded_channel();
        let endings = Endings::new(hears, closed).context("cannot take over the signals")?;
        // Beside another speaker nobody is on stdin, and the ends that only ExaBGP brings stay open.
        let _open = if helper {
            exabgp::listen(io::stdin(), heard).context("cannot listen to ExaBGP")?;
            None
        } else {
            Some((heard, last_word))
        };
        Ok(run::watch(options, targets, &announcer, &journal, endings).await.exit_code())
    })
}
