//! What can be asked of the run loop, and how it answers. No socket here.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::status::Status;

/// So many orders may wait; the run loop takes them between two events, so there hardly ever is one.
const WAITING: usize = 16;

/// A run loop that takes no order for so long hangs.
pub const PATIENCE: Duration = Duration::from_secs(3);

/// What is asked of the run loop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "order", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Order {
    /// No traffic for a service: it is drained, and withdrawn when its time for that is over.
    Drain {
        /// Which; `None`: all.
        #[serde(default)]
        service: Option<String>,
        /// For the journal.
        #[serde(default)]
        reason: Option<String>,
    },
    /// The checks decide again.
    Resume {
        /// Which; `None`: all.
        #[serde(default)]
        service: Option<String>,
    },
    /// How things are.
    Status,
}

/// What the run loop answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// Done as asked, and how things are now.
    Status(Status),
    /// Not done, and why, with a hint.
    Refused(String),
}

/// An order that waits for its answer.
#[derive(Debug)]
pub struct Asked {
    /// What is to be done.
    pub order: Order,
    answer: oneshot::Sender<Answer>,
}

/// The run loop's side. When it is gone, so are the servers that hand orders over.
#[derive(Debug)]
pub struct Desk {
    asked: mpsc::Receiver<Asked>,
    decided: watch::Sender<()>,
}

/// The side of those who ask. Clones lead to the same desk.
#[derive(Debug, Clone)]
pub struct Orders {
    ask: mpsc::Sender<Asked>,
    decided: watch::Receiver<()>,
}

/// There is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAnswer {
    /// The run loop is over.
    #[error("the watchdog ends")]
    Gone,
    /// The run loop hangs.
    #[error("the watchdog's run loop has not answered within {} s; hint: see its journal; kill it if it hangs", PATIENCE.as_secs())]
    Hangs,
}

/// A desk, and the way to it.
#[must_use]
pub fn desk() -> (Desk, Orders) {
    let (ask, asked) = mpsc::channel(WAITING);
    let (decided, news) = watch::channel(());
    (Desk { asked, decided }, Orders { ask, decided: news })
}

impl Desk {
    /// The next order. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Asked {
        match self.asked.recv().await {
            Some(asked) => asked,
            // Nobody is left who could ask.
            None => std::future::pending().await,
        }
    }

    /// Tells those who wait for it that something was decided, or confirmed by the daemon.
    pub fn decided(&self) {
        self.decided.send_replace(());
    }
}

impl Asked {
    /// Answers. Who asked may have gone; that is no trouble.
    pub fn answer(self, answer: Answer) {
        self.answer.send(answer).ok();
    }
}

impl Orders {
    /// Asks, and waits for the answer.
    ///
    /// # Errors
    /// When the run loop is over, or hangs.
    pub async fn ask(&self, order: Order) -> Result<Answer, NoAnswer> {
        let (answer, answered) = oneshot::channel();
        let ask = async {
            self.ask.send(Asked { order, answer }).await.map_err(|_| NoAnswer::Gone)?;
            answered.await.map_err(|_| NoAnswer::Gone)
        };
        timeout(PATIENCE, ask).await.unwrap_or(Err(NoAnswer::Hangs))
    }

    /// Waits until something was decided since the last call.
    ///
    /// # Errors
    /// When the run loop is over.
    pub async fn decided(&mut self) -> Result<(), NoAnswer> {
        self.decided.changed().await.map_err(|_| NoAnswer::Gone)
    }

    /// Waits until the run loop is over.
    pub async fn over(&self) {
        self.ask.closed().await;
    }
}

#[cfg(test)]
mod tests {
    use super::super::status::tests::example;
    use super::*;

    #[tokio::test]
    async fn an_order_is_answered() {
        let (mut desk, orders) = desk();
        let run_loop = async {
            let asked = desk.next().await;
            assert_eq!(asked.order, Order::Status);
            asked.answer(Answer::Status(example()));
        };
        let (answer, ()) = tokio::join!(orders.ask(Order::Status), run_loop);
        assert_eq!(answer, Ok(Answer::Status(example())));
        drop(desk);
        assert_eq!(orders.ask(Order::Status).await, Err(NoAnswer::Gone));
        orders.over().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_loop_that_hangs_is_found_out() {
        let (_desk, orders) = desk();
        assert_eq!(orders.ask(Order::Status).await, Err(NoAnswer::Hangs));
    }

    #[tokio::test]
    async fn an_order_that_is_not_answered_is_no_riddle() {
        let (mut desk, orders) = desk();
        let (answer, ()) = tokio::join!(orders.ask(Order::Status), async { drop(desk.next().await) });
        assert_eq!(answer, Err(NoAnswer::Gone));
    }
}
