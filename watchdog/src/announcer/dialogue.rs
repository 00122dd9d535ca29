//! Holds a conversation with a daemon over its control socket, in a thread of its own, and connects again whenever the daemon
//! is gone or not understood. The last decision is asserted on each new connection.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::timeout;

use super::dialect::Dialect;
use super::talk::{Outcome, Talk};
use crate::journal::Journal;
use crate::lines::NobodyReads;
use crate::machine::Verb;

/// From one attempt to connect to the next: first, and at most.
const RECONNECT: [Duration; 2] = [Duration::from_millis(5), Duration::from_millis(200)];

/// The name of the thread.
pub(crate) const THREAD: &str = "announcer";

/// More than any time that matters.
const LONG: Duration = Duration::from_secs(3600);

/// The way in. Clones lead to the same thread.
#[derive(Debug, Clone)]
pub(crate) struct Dialogue {
    wishes: UnboundedSender<Wish>,
}

#[derive(Debug)]
enum Wish {
    Decided(Verb),
    /// Tells when the decision before is confirmed, or nobody is there to confirm it.
    Settle(SyncSender<()>),
}

impl Dialogue {
    /// Starts the thread.
    ///
    /// # Errors
    /// When there can be no thread.
    pub(crate) fn start<D: Dialect>(dialect: D, socket: &Path, name: &str, journal: Journal) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let (wishes, hears) = unbounded_channel();
        let entries = Entries { name: name.to_owned(), journal, told: BTreeSet::new() };
        let socket = socket.to_owned();
        let speaker = Speaker { talk: Talk::new(dialect), socket, hears, marks: Vec::new(), entries };
        thread::Builder::new().name(THREAD.to_owned()).spawn(move || runtime.block_on(speaker.speak()))?;
        Ok(Self { wishes })
    }

    /// Hands a decision over; returns at once.
    pub(crate) fn push(&self, verb: Verb) -> Result<(), NobodyReads> {
        self.wishes.send(Wish::Decided(verb)).map_err(|_| NobodyReads)
    }

    /// Waits until the decision is confirmed, or nobody is there, at most as long as `limit`; whether that came in time.
    pub(crate) fn settle(&self, limit: Duration) -> bool {
        let (mark, reached) = sync_channel(1);
        self.wishes.send(Wish::Settle(mark)).is_ok() && reached.recv_timeout(limit).is_ok()
    }
}

/// The thread's side.
struct Speaker<D: Dialect> {
    talk: Talk<D>,
    socket: PathBuf,
    hears: UnboundedReceiver<Wish>,
    marks: Vec<SyncSender<()>>,
    entries: Entries,
}

/// There will be no more decisions.
struct Done;

/// Why a connection ended, for people.
type Lost = Result<String, Done>;

impl<D: Dialect> Speaker<D> {
    async fn speak(mut self) {
        let [mut pause, longest] = RECONNECT;
        loop {
            match UnixStream::connect(&self.socket).await {
                Ok(stream) => {
                    let Ok(reason) = self.converse(&stream).await else {
                        return;
                    };
                    if self.talk.is_confirmed() {
                        pause = RECONNECT[0];
                    }
                    self.gone(reason);
                }
                Err(error) => {
                    self.gone(format_args!("cannot connect: {error}; hint: is it running, and is --socket right?"));
                    self.reach_marks();
                }
            }
            // Each decision is worth another attempt.
            match timeout(pause, self.hears.recv()).await {
                Ok(Some(wish)) => self.take(wish),
                Ok(None) => return,
                Err(_) => pause = (pause * 2).min(longest),
            }
        }
    }

    async fn converse(&mut self, stream: &UnixStream) -> Lost {
        self.talk.connected();
        if let Err(error) = stream.writable().await {
            return Ok(error.to_string());
        }
        let mut buffer = [0; 4096];
        loop {
            let to_send = self.talk.take_to_send();
            if !to_send.is_empty() {
                match stream.try_write(&to_send) {
                    Ok(sent) if sent == to_send.len() => {}
                    Err(error) if error.kind() != ErrorKind::WouldBlock => {
                        return Ok(format!("connection lost: {error}"));
                    }
                    Ok(_) | Err(_) => return Ok("it takes no more commands".to_owned()),
                }
            }
            if self.talk.is_confirmed() {
                self.reach_marks();
            }
            let patience = self.talk.patience().unwrap_or(LONG);
            tokio::select! {
                biased;
                wish = self.hears.recv() => match wish {
                    Some(wish) => self.take(wish),
                    None => return Err(Done),
                },
                ready = stream.readable() => match ready.and_then(|()| stream.try_read(&mut buffer)) {
                    Ok(0) => return Ok("connection closed".to_owned()),
                    Ok(length) => match self.talk.receive(&buffer[..length]) {
                        Ok(outcomes) => outcomes.into_iter().for_each(|outcome| self.tell(outcome)),
                        Err(complaint) => {
                            self.trouble(complaint);
                            return Ok("connecting anew".to_owned());
                        }
                    },
                    Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
                    Err(error) => return Ok(format!("connection lost: {error}")),
                },
                Err(_) = timeout(patience, std::future::pending::<()>()) => {
                    let outcome = self.talk.waited();
                    outcome.into_iter().for_each(|outcome| self.tell(outcome));
                }
            }
        }
    }

    fn take(&mut self, wish: Wish) {
        match wish {
            Wish::Decided(verb) => self.talk.want(verb),
            Wish::Settle(mark) => self.marks.push(mark),
        }
    }

    fn reach_marks(&mut self) {
        for mark in self.marks.drain(..) {
            // Who has waited too long is gone.
            mark.send(()).ok();
        }
    }

    fn tell(&mut self, outcome: Outcome) {
        match outcome {
            Outcome::Connected(who) => {
                let entry = format!("connected {}: {} ({who})", self.entries.name, self.socket.display());
                self.entries.write_once(entry);
            }
            Outcome::Confirmed(verb, detail) => {
                self.entries.told.clear();
                let state = match verb {
                    Verb::Announce => "announced",
                    Verb::Drain => "drained",
                    Verb::Withdraw => "withdrawn",
                };
                self.entries.journal.confirmed(&self.entries.name, format_args!("{state}: {detail}"));
            }
            Outcome::Trouble(reason) => self.trouble(reason),
        }
    }

    /// Without a daemon there are no routes; it comes back with none.
    fn gone(&mut self, reason: impl Display) {
        let entry = format!("waiting {}: {} at {}: {reason}", self.entries.name, D::DAEMON, self.socket.display());
        self.entries.write_once(entry);
    }

    fn trouble(&mut self, reason: impl Display) {
        self.entries.journal.doubted(&self.entries.name, &reason);
        let entry =
            format!("ERROR: the routes may not be as decided: {} at {}: {reason}", D::DAEMON, self.socket.display());
        self.entries.write_once(entry);
    }
}

/// The journal. What happens over and over is in it once, until the next confirmation.
struct Entries {
    name: String,
    journal: Journal,
    told: BTreeSet<String>,
}

impl Entries {
    fn write_once(&mut self, entry: String) {
        if !self.told.contains(&entry) {
            self.journal.note(&entry);
            self.told.insert(entry);
        }
    }
}
