//! Who answered, where the answer itself does not say so by NSID: the server is asked on the same socket, so that to a router that
//! balances per flow the question is of the same flow as the query.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::channel::Channel;
use super::query::Query;

/// What a server may say who it is under, in this order (RFC 4892).
const NAMES: [&str; 2] = ["id.server.", "hostname.bind."];
/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_millis(500);
/// Servers that never say who they are, are asked after one answer in so many.
const SELDOM: u32 = 64;

/// What is known of the servers of one address.
#[derive(Default)]
pub(super) struct Identity(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    /// The name that was answered last.
    best: usize,
    /// Questions in a row to which there was no answer.
    failures: u32,
    /// Answers after which nobody is asked.
    skip: u32,
}

/// The questions, encoded.
pub(super) struct Questions([Query; NAMES.len()]);

impl Questions {
    pub(super) fn new() -> anyhow::Result<Self> {
        let [id, hostname] = NAMES;
        Ok(Self([Query::identity(id)?, Query::identity(hostname)?]))
    }
}

impl Identity {
    /// Asks who answered on this channel; an empty text if nobody says.
    pub(super) async fn ask(&self, channel: &Channel, questions: &Questions) -> String {
        let Some(best) = self.memory().next() else { return String::new() };
        for name in [best, NAMES.len() - 1 - best] {
            if let Some(text) = exchange(channel, &questions.0[name]).await {
                self.memory().answered(name);
                return text;
            }
        }
        self.memory().failed();
        String::new()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// The name to ask for first; none if it is not the time to ask.
    fn next(&mut self) -> Option<usize> {
        if self.skip > 0 {
            self.skip -= 1;
            return None;
        }
        Some(self.best)
    }

    fn answered(&mut self, name: usize) {
        *self = Self { best: name, ..Self::default() };
    }

    fn failed(&mut self) {
        self.skip = (1 << self.failures.min(SELDOM.ilog2())).min(SELDOM);
        self.failures += 1;
    }
}

async fn exchange(channel: &Channel, question: &Query) -> Option<String> {
    let mut reply = channel.ask(question).await.ok()?.reply;
    let until = Instant::now() + PATIENCE;
    let replied = async {
        loop {
            tokio::select! {
                biased;
                replied = &mut reply => return replied.ok(),
                readable = channel.readable() => match readable {
                    Ok(()) => channel.drain(),
                    Err(_) => return None,
                },
            }
        }
    };
    let (_, answer) = timeout_at(until, replied).await.ok()??.ok()?;
    answer.text.filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use hickory_proto::op::{Message, OpCode, ResponseCode};
    use hickory_proto::rr::rdata::TXT;
    use hickory_proto::rr::{RData, Record};
    use tokio::net::UdpSocket;

    use super::super::channel::tests::channel;
    use super::*;

    /// Answers as BIND does without `server-id`: only to hostname.bind.
    async fn answer(server: &UdpSocket, questions: usize) {
        for _ in 0..questions {
            let mut buffer = [0; 512];
            let (length, from) = server.recv_from(&mut buffer).await.unwrap();
            let query = Message::from_vec(&buffer[..length]).unwrap();
            let name = query.queries[0].name().clone();
            let mut answer = Message::response(query.metadata.id, OpCode::Query);
            if name.to_string() == "hostname.bind." {
                answer.add_answer(Record::from_rdata(name, 0, RData::TXT(TXT::new(vec!["ns1".into()]))));
            } else {
                answer.metadata.response_code = ResponseCode::Refused;
            }
            server.send_to(&answer.to_vec().unwrap(), from).await.unwrap();
        }
    }

    #[tokio::test]
    async fn the_second_name_is_tried_and_remembered() {
        let (server, channel) = channel().await;
        let (identity, questions) = (Identity::default(), Questions::new().unwrap());
        let (found, ()) = tokio::join!(identity.ask(&channel, &questions), answer(&server, 2));
        assert_eq!(found, "ns1");
        let (found, ()) = tokio::join!(identity.ask(&channel, &questions), answer(&server, 1));
        assert_eq!(found, "ns1");
    }

    #[test]
    fn who_never_says_it_is_asked_more_and_more_seldom() {
        let (mut memory, mut asked) = (Memory::default(), Vec::new());
        for nth in 0..300 {
            if memory.next().is_some() {
                memory.failed();
                asked.push(nth);
            }
        }
        assert_eq!(asked, [0, 2, 5, 10, 19, 36, 69, 134, 199, 264]);
        memory.answered(1);
        assert_eq!(memory.next(), Some(1));
    }
}
