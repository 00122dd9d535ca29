//! What is watched: from the command line and a file, which is TOML, or `address:domain` lines as of old.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::compat::healthcheck::{self, HealthcheckError, Hooks};
use crate::operate::office;
use crate::options::Options;
use crate::service::{Attributes, Binding, Check, Dns, Expectation, Scope, Service, What};
use crate::target::{Target, TargetError};

mod lines;
mod toml;
mod way;

pub(crate) use way::Way;
pub use way::Word;

/// Where the file is looked for when nobody names it, the first that is there.
const PLACES: [&str; 2] = ["/etc/anycast-watchdog.toml", "/etc/nameserver_watchdog.conf"];

/// All that a process watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The services, in the order in which they were written.
    pub services: Vec<Service>,
    /// What operators can ask for.
    pub office: office::Options,
    /// What is run when something changes.
    pub hooks: Hooks,
    /// Where the process's id is to be written.
    pub pid: Option<PathBuf>,
    /// What is worth a line in the journal.
    pub notes: Vec<String>,
    /// A watchdog that has not shown a sign of life for so long is replaced, its routes withdrawn first.
    pub lease: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            services: Vec::new(),
            office: office::Options::default(),
            hooks: Hooks::default(),
            pid: None,
            notes: Vec::new(),
            lease: Duration::from_secs(1),
        }
    }
}

/// Why there is nothing to watch.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("{}: expected a readable file, found: {reason}\nhint: write `address:domain` lines there, or name another file with --conf", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        reason: io::Error,
    },
    /// A line is no target.
    #[error("{}:{line}: {reason}\nhint: for example `10.1.53.1:example.test` or `[2001:db8::1]:example.test`", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line's number, from 1.
        line: usize,
        /// What is wrong with it.
        reason: TargetError,
    },
    /// The file has no target at all.
    #[error("{}: expected at least one line `address:domain`, found none\nhint: for example `10.1.53.1:example.test`", path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
    /// The TOML is not as it must be.
    #[error("{}: {reason}", path.display())]
    Toml {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, with the line and a caret where that is known.
        reason: String,
    },
    /// The health checker's flags cannot be taken.
    #[error(transparent)]
    Healthcheck(#[from] HealthcheckError),
    /// The options do not go together, or not with the file.
    #[error("{0}")]
    Options(String),
}

/// Reads what is to be watched.
///
/// # Errors
/// When the file cannot be read, or it and the options do not make sense.
pub fn read(options: &Options) -> Result<Config, ConfigError> {
    if let Some(flags) = &options.healthcheck {
        return Ok(of_healthcheck(flags)?);
    }
    let path = path(options);
    let text =
        std::fs::read_to_string(&path).map_err(|reason| ConfigError::Unreadable { path: path.clone(), reason })?;
    if is_toml(&path) {
        if let Some(option) = options.given_for_lines() {
            let text = format!("{option}: expected in {}, found on the command line", path.display());
            return Err(ConfigError::Options(text));
        }
        let mut config = toml::parse(&text).map_err(|reason| ConfigError::Toml { path, reason })?;
        config.office = options.office.clone().or(config.office);
        return Ok(config);
    }
    let service = service(options, &lines::parse(&path, &text)?)?;
    Ok(Config { services: vec![service], office: options.office.clone(), ..Config::default() })
}

/// What can be made out of a file that [`read`] refuses: enough to withdraw what a predecessor has announced.
#[must_use]
pub fn salvage(options: &Options) -> Vec<Service> {
    let path = path(options);
    if is_toml(&path) || options.healthcheck.is_some() {
        return Vec::new();
    }
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    let services = service(options, &lines::salvage(&text)).into_iter();
    // By what names ExaBGP and BIRD know the routes is in the options; FRR's are the addresses.
    services.filter(|service| options.through != Word::Frr || !service.addresses.is_empty()).collect()
}

fn of_healthcheck(flags: &[String]) -> Result<Config, HealthcheckError> {
    // What cannot be looked at is as good as not there: then the addresses must be named.
    let bound = healthcheck::on_lo().unwrap_or_default();
    let translation = healthcheck::translate(flags, &bound, |path| std::fs::read_to_string(path))?;
    Ok(Config {
        services: translation.services,
        office: office::Options { maintenance: translation.disable, ..office::Options::default() },
        hooks: translation.hooks,
        pid: translation.pid,
        notes: translation.notes,
        ..Config::default()
    })
}

fn path(options: &Options) -> PathBuf {
    let [first, second] = PLACES.map(PathBuf::from);
    options.conf.clone().unwrap_or_else(|| if first.exists() { first } else { second })
}

fn is_toml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "toml")
}

/// The one service of the lines and options.
fn service(options: &Options, targets: &[Target]) -> Result<Service, ConfigError> {
    let through = options.way().through(options.through).map_err(ConfigError::Options)?;
    let mut addresses = Vec::new();
    for target in targets {
        // Who checks a loopback address does not say which routes ExaBGP and BIRD have.
        let is_said = options.through == Word::Frr || !target.address.is_loopback();
        if is_said && !addresses.contains(&target.address) {
            addresses.push(target.address);
        }
    }
    let check = |target: &Target| Check {
        what: What::Dns(Box::new(Dns {
            address: target.address,
            port: options.port,
            name: target.domain.clone(),
            kind: hickory_proto::rr::RecordType::SOA,
            udp: true,
            tcp: true,
            source: None,
            expect: Expectation::default(),
        })),
        scope: Scope::Local,
        interval: None,
        timeout: None,
    };
    Ok(Service {
        name: options.name.clone(),
        addresses,
        checks: targets.iter().map(check).collect(),
        judging: options.judging(),
        through,
        up: Attributes::default(),
        drained: toml::graceful_shutdown(),
        drain: toml::DRAIN,
        binding: Binding::Required,
    })
}
