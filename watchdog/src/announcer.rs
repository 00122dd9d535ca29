//! Carries decisions out: a command to the daemon that announces the routes, and the reason in the journal.
//!
//! Each daemon has a dialect of its own: [`exabgp`] reads commands on our stdout, through one [`Pipe`] for all services; BIRD
//! and FRR hold a conversation over a socket; a bgpd may be started and killed. None is believed: each is asked whether the
//! routes are where neighbours get them, and the journal has `confirmed`, or `ERROR`. See LEASE.md for who takes the routes
//! back when we cannot.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use std::{io, panic, process, thread};

use crate::ending::FromExabgp;
use crate::journal::Journal;
use crate::lines::NobodyReads;
use crate::machine::{Decision, Event, Verb};
use crate::service::{Attributes, Service, Through};

mod bgpd;
pub(crate) mod bird;
mod dialect;
mod dialogue;
pub mod exabgp;
mod frr;
mod pipe;
mod talk;

use bgpd::Bgpd;
use dialogue::Dialogue;
use exabgp::parley::Subject;
use exabgp::words::Words;
pub use pipe::Pipe;
use pipe::Place;

/// At the end, the daemon and the journal have this long to take what is left.
pub const FAREWELL: Duration = Duration::from_millis(500);

/// The exit code of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// Speaks to the daemon that announces a service's routes.
#[derive(Debug, Clone)]
pub struct Announcer {
    service: Service,
    journal: Journal,
    voice: Voice,
}

#[derive(Debug, Clone)]
enum Voice {
    Exabgp {
        place: Place,
        words: Words,
        /// Whether ExaBGP may hold drained routes: at first, because of a predecessor that was killed.
        may_be_drained: Arc<AtomicBool>,
    },
    Socket(Dialogue),
    Process(Bgpd),
}

impl Announcer {
    /// Speaks for the only service of this process. For ExaBGP, also how its end shows.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(service: &Service, journal: &Journal) -> io::Result<(Self, Option<FromExabgp>)> {
        let (pipe, ending) = match service.through {
            Through::Exabgp { .. } => Pipe::to_stdio(journal).map(|(pipe, ending)| (Some(pipe), Some(ending)))?,
            _ => (None, None),
        };
        Ok((Self::join(service, pipe.as_ref(), journal)?, ending))
    }

    /// Speaks for one service of several: those that go through ExaBGP share one pipe.
    ///
    /// # Errors
    /// When there can be no thread, or ExaBGP is to be spoken to and there is no pipe, or it cannot say what the service wants.
    pub fn join(service: &Service, pipe: Option<&Pipe>, journal: &Journal) -> io::Result<Self> {
        let voice = match Words::new(service).map_err(io::Error::other)? {
            Some(words) => {
                let pipe = pipe.ok_or_else(|| io::Error::other("there is no pipe to ExaBGP"))?;
                let prefixes = service.addresses.iter().map(prefix).collect();
                let place = pipe.join(Subject::new(service.name.clone(), prefixes, words.clone()));
                Voice::Exabgp { place, words, may_be_drained: Arc::new(AtomicBool::new(true)) }
            }
            None => dial(service, journal)?,
        };
        Ok(Self { service: service.clone(), journal: journal.clone(), voice })
    }

    /// Notes the decision, its reason, and what the machine has learnt before it, and sends the command on its way; waits for
    /// neither.
    ///
    /// # Errors
    /// When nobody reads commands.
    pub fn carry_out(&self, decision: &Decision, learned: &[(Duration, Event)]) -> Result<(), NobodyReads> {
        let Decision { verb, .. } = decision;
        // First, so that nobody confirms what is not written yet; it takes microseconds, as another thread writes.
        self.journal.decision(&self.service.name, decision, &learned);
        match &self.voice {
            Voice::Exabgp { place, words, may_be_drained } => {
                let may_be_drained = may_be_drained.swap(*verb == Verb::Drain, Ordering::Relaxed);
                place.push(*verb, words.commands(*verb, may_be_drained))
            }
            Voice::Socket(dialogue) => dialogue.push(*verb),
            Voice::Process(bgpd) => bgpd.push(*verb),
        }
    }

    /// Carries out the last decision before the process ends. Takes a second at most, whoever reads or not.
    pub fn say_farewell(&self, decision: &Decision) {
        say_farewell(std::slice::from_ref(self), decision);
    }

    /// From now on, whatever thread panics: the routes are withdrawn and the process ends, for nobody watches any more.
    pub fn withdraw_on_panic(&self) {
        withdraw_on_panic(vec![self.clone()]);
    }

    /// Who reads the commands, for people.
    #[must_use]
    pub fn reader(&self) -> &'static str {
        match &self.voice {
            Voice::Exabgp { .. } => "ExaBGP",
            Voice::Socket(_) | Voice::Process(_) => "the announcer",
        }
    }

    fn settle(&self, verb: Verb, limit: Duration) {
        let is_settled = match &self.voice {
            Voice::Exabgp { place, .. } => {
                place.flush(limit);
                true
            }
            Voice::Socket(dialogue) => dialogue.settle(limit),
            Voice::Process(bgpd) => bgpd.settle(limit),
        };
        if !is_settled {
            self.journal.note(format_args!(
                "ERROR: {}: not confirmed within {} ms: {verb}; the routes may not be as decided",
                self.service.name,
                FAREWELL.as_millis(),
            ));
        }
    }
}

