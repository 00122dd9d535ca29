//! A standing TCP connection: it dies with the server's process, and tells at once. Questions go over it, too.

use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use tokio::time::{Instant, sleep_until};

use super::answer::{take, unanswered};
use super::{Post, random};
use crate::duration::in_words;
use crate::pulse::{Due, Pace, Pulse};
use crate::question::Question;
use crate::sample::Verdict;
use crate::transport::Trouble;
use crate::transport::tcp::Standing;
use crate::wait::pause;

/// So much more seldom than over UDP is a question asked.
pub(super) const SELDOM: u32 = 5;

/// A connection that closes is opened anew at once, so many times: a process that dies closes its sockets one after the other, and
/// whoever comes between them is accepted once more.
const AT_ONCE: u32 = 3;

/// Then after this time, and after twice as long each time, for as long as the server may be dying.
const AGAIN: Duration = Duration::from_millis(1);

/// A server that goes on closing connections, for some 100 ms, is healthy, and closes each: it is looked at when the next question is
/// due.
const DYING: u32 = AT_ONCE + 8;

/// Whom to connect to, and what to ask there.
#[derive(Debug, Clone)]
pub struct Server {
    pub(super) address: SocketAddr,
    pub(super) source: Option<IpAddr>,
    pub(super) question: Option<Rc<Question>>,
}

/// Watches until nobody listens any more.
pub(super) async fn watch(server: &Server, pace: Pace, post: Post) {
    let name = format!("{} TCP", server.address.ip());
    let pulse = Pulse::new(pace, post.rhythm, random());
    Watcher { server, name, pace, post, pulse, closed: 0, doubted: false }.watch().await;
}

struct Watcher<'s> {
    server: &'s Server,
    name: String,
    pace: Pace,
    post: Post,
    pulse: Pulse,
    /// How often in a row a connection was closed before it had answered anything.
    closed: u32,
    /// The connection before this one was given up: nothing came over it.
    doubted: bool,
}

impl Watcher<'_> {
    async fn watch(mut self) {
        let mut due = Instant::now();
        loop {
            sleep_until(due).await;
            let began = Instant::now();
            match self.connect().await {
                Ok(connection) => {
                    if self.server.question.is_none() {
                        let took = began.elapsed();
                        self.post.report(Verdict::Healthy, format!("{}: connected", self.name), Some(took));
                    }
                    match self.server.question.clone() {
                        Some(question) => self.converse(connection, &question).await,
                        None => self.stay(connection, began + self.interval()).await,
                    }
                    due = began + if self.closed < DYING { again(self.closed) } else { self.interval() };
                }
                Err((verdict, reason)) => {
                    self.post.report(verdict, reason, None);
                    due = began + self.pace.fast_interval;
                }
            }
        }
    }

    fn interval(&self) -> Duration {
        if self.is_calm() { self.pace.interval } else { self.pace.fast_interval }
    }

    fn is_calm(&self) -> bool {
        self.post.is_calm() && !self.doubted
    }

    /// No connection within the timeout is silence: the kernel answers for a server that is merely busy.
    async fn connect(&self) -> Result<Standing, (Verdict, String)> {
        let limit = self.pace.timeout;
        let connect = async {
            let mut closed = self.closed;
            loop {
                match Standing::connect(self.server.address, self.server.source).await {
                    // Closed before we saw it accepted: it may be dying.
                    Err(Trouble::Closed) => closed += 1,
                    other => return other,
                }
                pause(again(closed)).await;
            }
        };
        let after = if self.closed > 0 { "connection closed, re-check " } else { "" };
        match tokio::time::timeout(limit, connect).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(Trouble::Refused)) => Err((Verdict::Refused, format!("{}: {after}refused", self.name))),
            Ok(Err(trouble)) => Err((Verdict::Failed, format!("{}: {after}{trouble}", self.name))),
            Err(_) => Err((Verdict::Silent, format!("{}: {after}not accepted within {}", self.name, in_words(limit)))),
        }
    }

    /// Keeps the connection until it is closed, or it is time to see whether there is still a listener.
    async fn stay(&mut self, mut connection: Standing, until: Instant) {
        tokio::select! {
            biased;
            () = closed(&mut connection) => self.closed += 1,
            () = sleep_until(until) => self.closed = 0,
        }
    }

    /// Asks over the connection until it is closed.
    async fn converse(&mut self, mut connection: Standing, question: &Question) {
        self.pulse.forget();
        while self.ask(&mut connection, question).is_ok() {
            let next = self.pulse.next(self.post.now(), self.is_calm());
            tokio::select! {
                biased;
                received = connection.next() => match received {
                    Ok(message) => {
                        take(message, &self.name, question, &mut self.pulse, &self.post);
                        self.closed = 0;
                        self.doubted = false;
                    }
                    Err(_) => break,
                },
                () = self.post.wait(next) => {}
            }
        }
        self.closed += 1;
        if self.closed >= DYING {
            let reason = format!("{}: {question}: the connection is closed before there is an answer", self.name);
            self.post.report(Verdict::Failed, reason, None);
        }
    }

    fn ask(&mut self, connection: &mut Standing, question: &Question) -> Result<(), Trouble> {
        while let Some(due) = self.pulse.poll(self.post.now(), self.is_calm()) {
            match due {
                Due::Ask(id) => connection.send(&question.to_bytes(id))?,
                Due::Lost(waited) => self.post.report(Verdict::Lost, unanswered(&self.name, question, waited), None),
                Due::Silent(waited) => {
                    // One lost segment holds up whatever is asked behind it, and is sent again only after 200 ms (Linux's
                    // least RTO): who is silent on a second connection, too, is silent.
                    let verdict = if self.doubted { Verdict::Silent } else { Verdict::Lost };
                    self.doubted = true;
                    self.post.report(verdict, unanswered(&self.name, question, waited), None);
                    return Err(Trouble::Closed);
                }
            }
        }
        Ok(())
    }
}

/// How long after one attempt the next may begin, when so many connections were closed in a row.
fn again(closed: u32) -> Duration {
    match closed {
        0..=AT_ONCE => Duration::ZERO,
        _ => AGAIN * 2_u32.pow(closed.min(DYING) - AT_ONCE - 1),
    }
}

async fn closed(connection: &mut Standing) {
    while connection.next().await.is_ok() {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_may_be_dying_for_some_100_ms() {
        let pauses: Vec<_> = (0..DYING).map(|closed| again(closed).as_millis()).collect();
        assert_eq!(pauses, [0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 64]);
        assert_eq!(again(u32::MAX), again(DYING));
    }
}
