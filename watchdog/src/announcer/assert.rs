//! A daemon is kept as decided: the latest decision is asserted on its socket until it has it, and again when it comes back.

use std::io;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::journal::Journal;
use crate::machine::Verb;

/// How often a daemon that cannot be reached is tried again, and one that was reached is looked after.
const RETRY: Duration = Duration::from_millis(100);

/// What a daemon gets to answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(2);

/// How one kind of daemon is spoken to.
pub(super) trait Dialect: Send + 'static {
    /// Such as `BIRD`.
    const NAME: &'static str;

    /// An open connection, with what has been said on it so far.
    type Session: Send;

    /// Opens one.
    fn open(&self) -> io::Result<Self::Session>;

    /// Has the daemon do it; returns what it says of it.
    fn assert(&self, session: &mut Self::Session, verb: Verb) -> Result<String, Refusal>;

    /// The connection, to see whether it still stands.
    fn stream(session: &Self::Session) -> &UnixStream;
}

/// Why a decision was not carried out.
#[derive(Debug, thiserror::Error)]
pub(super) enum Refusal {
    /// The connection failed: another one may work.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// The daemon answered, and did not do it: expected ..., found ....
    #[error("{0}")]
    Refused(String),
}

/// The way in to the thread that does it.
#[derive(Debug, Clone)]
pub(super) struct Asserter(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
struct State {
    wanted: Option<Verb>,
    /// What the daemon was last brought to.
    has: Option<Verb>,
}

impl Asserter {
    /// Starts the thread.
    pub(super) fn start<D: Dialect>(dialect: D, journal: Journal) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let asserter = Self(Arc::clone(&shared));
        thread::Builder::new().name("announcer".to_owned()).spawn(move || shared.serve(&dialect, &journal))?;
        Ok(asserter)
    }

    /// From here on this is what the daemon is to be brought to; returns at once.
    pub(super) fn assert(&self, verb: Verb) {
        self.0.state().wanted = Some(verb);
        self.0.changed.notify_all();
    }

    /// Waits until the daemon is as decided, at most as long as `limit`.
    pub(super) fn settle(&self, limit: Duration) {
        let open = |state: &mut State| state.has != state.wanted;
        let state = self.0.state();
        // Settled or not: there is nothing left to do about it.
        drop(self.0.changed.wait_timeout_while(state, limit, open));
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn serve<D: Dialect>(&self, dialect: &D, journal: &Journal) {
        let mut session: Option<D::Session> = None;
        let mut trouble = String::new();
        let mut complain = |what: String| {
            if what != trouble {
                if !what.is_empty() {
                    journal.note(format_args!("ERROR: {what}"));
                }
                trouble = what;
            }
        };
        let mut refused: Option<(Verb, Instant)> = None;
        loop {
            let wanted = self.next(session.is_some(), refused);
            if session.as_ref().is_some_and(|session| is_closed(D::stream(session))) {
                session = None;
                // What it had is gone with it.
                self.state().has = None;
                complain(format!("{} has closed the connection; it is tried again", D::NAME));
            }
            let Some(verb) = wanted else { continue };
            let opened = match session.take() {
                Some(open) => Ok(open),
                None => dialect.open(),
            };
            let mut open = match opened {
                Ok(open) => open,
                Err(error) => {
                    complain(format!("{} cannot be reached, and is tried again: {error}", D::NAME));
                    self.pause();
                    continue;
                }
            };
            match dialect.assert(&mut open, verb) {
                Ok(said) => {
                    refused = None;
                    complain(String::new());
                    journal.note(format_args!("{} has it: {said}", D::NAME));
                    self.state().has = Some(verb);
                    self.changed.notify_all();
                    session = Some(open);
                }
                Err(Refusal::Refused(why)) => {
                    complain(format!("{} did not {verb}: {why}", D::NAME));
                    refused = Some((verb, Instant::now()));
                    session = Some(open);
                }
                Err(Refusal::Broken(error)) => {
                    complain(format!("{} did not answer, and is asked again: {error}", D::NAME));
                    self.pause();
                }
            }
        }
    }

    /// What the daemon is to be brought to and was not yet; none when it is time to look after the connection.
    fn next(&self, connected: bool, refused: Option<(Verb, Instant)>) -> Option<Verb> {
        let idle = |state: &mut State| {
            state.wanted == state.has
                || refused.is_some_and(|(verb, at)| state.wanted == Some(verb) && at.elapsed() < RETRY)
        };
        let state = self.state();
        let limit = if connected || state.wanted.is_some() { RETRY } else { Duration::from_secs(3600) };
        let (mut state, _) =
            self.changed.wait_timeout_while(state, limit, idle).unwrap_or_else(PoisonError::into_inner);
        if idle(&mut state) { None } else { state.wanted }
    }

    /// Before the next attempt; a new decision does not wait.
    fn pause(&self) {
        let state = self.state();
        let before = state.wanted;
        drop(self.changed.wait_timeout_while(state, RETRY, |state| state.wanted == before));
    }
}

/// Whether the other end has closed. What it says unasked is nobody's answer, and is passed over.
fn is_closed(stream: &UnixStream) -> bool {
    use std::io::Read as _;
    let mut unasked = [0; 256];
    let mut reader = stream;
    if stream.set_nonblocking(true).is_err() {
        return true;
    }
    let closed = loop {
        match reader.read(&mut unasked) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => break false,
            Err(_) => break true,
        }
    };
    closed || stream.set_nonblocking(false).is_err()
}
