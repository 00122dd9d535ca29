//! Carries decisions out: a command to ExaBGP on stdout, and the reason in the journal.

use std::time::Duration;
use std::{io, panic, process};

use crate::journal::Journal;
use crate::lines::{Lines, NobodyReads};
use crate::machine::Decision;

/// At the end, ExaBGP and the journal have this long to take what is left.
const FAREWELL: Duration = Duration::from_millis(500);

/// The exit code of a Rust program whose main thread panicked.
const PANICKED: i32 = 101;

/// Speaks to ExaBGP.
#[derive(Debug, Clone)]
pub struct Announcer {
    name: String,
    commands: Lines,
    journal: Journal,
}

impl Announcer {
    /// Speaks on stdout for the routes whose watchdog is `name`. `on_closed` hears it when ExaBGP closes its end.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to_stdout(
        name: &str,
        journal: Journal,
        on_closed: impl FnOnce(io::Error) + Send + 'static,
    ) -> io::Result<Self> {
        Ok(Self { name: name.to_owned(), commands: Lines::to("announcer", io::stdout(), on_closed)?, journal })
    }

    /// Writes the command, then its reason; waits for neither.
    ///
    /// # Errors
    /// When ExaBGP reads no commands.
    pub fn carry_out(&self, decision: &Decision) -> Result<(), NobodyReads> {
        let Decision { verb, reason } = decision;
        let spoken = self.commands.push(format!("{verb} watchdog {}", self.name));
        self.journal.note(format_args!("{verb} {}: {reason}", self.name));
        spoken
    }

    /// Carries out the last decision before the process ends. Takes a second at most, whoever reads or not.
    pub fn say_farewell(&self, decision: &Decision) {
        // When ExaBGP is gone its routes are gone too.
        self.carry_out(decision).ok();
        self.commands.flush(FAREWELL);
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
