//! A conversation with a daemon, in any dialect: which replies belong to what, and what is said next. No socket and no clock.

use std::collections::VecDeque;
use std::mem;
use std::time::Duration;

use super::dialect::{Complaint, Dialect, Script, Standing};
use crate::machine::Verb;

#[cfg(test)]
mod tests;

/// A daemon that has not answered for so long is reported; the wait goes on.
const ANSWER: Duration = Duration::from_secs(1);

/// What was refused is tried again after this time.
const RETRY: Duration = Duration::from_millis(250);

/// What does not hold yet is asked again after this time, then after twice as long, and so on, up to [`RETRY`].
const ASK_AGAIN: Duration = Duration::from_millis(5);

/// What holds is looked after this often: an administrator's command, or a configuration that was read anew, may undo it.
const LOOK_AFTER: Duration = Duration::from_secs(1);

/// The same where the daemon tells of such things itself.
const LOOK_BESIDES_NEWS: Duration = Duration::from_secs(5);

/// No reply is longer.
const LONGEST: usize = 1 << 20;

/// What a conversation leads to, for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The daemon has introduced itself.
    Connected(String),
    /// The routes are as decided: what the daemon says.
    Confirmed(Verb, String),
    /// The routes may not be as decided.
    Trouble(String),
}

/// One side of a conversation.
#[derive(Debug)]
pub(crate) struct Talk<D: Dialect> {
    dialect: D,
    wanted: Option<Verb>,
    /// Counts commands, so that replies about an older one are told apart.
    turn: u64,
    is_greeted: bool,
    is_confirmed: bool,
    /// There were news since the last question, which may be older.
    has_news: bool,
    /// What was sent and is not fully answered, the oldest first.
    open: VecDeque<Exchange<D::Reply>>,
    received: Vec<u8>,
    to_send: Vec<u8>,
    next: Option<Next>,
    pause: Duration,
}

#[derive(Debug)]
struct Exchange<R> {
    purpose: Purpose,
    turn: u64,
    expected: usize,
    replies: Vec<R>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Hello,
    Command(Verb),
    Question(Verb),
    FollowUp(Verb),
}

/// What to do after a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Greet,
    Ask,
    Assert,
}

impl<D: Dialect> Talk<D> {
    pub(crate) fn new(dialect: D) -> Self {
        Self {
            dialect,
            wanted: None,
            turn: 0,
            is_greeted: false,
            is_confirmed: false,
            has_news: false,
            open: VecDeque::new(),
            received: Vec::new(),
            to_send: Vec::new(),
            next: None,
            pause: ASK_AGAIN,
        }
    }

    /// There is a new connection: nothing said on the old one counts.
    pub(crate) fn connected(&mut self) {
        self.open.clear();
        self.received.clear();
        self.to_send.clear();
        self.is_greeted = false;
        self.is_confirmed = false;
        self.greet();
    }

    /// From now on the routes shall be so. The command is sent next, whatever is unanswered yet.
    pub(crate) fn want(&mut self, verb: Verb) {
        self.wanted = Some(verb);
        self.is_confirmed = false;
        self.pause = ASK_AGAIN;
        self.assert();
    }

    /// What is to be sent now.
    pub(crate) fn take_to_send(&mut self) -> Vec<u8> {
        mem::take(&mut self.to_send)
    }

    /// Whether the daemon has confirmed the last decision.
    pub(crate) fn is_confirmed(&self) -> bool {
        self.is_confirmed
    }

    /// When nothing happens for this long, [`Talk::waited`] has something to do.
    pub(crate) fn patience(&self) -> Option<Duration> {
        if self.open.is_empty() { self.next.map(|_| self.pause) } else { Some(ANSWER) }
    }

    /// Nothing has happened for as long as [`Talk::patience`].
    pub(crate) fn waited(&mut self) -> Option<Outcome> {
        if !self.open.is_empty() {
            // The order of commands is kept only on one connection: better to wait on than to open another.
            return Some(Outcome::Trouble(format!("no answer within {} s", ANSWER.as_secs())));
        }
        match self.next.take()? {
            Next::Greet => self.greet(),
            Next::Ask => self.ask(),
            Next::Assert => self.assert(),
        }
        None
    }

