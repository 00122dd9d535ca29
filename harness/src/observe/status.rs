//! How far a node is, and who waits for it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{oneshot, watch};

use crate::history::{Journal, Seen};

/// What came of a command; or why it failed.
pub type Answer = Result<Effect, String>;

/// What an action did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// When it took effect, at the earliest; none when `at` is exact.
    pub since: Option<u64>,
    /// When it took effect, at the latest.
    pub at: u64,
    /// What the node said of it.
    pub detail: String,
}

/// How far a node is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Phase {
    /// Its probe is setting it up.
    Booting,
    /// It runs.
    Ready,
    /// Its probe said that it cannot be used, or ended with a complaint while it was set up; its words.
    Unusable(String),
    /// It has ended, or does not answer any more; why.
    Gone(String),
}

impl Phase {
    /// Returns why the node is of no use any more, if so.
    #[must_use]
    pub fn over(&self) -> Option<&str> {
        match self {
            Self::Unusable(why) | Self::Gone(why) => Some(why),
            Self::Booting | Self::Ready => None,
        }
    }
}

/// Commands that have not been answered yet, by number.
#[derive(Debug)]
enum Waiting {
    Open(HashMap<u64, oneshot::Sender<Answer>>),
    /// The node is gone, and why: nobody will answer.
    Closed(String),
}

/// A node's status, shared by all who watch it and tell it something. What ends a node ends every wait for it.
#[derive(Clone)]
pub struct Status {
    node: Arc<str>,
    journal: Journal,
    waiting: Arc<Mutex<Waiting>>,
    phase: watch::Sender<Phase>,
}

impl Status {
    /// The status of a node that boots.
    #[must_use]
    pub fn new(node: &str, journal: Journal) -> Self {
        let waiting = Arc::new(Mutex::new(Waiting::Open(HashMap::new())));
        Self { node: node.into(), journal, waiting, phase: watch::Sender::new(Phase::Booting) }
    }

    /// The node's name.
    #[must_use]
    pub fn node(&self) -> &str {
        &self.node
    }

    /// The record, and its clock.
    #[must_use]
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// How far it is.
    #[must_use]
    pub fn phase(&self) -> Phase {
        self.phase.borrow().clone()
    }

    /// Waits until it has booted, or never will.
    pub async fn booted(&self) -> Phase {
        let mut phase = self.phase.subscribe();
        // The sender is here: it is not closed.
        phase.wait_for(|phase| *phase != Phase::Booting).await.map_or(Phase::Booting, |phase| phase.clone())
    }

    /// It is ready, unless it is gone.
    pub(super) fn ready(&self) {
        self.phase.send_if_modified(|phase| {
            let boots = *phase == Phase::Booting;
            if boots {
                *phase = Phase::Ready;
            }
            boots
        });
    }

    /// The node is of no use any more: a hole in the history, and no command waits for it.
    pub fn end(&self, last: Phase) {
        let why = last.over().unwrap_or("it has ended").to_owned();
        let first = self.phase.send_if_modified(|phase| {
            let was_alive = phase.over().is_none();
            if was_alive {
                *phase = last;
            }
            was_alive
        });
        if first {
            self.hole(&why);
        }
        // After the hole: who waits finds it in the history.
        let mut waiting = self.waiting();
        if let Waiting::Open(_) = &*waiting {
            *waiting = Waiting::Closed(why);
        }
    }

    /// The node was lost, and why.
    pub fn lost(&self, why: &str) {
        self.end(Phase::Gone(why.to_owned()));
    }

    /// What the node reports is not whole.
    pub fn hole(&self, reason: &str) {
        self.journal.note(Some(&self.node), Seen::Hole { reason: reason.to_owned() });
    }

    /// Waits for the answer to a command that is not told yet.
    ///
    /// # Errors
    /// The node is gone; why.
    pub fn expect(&self, id: u64) -> Result<oneshot::Receiver<Answer>, String> {
        match &mut *self.waiting() {
            Waiting::Closed(why) => Err(why.clone()),
            Waiting::Open(waiting) => {
                let (sender, receiver) = oneshot::channel();
                waiting.insert(id, sender);
                Ok(receiver)
            }
        }
    }

    /// Waits no longer for that answer.
    pub fn forget(&self, id: u64) {
        if let Waiting::Open(waiting) = &mut *self.waiting() {
            waiting.remove(&id);
        }
    }

    /// Why nobody will answer any more, if so.
    #[must_use]
    pub fn closed(&self) -> Option<String> {
        match &*self.waiting() {
            Waiting::Closed(why) => Some(why.clone()),
            Waiting::Open(_) => None,
        }
    }

    pub(super) fn answer(&self, id: u64, answer: Answer) {
        let asked = match &mut *self.waiting() {
            Waiting::Open(waiting) => waiting.remove(&id),
            Waiting::Closed(_) => None,
        };
        if let Some(asked) = asked {
            // Whoever waited may have given up.
            let _gone = asked.send(answer);
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::{Clock, Distance};
    use crate::history::{Recorder, hole};

    fn status() -> Status {
        let journal = Journal::new(Recorder::new(None).unwrap(), Clock::kernel());
        journal.settle(Distance::UNKNOWN);
        Status::new("ns1", journal)
    }

    #[tokio::test]
    async fn a_node_that_ends_fails_who_waits_and_who_comes_later() {
        let status = status();
        let waits = status.expect(1).unwrap();
        status.lost("its probe has ended");
        status.lost("a later reason");
        assert!(waits.await.is_err());
        assert_eq!(status.expect(2).unwrap_err(), "its probe has ended");
        let found = status.journal().recorder().with(|history| hole(history.events()).map(|(_, why)| why.to_owned()));
        assert_eq!(found.as_deref(), Some("its probe has ended"));
    }

    #[tokio::test]
    async fn a_node_that_is_gone_does_not_become_ready() {
        let status = status();
        status.lost("killed");
        status.ready();
        assert_eq!(status.booted().await, Phase::Gone("killed".to_owned()));
    }

    #[tokio::test]
    async fn an_answer_reaches_who_asked_and_nobody_else() {
        let status = status();
        let (one, two) = (status.expect(1).unwrap(), status.expect(2).unwrap());
        status.forget(2);
        let effect = Effect { since: None, at: 7, detail: "said".to_owned() };
        status.answer(1, Ok(effect.clone()));
        status.answer(2, Err("late".to_owned()));
        assert_eq!(one.await.unwrap(), Ok(effect));
        assert!(two.await.is_err());
    }
}
