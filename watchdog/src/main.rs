//! `anycast-watchdog`: checks a name server, as ExaBGP's helper process or as a daemon beside BIRD or FRR.

use std::fs::File;
use std::process::ExitCode;

use anyhow::Context;
use clap::{Parser, Subcommand};
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use watchdog::announcer::{self, Announcer, Pipe};
use watchdog::compat::healthcheck;
use watchdog::config::{self, Config, ConfigError};
use watchdog::ending::{Ending, Endings, FromExabgp};
use watchdog::journal::Journal;
use watchdog::keeper::{self, Lease};
use watchdog::lint_command::Lint;
use watchdog::machine::Decision;
use watchdog::operate::client::Talk;
use watchdog::operate::office::Office;
use watchdog::operate::systemd::{Environment, Notifier};
use watchdog::options::Options;
use watchdog::run::Watch;
use watchdog::service::{Service, Through};

/// For a mistake in the options or the configuration.
const MISTAKE: u8 = 2;

#[derive(Debug, Parser)]
#[command(version, about, args_conflicts_with_subcommands = true)]
struct Cli {
    #[command(flatten)]
    options: Options,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(flatten)]
    Talk(Talk),
    Lint(Lint),
    /// Withdraws everything and ends: for when nobody watches
    ///
    /// Exit codes: 0 when all of it was said, 2 for a mistake in the options or the configuration file.
    Withdraw {
        #[command(flatten)]
        options: Options,
    },
}

fn main() -> ExitCode {
    let argv: Vec<String> = std::env::args_os().map(|word| word.to_string_lossy().into_owned()).collect();
    let Cli { options, command } = match healthcheck::flags_in(&argv) {
        Some(flags) => Cli { options: Options::of_healthcheck(flags), command: None },
        None => Cli::parse(),
    };
    let done = match command {
        Some(Command::Lint(lint)) => return lint.run(),
        Some(Command::Talk(talk)) => return talk.run(),
        Some(Command::Withdraw { options }) => withdraw(&options),
        None => start(options),
    };
    done.unwrap_or_else(|error| {
        eprintln!("anycast-watchdog: {error:#}");
        ExitCode::from(MISTAKE)
    })
}

fn start(options: Options) -> anyhow::Result<ExitCode> {
    let lease = Lease::pipe_from_env().context("cannot live by the lease")?;
    let read = config::read(&options);
    match (lease, read) {
        (None, Ok(config)) if !options.no_lease => {
            keeper::keep(config.lease).context("cannot start the watching process")
        }
        (lease, read) => watch(options, read, lease),
    }
}

fn watch(options: Options, read: Result<Config, ConfigError>, lease: Option<File>) -> anyhow::Result<ExitCode> {
    // What a predecessor has announced is withdrawn even if the configuration is of no use now.
    let known = read.as_ref().map_or_else(|_| config::salvage(&options), |config| config.services.clone());
    if known.is_empty()
        && let Err(error) = read
    {
        return Err(error).context("no route is known, so none is withdrawn");
    }
    let journal = journal(&options, read.as_ref().ok())?;
    let (announcers, exabgp) = announcers(&known, &journal)?;
    announcer::withdraw_on_panic(announcers.clone());
    let config = read.inspect_err(|_| {
        announcer::say_farewell(&announcers, &Decision::withdraw("the configuration is of no use"));
    })?;
    for note in &config.notes {
        journal.note(note);
    }
    // Others know the keeper, if there is one.
    let pid = if lease.is_some() { std::os::unix::process::parent_id() } else { std::process::id() };
    if let Some(path) = &config.pid {
        std::fs::write(path, format!("{pid}\n"))
            .with_context(|| format!("{}: cannot write the pid", path.display()))?;
    }
    let notifier = Notifier::new(&Environment::ours(), pid).context("cannot speak to systemd")?;
    // One thread is enough: it waits most of the time.
    let runtime = Builder::new_current_thread().enable_all().build().context("cannot start the runtime")?;
    let watched = LocalSet::new().block_on(&runtime, async {
        let endings = Endings::new(exabgp).context("cannot take over the signals")?;
        let names = config.services.iter().map(|service| service.name.clone());
        let office = Office::open(&config.office, names, notifier, &journal).await?;
        let lease = lease.map(|pipe| Lease::new(pipe, config.lease));
        let hooks = config.hooks.start(&journal);
        let watch = Watch { options, journal: journal.clone(), office, hooks, lease };
        let services = config.services.into_iter().zip(announcers.iter().cloned()).collect();
        anyhow::Ok(watch.run(services, endings).await?)
    });
    let ending: Ending = watched.inspect_err(|error| {
        announcer::say_farewell(&announcers, &Decision::withdraw(&format!("{error:#}")));
    })?;
    Ok(ending.exit_code())
}

fn withdraw(options: &Options) -> anyhow::Result<ExitCode> {
    let config = config::read(options)?;
    let journal = journal(options, Some(&config))?;
    let (announcers, _) = announcers(&config.services, &journal)?;
    announcer::say_farewell(&announcers, &Decision::withdraw("asked for"));
    Ok(ExitCode::SUCCESS)
}

fn journal(options: &Options, config: Option<&Config>) -> anyhow::Result<Journal> {
    let format = config.map_or(options.office.journal, |config| config.office.journal);
    Journal::to(std::io::stderr(), format.unwrap_or_default()).context("cannot start the journal")
}

/// One for each service, and how ExaBGP's end shows if it is our parent.
fn announcers(services: &[Service], journal: &Journal) -> anyhow::Result<(Vec<Announcer>, Option<FromExabgp>)> {
    let (pipe, exabgp) = if services.iter().any(|service| matches!(service.through, Through::Exabgp { .. })) {
        let (pipe, ending) = Pipe::to_stdio(journal).context("cannot speak to ExaBGP")?;
        (Some(pipe), Some(ending))
    } else {
        (None, None)
    };
    let join = |service: &Service| {
        Announcer::join(service, pipe.as_ref(), journal).with_context(|| format!("service `{}`", service.name))
    };
    Ok((services.iter().map(join).collect::<Result<_, _>>()?, exabgp))
}
