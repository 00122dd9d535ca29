//! The pipe to ExaBGP: one stdout and one stdin, however many services the process has.
//!
//! Three threads: one writes, so that a full pipe holds nobody up; one reads, so that ExaBGP never waits for us; and one has
//! the conversation. What is decided goes to the writer by the shortest way.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::{mpsc, oneshot};

use super::exabgp::Heard;
use super::exabgp::parley::{Id, Outcome, Parley, Subject};
use crate::ending::FromExabgp;
use crate::journal::Journal;
use crate::lines::{Lines, NobodyReads};
use crate::machine::Verb;

/// The way to ExaBGP. Clones lead to the same pipe.
#[derive(Debug, Clone)]
pub struct Pipe {
    commands: Lines,
    events: Sender<Event>,
    next: Arc<AtomicU64>,
}

/// One service's place in the conversation; given up with the last clone.
#[derive(Debug, Clone)]
pub(super) struct Place(Arc<Occupied>);

#[derive(Debug)]
struct Occupied {
    id: Id,
    pipe: Pipe,
}

/// What the conversation is made of, in the order in which it happens.
#[derive(Debug)]
enum Event {
    Joined(Id, Subject),
    Left(Id),
    Decided(Id, Verb, Vec<String>),
    /// About to be written: so its answer comes later.
    Written(String),
    Heard(String),
    Ended,
    /// Tells when all that was written is answered.
    Settle(SyncSender<()>),
}

impl Pipe {
    /// The pipe of a helper process: ExaBGP has made it our stdin and stdout. Also how ExaBGP's end shows.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to_stdio(journal: &Journal) -> io::Result<(Self, FromExabgp)> {
        Self::to(io::stdin(), io::stdout(), journal)
    }

    /// The same through other descriptors.
    ///
    /// # Errors
    /// When there can be no thread.
    pub fn to(
        input: impl Read + Send + 'static,
        output: impl Write + Send + 'static,
        journal: &Journal,
    ) -> io::Result<(Self, FromExabgp)> {
        let (events, happened) = channel();
        let (last_word, closed) = oneshot::channel();
        let output = Told { output, events: events.clone() };
        let commands = Lines::to("announcer", output, |error| drop(last_word.send(error)))?;
        let (tell, heard) = mpsc::unbounded_channel();
        listen(input, tell, events.clone())?;
        let pipe = Self { commands, events, next: Arc::default() };
        let conversation = Conversation { commands: pipe.commands.clone(), journal: journal.clone() };
        thread::Builder::new().name("parley".to_owned()).spawn(move || conversation.have(&happened))?;
        Ok((pipe, FromExabgp { heard, closed }))
    }

    /// A place for one more service.
    pub(super) fn join(&self, subject: Subject) -> Place {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.events.send(Event::Joined(id, subject)).ok();
        Place(Arc::new(Occupied { id, pipe: self.clone() }))
    }
}

impl Place {
    /// Hands commands over; returns at once.
    pub(super) fn push(&self, verb: Verb, commands: Vec<String>) -> Result<(), NobodyReads> {
        let Occupied { id, pipe } = &*self.0;
        // Without a conversation, commands go their way all the same.
        pipe.events.send(Event::Decided(*id, verb, commands.clone())).ok();
        commands.into_iter().try_for_each(|command| pipe.commands.push(command))
    }

    /// Waits until all commands are written, and answered if ExaBGP answers at all, at most as long as `limit`.
    pub(super) fn flush(&self, limit: Duration) {
        let deadline = Instant::now() + limit;
        self.0.pipe.commands.flush(limit);
        let (mark, reached) = sync_channel(1);
        if self.0.pipe.events.send(Event::Settle(mark)).is_ok() {
            reached.recv_timeout(deadline.saturating_duration_since(Instant::now())).ok();
        }
    }
}

impl Drop for Occupied {
    fn drop(&mut self) {
        self.pipe.events.send(Event::Left(self.id)).ok();
    }
}

/// Notes each line before it is written.
struct Told<W> {
    output: W,
    events: Sender<Event>,
}

impl<W: Write> Write for Told<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        for line in String::from_utf8_lossy(line).lines() {
            self.events.send(Event::Written(line.to_owned())).ok();
        }
        self.output.write_all(line).map(|()| line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.output.flush()
    }
}

/// Reads `input` to its end in a thread of its own.
fn listen(
    input: impl Read + Send + 'static,
    tell: mpsc::UnboundedSender<Heard>,
    events: Sender<Event>,
) -> io::Result<()> {
    thread::Builder::new().name("listener".to_owned()).spawn(move || {
        let mut input = BufReader::new(input);
        let mut line = Vec::new();
        while input.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
            let text = String::from_utf8_lossy(&line).trim_end().to_owned();
            // Once nobody listens the process is ending; read on, so that ExaBGP can write on.
            if text.split(' ').next() == Some("shutdown") {
                events.send(Event::Ended).ok();
                tell.send(Heard::Shutdown).ok();
            }
            events.send(Event::Heard(text)).ok();
            line.clear();
        }
        events.send(Event::Ended).ok();
        tell.send(Heard::End).ok();
    })?;
    Ok(())
}

struct Conversation {
    commands: Lines,
    journal: Journal,
}

impl Conversation {
    /// Until the last who could say or hear something is gone.
    fn have(self, happened: &Receiver<Event>) {
        let mut parley = Parley::default();
        let mut marks = Vec::new();
        loop {
            let event = match parley.wake() {
                Some(at) => happened.recv_timeout(at.saturating_duration_since(Instant::now())),
                None => happened.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            let now = Instant::now();
            let mut outcomes = Vec::new();
            match event {
                Ok(Event::Joined(id, subject)) => parley.join(id, subject),
                Ok(Event::Left(id)) => parley.leave(id),
                Ok(Event::Decided(id, verb, commands)) => parley.want(id, verb, commands, now),
                Ok(Event::Written(line)) => parley.said(&line, now),
                Ok(Event::Heard(line)) => outcomes = parley.hear(&line, now),
                Ok(Event::Ended) => parley.end(),
                Ok(Event::Settle(mark)) => marks.push(mark),
                Err(RecvTimeoutError::Timeout) => outcomes = parley.on_time(now),
                Err(RecvTimeoutError::Disconnected) => return,
            }
            for outcome in outcomes {
                match outcome {
                    // If nobody reads, that shows elsewhere.
                    Outcome::Say(lines) => drop(lines.into_iter().try_for_each(|line| self.commands.push(line))),
                    Outcome::Note(entry) => self.journal.note(entry),
                    Outcome::Confirmed(service, found) => self.journal.confirmed(&service, found),
                    Outcome::Doubted(service, complaint) => {
                        self.journal.doubted(&service, &complaint);
                        self.journal.note(format_args!("ERROR: {service}: {complaint}"));
                    }
                }
            }
            if parley.is_answered() {
                for mark in marks.drain(..) {
                    // Who has waited too long is gone.
                    SyncSender::send(&mark, ()).ok();
                }
            }
        }
    }
}
