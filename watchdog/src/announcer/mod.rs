//! Carries decisions out: tells the BGP speaker, and the journal why.
//!
//! ExaBGP takes commands from its helper's stdout. BIRD and FRR have a socket, on which each decision is asserted until the
//! daemon has it, and again when the daemon was restarted.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;
use std::{io, panic, process};

use crate::journal::Journal;
use crate::lines::{Lines, NobodyReads};
use crate::machine::Decision;

mod assert;
mod bird;
mod frr;

use assert::Asserter;

/// At the end, the speaker and the journal have this long to take what is left.
const FAREWELL: Duration = Duration::from_millis(500);

/// The exit code of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// The way to the speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Way {
    /// ExaBGP, whose helper process this is.
    Exabgp,
    /// BIRD's control socket: the protocols whose names begin with the watchdog's are enabled and disabled.
    Bird {
        /// Path of the socket.
        socket: PathBuf,
    },
    /// bgpd's own socket, as vtysh uses it: `network` statements come and go.
    Frr {
        /// Path of the socket.
        socket: PathBuf,
        /// The AS number of its `router bgp`.
        asn: u32,
        /// The addresses that are announced, each as a route of its own.
        addresses: Vec<IpAddr>,
    },
}

/// Speaks to the BGP speaker.
#[derive(Debug, Clone)]
pub struct Announcer {
    name: String,
    speaker: Speaker,
    journal: Journal,
}

#[derive(Debug, Clone)]
enum Speaker {
    Exabgp(Lines),
    Daemon(Asserter),
}

impl Announcer {
    /// Speaks for the routes of that `name`. `on_closed` hears it when ExaBGP closes its end.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(
        name: &str,
        way: Way,
        journal: Journal,
        on_closed: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let speaker = match way {
            Way::Exabgp => Speaker::Exabgp(Lines::to("announcer", io::stdout(), on_closed)?),
            Way::Bird { socket } => Speaker::Daemon(Asserter::start(bird::Bird::new(socket, name), journal.clone())?),
            Way::Frr { socket, asn, addresses } => {
                Speaker::Daemon(Asserter::start(frr::Frr::new(socket, asn, &addresses), journal.clone())?)
            }
        };
        Ok(Self { name: name.to_owned(), speaker, journal })
    }

    /// Tells the speaker, then the reason; waits for neither.
    ///
    /// # Errors
    /// When ExaBGP reads no commands.
    pub fn carry_out(&self, decision: &Decision) -> Result<(), NobodyReads> {
        let Decision { verb, reason } = decision;
        let spoken = match &self.speaker {
            Speaker::Exabgp(commands) => commands.push(format!("{verb} watchdog {}", self.name)),
            Speaker::Daemon(asserter) => {
                asserter.assert(*verb);
                Ok(())
            }
        };
        self.journal.note(format_args!("{verb} {}: {reason}", self.name));
        spoken
    }

    /// Carries out the last decision before the process ends. Takes a second at most, whoever reads or not.
    pub fn say_farewell(&self, decision: &Decision) {
        // When the speaker is gone its routes are gone too.
        self.carry_out(decision).ok();
        match &self.speaker {
            Speaker::Exabgp(commands) => commands.flush(FAREWELL),
            Speaker::Daemon(asserter) => asserter.settle(FAREWELL),
        }
        self.journal.flush(FAREWELL);
    }

    /// From now on, whatever thread panics: the routes are withdrawn and the process ends, for nobody watches any more.
    pub fn withdraw_on_panic(&self) {
        let announcer = self.clone();
        panic::set_hook(Box::new(move |panic| {
            let reason = panic.to_string().replace('\n', " ");
            announcer.say_farewell(&Decision::withdraw(&reason));
            process::exit(PANICKED);
        }));
    }
}
