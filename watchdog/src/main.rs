//! `anycast-watchdog`: checks a name server, as ExaBGP's helper process or as a daemon beside BIRD or FRR.

use std::process::ExitCode;

use anyhow::Context;
use tokio::runtime::Builder;
use watchdog::announcer::Announcer;
use watchdog::ending::Endings;
use watchdog::journal::Journal;
use watchdog::machine::Decision;
use watchdog::options::{Options, Through};
use watchdog::{config, run};

fn main() -> ExitCode {
    start(&Options::from_command_line()).unwrap_or_else(|error| {
        eprintln!("anycast-watchdog: {error:#}");
        ExitCode::from(2)
    })
}

fn start(options: &Options) -> anyhow::Result<ExitCode> {
    let journal = Journal::to_stderr().context("cannot start the journal")?;
    let read = config::read(&options.conf);
    // What a predecessor has announced is withdrawn even if the configuration is of no use now.
    let known = read.as_ref().map_or_else(|_| config::salvage(&options.conf), Clone::clone);
    let read = match read {
        Err(error) if options.through == Through::Frr && known.is_empty() => {
            return Err(error).context("no route is known, so none is withdrawn");
        }
        read => read,
    };
    let (announcer, exabgp) = Announcer::start(options, &known, &journal).context("cannot start the announcer")?;
    announcer.withdraw_on_panic();
    let targets =
        read.inspect_err(|_| announcer.say_farewell(&Decision::withdraw("the configuration is of no use")))?;
    // One thread is enough: it waits most of the time.
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    runtime.block_on(async {
        let endings = Endings::new(exabgp).context("cannot take over the signals")?;
        Ok(run::watch(options, targets, &announcer, &journal, endings).await.exit_code())
    })
}