/// Carries out the same last decision for all services. Takes a second at most, however many they are.
pub fn say_farewell(announcers: &[Announcer], decision: &Decision) {
    for announcer in announcers {
        // When the daemon is gone its routes are gone too.
        announcer.carry_out(decision, &[]).ok();
    }
    // All have been told before any is waited for, so that they have the same time.
    let deadline = Instant::now() + FAREWELL;
    for announcer in announcers {
        announcer.settle(decision.verb, deadline.saturating_duration_since(Instant::now()));
    }
    if let Some(announcer) = announcers.first() {
        announcer.journal.flush(FAREWELL);
    }
}

/// From now on, whatever thread panics: all routes are withdrawn and the process ends, for nobody watches any more. What was
/// said here before is forgotten: say it anew when the services change.
pub fn withdraw_on_panic(announcers: Vec<Announcer>) {
    panic::set_hook(Box::new(move |panic| {
        let reason = panic.to_string().replace('\n', " ");
        let mut announcers = announcers.clone();
        // Which service's thread has panicked is not known; a second one is as good as the first.
        if thread::current().name() == Some(dialogue::THREAD) {
            for announcer in &mut announcers {
                if !matches!(announcer.voice, Voice::Exabgp { .. })
                    && let Ok(anew) = dial(&announcer.service, &announcer.journal)
                {
                    announcer.voice = anew;
                }
            }
        }
        say_farewell(&announcers, &Decision::withdraw(&reason));
        process::exit(PANICKED);
    }));
}

fn dial(service: &Service, journal: &Journal) -> io::Result<Voice> {
    let (name, journal) = (&service.name, journal.clone());
    match &service.through {
        Through::Bird { socket } => {
            let prefixes = service.addresses.iter().map(prefix);
            Dialogue::start(bird::Bird::new(name, prefixes), socket, name, journal).map(Voice::Socket)
        }
        Through::Frr { socket, asn, by } => {
            let carried = [service.up.clone(), drained(service)];
            let frr = frr::Frr::new(name, *asn, *by, &service.addresses, carried);
            Dialogue::start(frr, socket, name, journal).map(Voice::Socket)
        }
        Through::Bgpd { start, process } => Bgpd::start(name, start, process, journal).map(Voice::Process),
        Through::Exabgp { .. } => Err(io::Error::other("it is spoken to through a pipe")),
    }
}

/// What drained routes carry: by default the community GRACEFUL_SHUTDOWN, and the lowest preference where that is told at all
/// (RFC 8326, sections 4.1 and 5).
fn drained(service: &Service) -> Attributes {
    if service.drained != Attributes::default() {
        return service.drained.clone();
    }
    Attributes { local_pref: Some(0), communities: vec!["65535:0".to_owned()], ..Attributes::default() }
}

/// The address as a route of its own, as all daemons write it.
fn prefix(address: &IpAddr) -> String {
    format!("{address}/{}", if address.is_ipv4() { 32 } else { 128 })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::{Binding, Judging};

    /// A service named `dns` with an address of each family.
    pub(super) fn service(through: Through) -> Service {
        Service {
            name: "dns".to_owned(),
            addresses: vec!["10.1.53.1".parse().unwrap(), "2001:db8:53::1".parse().unwrap()],
            checks: Vec::new(),
            judging: Judging::default(),
            through,
            up: Attributes::default(),
            drained: Attributes::default(),
            drain: Duration::ZERO,
            binding: Binding::Ignored,
        }
    }
}
