//! `anycast-watchdog drain`, `resume` and `status`: the operator's side of the control socket.

use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::{Args, Subcommand};

use super::control::{Request, SOCKET, connect};
use super::orders::{Answer, Order, PATIENCE};
use super::status::Status;

#[cfg(test)]
mod tests;

/// The watchdog has this long to answer; longer than its run loop has.
const LIMIT: Duration = PATIENCE.saturating_add(Duration::from_secs(2));

/// What can be said to a running watchdog.
#[derive(Debug, Clone, Subcommand)]
pub enum Talk {
    /// Takes the traffic away: drains the service, and withdraws it when its time for that is over
    ///
    /// Exit codes: 0 when it is done (with --wait: when it is withdrawn), 1 when the watchdog refuses or somebody resumes
    /// the service meanwhile, 2 for a mistake in the options, 3 when no watchdog answers.
    Drain {
        /// To whom.
        #[command(flatten)]
        to: To,
        /// For the journal
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        /// Return only when the service is withdrawn
        #[arg(long)]
        wait: bool,
    },
    /// Lets the checks decide again
    ///
    /// Exit codes: as for drain.
    Resume {
        /// To whom.
        #[command(flatten)]
        to: To,
    },
    /// Shows how things are, and why
    ///
    /// Exit codes: 0 when the watchdog answers, whatever it says; 1 when there is no such service; 2 for a mistake in the
    /// options; 3 when no watchdog answers.
    Status {
        /// To whom.
        #[command(flatten)]
        to: To,
    },
}

/// To whom, and about which service.
#[derive(Debug, Clone, Args)]
pub struct To {
    /// The service's name [default: all]
    service: Option<String>,
    /// The watchdog's control socket
    #[arg(long, value_name = "PATH", default_value = SOCKET)]
    socket: PathBuf,
    /// Print the status as JSON
    #[arg(long)]
    json: bool,
}

/// Why it could not be said, or was not done.
#[derive(Debug, thiserror::Error)]
pub enum TalkError {
    /// Nobody is at the socket.
    #[error(
        "{}: expected a watchdog at this control socket, found: {error}\nhint: is it running, and with this --control? \
         Its user and group may connect, others may not",
        path.display()
    )]
    NoWatchdog {
        /// The socket.
        path: PathBuf,
        /// What the operating system says.
        error: io::Error,
    },
    /// Somebody is, and does not answer as a watchdog does.
    #[error("{}: expected an answer within {} s, found: {found}\nhint: see the watchdog's journal", path.display(), LIMIT.as_secs())]
    NoAnswer {
        /// The socket.
        path: PathBuf,
        /// What came instead.
        found: String,
    },
    /// The watchdog refuses.
    #[error("{0}")]
    Refused(String),
    /// The answer cannot be printed.
    #[error("stdout: expected to print the answer there, found: {0}\nhint: is the other end of the pipe still there?")]
    Print(io::Error),
}

impl Talk {
    /// Says it, and prints the answer; mistakes go to stderr.
    #[must_use]
    pub fn run(&self) -> ExitCode {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        match self.say(now, &mut io::stdout().lock()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("anycast-watchdog: {error}");
                ExitCode::from(error.exit_code())
            }
        }
    }

    fn say(&self, now: u64, out: &mut impl Write) -> Result<(), TalkError> {
        let (to, request) = self.request();
        let mut status = match to.ask(&request)? {
            Answer::Status(status) => status,
            Answer::Refused(reason) => return Err(TalkError::Refused(reason)),
        };
        if let Some(name) = &to.service {
            let all: Vec<String> = status.services.iter().map(|service| format!("`{}`", service.name)).collect();
            status.services.retain(|service| service.name == *name);
            if status.services.is_empty() {
                return Err(TalkError::Refused(format!(
                    "expected the name of a service, found `{name}`\nhint: there are {}",
                    all.join(", ")
                )));
            }
        }
        to.print(&status, now, out).map_err(TalkError::Print)
    }

    fn request(&self) -> (&To, Request) {
        match self {
            Self::Drain { to, reason, wait } => {
                let order = Order::Drain { service: to.service.clone(), reason: reason.clone() };
                (to, Request { order, wait: *wait })
            }
            Self::Resume { to } => (to, Request { order: Order::Resume { service: to.service.clone() }, wait: false }),
            Self::Status { to } => (to, Request { order: Order::Status, wait: false }),
        }
    }
}

impl To {
    fn ask(&self, request: &Request) -> Result<Answer, TalkError> {
        let gone = |error| TalkError::NoWatchdog { path: self.socket.clone(), error };
        let none = |found: String| TalkError::NoAnswer { path: self.socket.clone(), found };
        let mut watchdog = connect(&self.socket).map_err(gone)?;
        // Who waits for a drain waits as long as the service's configuration says.
        let limit = Some(LIMIT).filter(|_| !request.wait);
        watchdog.set_read_timeout(limit).and_then(|()| watchdog.set_write_timeout(Some(LIMIT))).map_err(gone)?;
        let mut line = serde_json::to_string(request).map_err(|error| none(error.to_string()))?;
        line.push('\n');
        watchdog.write_all(line.as_bytes()).map_err(|error| none(error.to_string()))?;
        let mut answer = String::new();
        match BufReader::new(watchdog).read_line(&mut answer) {
            Ok(0) => Err(none("it hung up".to_owned())),
            Ok(_) => serde_json::from_str(&answer).map_err(|error| none(format!("{error}: {}", answer.trim_end()))),
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(none("nothing".to_owned())),
            Err(error) => Err(none(error.to_string())),
        }
    }

    fn print(&self, status: &Status, now: u64, out: &mut impl Write) -> io::Result<()> {
        let text = if self.json { serde_json::to_string_pretty(status)? + "\n" } else { status.for_people(now) };
        out.write_all(text.as_bytes())?;
        out.flush()
    }
}

impl TalkError {
    /// 1: it was not done; 3: there is nobody to do it. 2 is a mistake in the options.
    #[must_use]
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Refused(_) | Self::Print(_) => 1,
            Self::NoWatchdog { .. } | Self::NoAnswer { .. } => 3,
        }
    }
}
