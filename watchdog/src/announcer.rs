//! Carries decisions out: a command to the daemon that announces the routes, and the reason in the journal.
//!
//! Each daemon has a dialect of its own: [`exabgp`] reads commands on our stdout; BIRD and FRR hold a conversation over a socket.

use std::time::Duration;
use std::{io, panic, process, thread};

use tokio::sync::{mpsc, oneshot};

use crate::ending::FromExabgp;
use crate::journal::Journal;
use crate::lines::{Lines, NobodyReads};
use crate::machine::Decision;
use crate::options::{Options, Through};
use crate::target::Target;

pub(crate) mod bird;
mod dialect;
mod dialogue;
pub mod exabgp;
mod frr;
mod talk;

use dialogue::Dialogue;

/// At the end, the daemon and the journal have this long to take what is left.
const FAREWELL: Duration = Duration::from_millis(500);

/// The exit code of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// Speaks to the daemon that announces the routes.
#[derive(Debug, Clone)]
pub struct Announcer {
    name: String,
    journal: Journal,
    voice: Voice,
}

#[derive(Debug, Clone)]
enum Voice {
    Exabgp(Lines),
    Socket(Caller),
}

/// A dialogue, and what is needed to begin it anew.
#[derive(Debug, Clone)]
struct Caller {
    dialogue: Dialogue,
    options: Options,
    targets: Vec<Target>,
}

impl Announcer {
    /// Speaks to whom the options name, about the routes of the targets. For ExaBGP, also how its end shows.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn start(options: &Options, targets: &[Target], journal: &Journal) -> io::Result<(Self, Option<FromExabgp>)> {
        if options.through == Through::Exabgp {
            let (last_word, closed) = oneshot::channel();
            let announcer = Self::to_stdout(&options.name, journal.clone(), |error| drop(last_word.send(error)))?;
            let (tell, heard) = mpsc::unbounded_channel();
            exabgp::listen(io::stdin(), tell)?;
            return Ok((announcer, Some(FromExabgp { heard, closed })));
        }
        let caller =
            Caller { dialogue: dial(options, targets, journal)?, options: options.clone(), targets: targets.to_vec() };
        Ok((Self { name: options.name.clone(), journal: journal.clone(), voice: Voice::Socket(caller) }, None))
    }

    /// Speaks to ExaBGP on stdout for the routes whose watchdog is `name`. `on_closed` hears it when ExaBGP closes its end.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to_stdout(
        name: &str,
        journal: Journal,
        on_closed: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        let commands = Lines::to("announcer", io::stdout(), on_closed)?;
        Ok(Self { name: name.to_owned(), journal, voice: Voice::Exabgp(commands) })
    }

    /// Sends the command on its way, then notes its reason; waits for neither.
    ///
    /// # Errors
    /// When nobody reads commands.
    pub fn carry_out(&self, decision: &Decision) -> Result<(), NobodyReads> {
        let Decision { verb, reason } = decision;
        let spoken = match &self.voice {
            Voice::Exabgp(commands) => commands.push(exabgp::command(*verb, &self.name)),
            Voice::Socket(caller) => caller.dialogue.push(*verb),
        };
        self.journal.note(format_args!("{verb} {}: {reason}", self.name));
        spoken
    }

    /// Carries out the last decision before the process ends. Takes a second at most, whoever reads or not.
    pub fn say_farewell(&self, decision: &Decision) {
        // When the daemon is gone its routes are gone too.
        self.carry_out(decision).ok();
        match &self.voice {
            Voice::Exabgp(commands) => commands.flush(FAREWELL),
            Voice::Socket(caller) if caller.dialogue.settle(FAREWELL) => {}
            Voice::Socket(_) => self.journal.note(format_args!(
                "ERROR: {}: not confirmed within {} ms: {}; the routes may not be as decided",
                self.name,
                FAREWELL.as_millis(),
                decision.verb
            )),
        }
        self.journal.flush(FAREWELL);
    }

    /// From now on, whatever thread panics: the routes are withdrawn and the process ends, for nobody watches any more.
    pub fn withdraw_on_panic(&self) {
        let announcer = self.clone();
        panic::set_hook(Box::new(move |panic| {
            let reason = panic.to_string().replace('\n', " ");
            let mut announcer = announcer.clone();
            if let Voice::Socket(caller) = &mut announcer.voice
                && thread::current().name() == Some(dialogue::THREAD)
                && let Ok(anew) = dial(&caller.options, &caller.targets, &announcer.journal)
            {
                caller.dialogue = anew;
            }
            announcer.say_farewell(&Decision::withdraw(&reason));
            process::exit(PANICKED);
        }));
    }

    /// Who reads the commands, for people.
    #[must_use]
    pub fn reader(&self) -> &'static str {
        match &self.voice {
            Voice::Exabgp(_) => "ExaBGP",
            Voice::Socket(_) => "the announcer",
        }
    }
}

fn dial(options: &Options, targets: &[Target], journal: &Journal) -> io::Result<Dialogue> {
    let (socket, journal) = (options.socket(), journal.clone());
    match options.asn {
        Some(asn) => {
            let addresses = targets.iter().map(|target| target.address);
            Dialogue::start(frr::Frr::new(asn, addresses), &socket, &options.name, journal)
        }
        None => Dialogue::start(bird::Bird::new(&options.name), &socket, &options.name, journal),
    }
}
