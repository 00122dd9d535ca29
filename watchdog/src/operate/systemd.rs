//! Telling systemd how things are, by the datagrams of sd_notify(3).
//!
//! There is no thread here on purpose: the run loop itself says that it is alive. When it hangs, systemd hears nothing any more,
//! kills it, and has its routes withdrawn (`WatchdogSec=` and `ExecStopPost=` of the unit).

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

#[cfg(test)]
mod tests;

/// The service manager, if there is one that wants to know.
#[derive(Debug)]
pub struct Notifier {
    manager: Option<Manager>,
    ping: Option<Duration>,
}

#[derive(Debug)]
struct Manager {
    socket: UnixDatagram,
    address: SocketAddr,
}

/// What systemd leaves in the environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Environment {
    /// `$NOTIFY_SOCKET`: a path, or `@` and an abstract name.
    pub socket: Option<OsString>,
    /// `$WATCHDOG_USEC`: without a ping for so many microseconds we are killed.
    pub watchdog_usec: Option<OsString>,
    /// `$WATCHDOG_PID`: who has to ping; unset: whoever sees it.
    pub watchdog_pid: Option<OsString>,
}

/// The service manager cannot be told.
#[derive(Debug, thiserror::Error)]
#[error("$NOTIFY_SOCKET {}: expected a socket that takes datagrams, found: {error}; hint: NotifyAccess=main in the unit", socket.display())]
pub struct NotifyError {
    socket: OsString,
    error: io::Error,
}

impl Environment {
    /// Our own.
    #[must_use]
    pub fn ours() -> Self {
        let [socket, watchdog_usec, watchdog_pid] =
            ["NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"].map(std::env::var_os);
        Self { socket, watchdog_usec, watchdog_pid }
    }
}

impl Notifier {
    /// Who is to be told, by the environment of the process `pid`. Nobody, if it names no socket: then telling does nothing.
    ///
    /// # Errors
    /// When there is a name, and no socket can have it.
    pub fn new(environment: &Environment, pid: u32) -> Result<Self, NotifyError> {
        let Some(name) = environment.socket.as_deref().filter(|name| !name.is_empty()) else {
            return Ok(Self { manager: None, ping: None });
        };
        let manager = Manager::at(name).map_err(|error| NotifyError { socket: name.to_owned(), error })?;
        Ok(Self { manager: Some(manager), ping: environment.ping(pid) })
    }

    /// How often [`Notifier::ping`] is to be called, at least: half the time after which systemd kills us.
    #[must_use]
    pub fn ping_interval(&self) -> Option<Duration> {
        self.ping
    }

    /// The run loop runs. To be called by nobody else.
    pub fn ping(&self) {
        self.tell("WATCHDOG=1");
    }

    /// The first verdict on all services is in: what starts after us may start.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={}", one_line(status)));
    }

    /// For `systemctl status`.
    pub fn status(&self, status: &str) {
        self.tell(&format!("STATUS={}", one_line(status)));
    }

    /// The configuration is read anew; [`Notifier::ready`] ends it.
    pub fn reloading(&self) {
        // systemd compares it with the moment at which it asked.
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map_or(Duration::ZERO, Duration::from);
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={}", now.as_micros()));
    }

    /// We end.
    pub fn stopping(&self, why: &str) {
        self.tell(&format!("STOPPING=1\nSTATUS={}", one_line(why)));
    }

    /// A manager that does not listen is no reason to do anything else: if it wants pings it will act.
    fn tell(&self, message: &str) {
        if let Some(Manager { socket, address }) = &self.manager {
            socket.send_to_addr(message.as_bytes(), address).ok();
        }
    }
}

impl Manager {
    fn at(name: &OsStr) -> io::Result<Self> {
        let address = match name.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None => SocketAddr::from_pathname(name)?,
        };
        let socket = UnixDatagram::unbound()?;
        // Whoever does not read holds up nobody.
        socket.set_nonblocking(true)?;
        Ok(Self { socket, address })
    }
}

impl Environment {
    fn ping(&self, pid: u32) -> Option<Duration> {
        let number = |text: &OsString| text.to_str()?.parse::<u64>().ok();
        let is_for_us = self.watchdog_pid.as_ref().is_none_or(|who| number(who) == Some(pid.into()));
        let microseconds = self.watchdog_usec.as_ref().and_then(number).filter(|time| *time > 0 && is_for_us)?;
        Some(Duration::from_micros(microseconds) / 2)
    }
}

/// A line's end would begin another message.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}
