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
/// How long the servers of an address are left alone after a question. They may limit how often they say it (BIND: three times a second
/// to each /24 and /56 of clients), and most answers need no question: the server's own node saw them leave.
const REST: Duration = Duration::from_secs(3);

/// When the servers of one address were asked, and what for.
#[derive(Default)]
pub(super) struct Identity(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    /// The name that was answered last.
    best: usize,
    /// Nobody is asked until then.
    rests_until: Option<Instant>,
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
    /// Asks who answered on this channel; an empty text if nobody says, or if it is not the time to ask.
    pub(super) async fn ask(&self, channel: &Channel, questions: &Questions) -> String {
        let Some(best) = self.memory().next(Instant::now()) else { return String::new() };
        for name in [best, NAMES.len() - 1 - best] {
            if let Some(text) = exchange(channel, &questions.0[name]).await {
                self.memory().best = name;
                return text;
            }
        }
        String::new()
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Memory {
    /// The name to ask for first; none if it is not the time to ask. Who asks at the same time as others is the only one.
    fn next(&mut self, now: Instant) -> Option<usize> {
        if self.rests_until.is_some_and(|until| now < until) {
            return None;
        }
        self.rests_until = Some(now + REST);
        Some(self.best)
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
        assert_eq!(identity.ask(&channel, &questions).await, "", "it has just been asked");
        identity.memory().rests_until = None;
        let (found, ()) = tokio::join!(identity.ask(&channel, &questions), answer(&server, 1));
        assert_eq!(found, "ns1");
    }

    #[test]
    fn it_is_asked_at_once_and_then_every_few_seconds_however_often_there_are_answers() {
        let (mut memory, began) = (Memory::default(), Instant::now());
        let asked = |(ms, now): (u64, Instant)| memory.next(now).map(|_| ms);
        let answers = (0..10_000).step_by(5).map(|ms| (ms, began + Duration::from_millis(ms)));
        assert_eq!(answers.filter_map(asked).collect::<Vec<_>>(), [0, 3000, 6000, 9000]);
    }
}