    /// Takes in what the daemon says.
    ///
    /// # Errors
    /// When it is not understood. The connection is of no more use.
    pub(crate) fn receive(&mut self, bytes: &[u8]) -> Result<Vec<Outcome>, Complaint> {
        self.received.extend_from_slice(bytes);
        self.has_news |= self.dialect.take_news(&mut self.received);
        let mut outcomes = Vec::new();
        while let Some(reply) = self.dialect.take_reply(&mut self.received)? {
            let Some(oldest) = self.open.front_mut() else {
                return Err(Complaint::Nonsense("it came unasked".to_owned()));
            };
            oldest.replies.push(reply);
            if oldest.replies.len() == oldest.expected
                && let Some(exchange) = self.open.pop_front()
            {
                outcomes.extend(self.conclude(exchange)?);
            }
        }
        if self.received.len() > LONGEST {
            return Err(Complaint::Nonsense(format!("no end after {LONGEST} bytes")));
        }
        if self.has_news && self.open.is_empty() && self.next == Some(Next::Ask) {
            self.ask();
        }
        Ok(outcomes)
    }

    fn conclude(&mut self, exchange: Exchange<D::Reply>) -> Result<Option<Outcome>, Complaint> {
        let is_current = exchange.turn == self.turn;
        if let Purpose::Question(verb) = exchange.purpose
            && is_current
            && let Some(script) = self.dialect.follow_up(verb, &exchange.replies)
        {
            self.send(Purpose::FollowUp(verb), script, exchange.replies);
            return Ok(None);
        }
        let replies = &exchange.replies;
        let judged = match exchange.purpose {
            Purpose::Hello => self.dialect.greeted(replies).map(|who| {
                self.is_greeted = true;
                self.assert();
                Some(Outcome::Connected(who))
            }),
            Purpose::Command(verb) => self.dialect.obeyed(verb, replies).map(|()| None),
            Purpose::Question(verb) | Purpose::FollowUp(verb) => self
                .dialect
                .holds(verb, replies)
                .map(|standing| is_current.then(|| self.stands(verb, standing)).flatten()),
        };
        match judged {
            Err(Complaint::Refused(text)) if is_current => {
                self.next = Some(if self.is_greeted { Next::Assert } else { Next::Greet });
                self.pause = RETRY;
                Ok(Some(Outcome::Trouble(text)))
            }
            // A later command is under way, with replies of its own.
            Err(Complaint::Refused(_)) => Ok(None),
            other => other,
        }
    }

    fn stands(&mut self, verb: Verb, standing: Standing) -> Option<Outcome> {
        match standing {
            Standing::Holds(detail) => {
                let is_news = !mem::replace(&mut self.is_confirmed, true);
                self.next = Some(Next::Ask);
                self.pause = if self.dialect.tells_news() { LOOK_BESIDES_NEWS } else { LOOK_AFTER };
                is_news.then_some(Outcome::Confirmed(verb, detail))
            }
            Standing::NotYet(detail) if mem::take(&mut self.is_confirmed) => {
                self.pause = ASK_AGAIN;
                self.assert();
                Some(Outcome::Trouble(format!("somebody else has changed them, it is told again: {detail}")))
            }
            Standing::NotYet(_) if self.pause < RETRY => {
                self.next = Some(Next::Ask);
                self.pause = (self.pause * 2).min(RETRY);
                None
            }
            Standing::NotYet(detail) => {
                self.next = Some(Next::Assert);
                Some(Outcome::Trouble(format!("asked to {verb}, and still: {detail}")))
            }
        }
    }

    fn greet(&mut self) {
        self.next = None;
        let hello = self.dialect.hello();
        self.send(Purpose::Hello, hello, Vec::new());
    }

    /// The command, and in the same breath the question whether it holds.
    fn assert(&mut self) {
        let Some(verb) = self.wanted.filter(|_| self.is_greeted) else {
            return;
        };
        self.turn += 1;
        self.next = None;
        let command = self.dialect.command(verb);
        self.send(Purpose::Command(verb), command, Vec::new());
        self.ask();
    }

    fn ask(&mut self) {
        if let Some(verb) = self.wanted {
            (self.next, self.has_news) = (None, false);
            let question = self.dialect.question();
            self.send(Purpose::Question(verb), question, Vec::new());
        }
    }

    /// The replies are those to come, after those that there are.
    fn send(&mut self, purpose: Purpose, script: Script, replies: Vec<D::Reply>) {
        if script.replies > 0 {
            self.to_send.extend(script.bytes);
            let expected = replies.len() + script.replies;
            self.open.push_back(Exchange { purpose, turn: self.turn, expected, replies });
        }
    }
}
