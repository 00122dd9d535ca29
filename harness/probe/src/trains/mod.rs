//! Query trains: queries at a fixed rate, each a flow of its own, or all of them one.

mod flow;
mod query;
mod socket;

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nix::errno::Errno;
use protocol::{Flow, Observation, Outcome, Train};
use tokio::runtime;
use tokio::time::{MissedTickBehavior, interval, timeout};

use self::flow::OneFlow;
use self::query::{Answer, Query};
use self::socket::{connected, receive, send};
use crate::report::Reporter;
use crate::{clock, observer};

const PORT: u16 = 53;

/// When an answer came, and what it was.
type Reply = io::Result<(u64, Answer)>;

/// The node's trains, ready to start.
pub(crate) struct Trains(Vec<Arc<Ready>>);

struct Ready {
    train: Train,
    query: Query,
    /// The sockets of a train that is one flow, in the order of its addresses.
    flows: Vec<OneFlow>,
}

impl Trains {
    /// Encodes the queries; what is wrong with a train is known before the node is ready.
    pub(crate) fn prepare(trains: &[Train]) -> anyhow::Result<Self> {
        trains.iter().map(|train| Ready::new(train).map(Arc::new)).collect::<anyhow::Result<_>>().map(Self)
    }

    /// Starts all trains; they run until the node ends. Returns what was started in words.
    ///
    /// They have a thread of their own: a daemon that says much, or a large RIB, does not keep them waiting.
    pub(crate) fn start(self, reporter: &Reporter) -> anyhow::Result<String> {
        let names: Vec<_> = self.0.iter().map(|ready| ready.train.name.clone()).collect();
        let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
        let to = reporter.clone();
        observer::watch("trains", reporter, move || {
            runtime.block_on(async {
                for ready in self.0 {
                    observer::attend(format!("train {}", ready.train.name), &to, run(ready, to.clone()));
                }
                Ok(pending().await)
            })
        })?;
        Ok(format!("trains: {}", names.join(", ")))
    }
}

impl Ready {
    fn new(train: &Train) -> anyhow::Result<Self> {
        ensure!(train.per_second > 0, "train {}: expected at least one query a second, found 0", train.name);
        ensure!(!train.to.is_empty(), "train {}: expected addresses to ask, found none", train.name);
        let query = Query::new(&train.qname).with_context(|| format!("train {}: `{}`", train.name, train.qname))?;
        let one = train.to.iter().filter(|_| train.flow == Flow::One);
        Ok(Self { train: train.clone(), query, flows: one.map(|to| OneFlow::new(*to)).collect() })
    }
}

async fn run(ready: Arc<Ready>, reporter: Reporter) -> Infallible {
    let mut ticker = interval(Duration::from_secs(1) / ready.train.per_second);
    // A query that is late does not make the next one late. After a pause the train goes on at its rate: a burst would ask
    // what no client asked.
    ticker.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let mut number = 0;
    loop {
        for (nth, &to) in ready.train.to.iter().enumerate() {
            ticker.tick().await;
            let (ready, reporter) = (Arc::clone(&ready), reporter.clone());
            tokio::spawn(async move {
                let (at, sent, outcome) = ask(&ready, nth, to).await;
                let train = ready.train.name.clone();
                reporter.report_at(at, Observation::Query { train, number, to, port: 0, id: 0, sent, outcome });
            });
        }
        number += 1;
    }
}

/// Asks once; returns when the end was known, when the query was sent, and what came of it.
async fn ask(ready: &Ready, nth: usize, to: IpAddr) -> (u64, u64, Outcome) {
    let mut sent = clock::monotonic();
    let exchange = async {
        match ready.flows.get(nth) {
            Some(flow) => flow.exchange(&ready.query, &mut sent).await,
            None => exchange(&ready.query, to, &mut sent).await,
        }
    };
    let patience = Duration::from_millis(ready.train.timeout_ms);
    let replied = timeout(patience, exchange).await;
    judge(replied.ok(), sent, patience)
}

/// The stamps say whether an answer came in time, not when there was a processor to look for it.
fn judge(replied: Option<Reply>, sent: u64, patience: Duration) -> (u64, u64, Outcome) {
    let given_up = sent.saturating_add(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX));
    match replied {
        Some(Ok((at, Answer { instance, rcode, answers }))) if at <= given_up => {
            // A packet is stamped by another clock: never earlier than it was asked for.
            let at = at.max(sent);
            (at, sent, Outcome::Answer { instance, rcode, answers, rtt: at - sent })
        }
        Some(Err(error)) => (clock::monotonic(), sent, Outcome::Refused(reason(&error))),
        Some(Ok(_)) | None => (given_up, sent, Outcome::Timeout),
    }
}

async fn exchange(query: &Query, to: IpAddr, sent: &mut u64) -> Reply {
    let socket = connected(to).await?;
    let (id, octets) = query.numbered();
    *sent = send(&socket, &octets).await?;
    let mut buffer = [0; 4096];
    loop {
        let (length, at) = receive(&socket, &mut buffer).await?;
        if let Some(answer) = Answer::read(&buffer[..length], id) {
            return Ok((at, answer));
        }
    }
}

/// The kernel's words.
fn reason(error: &io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.to_string(), |code| Errno::from_raw(code).desc().to_owned())
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn train(qname: &str, per_second: u32) -> Train {
        let to = vec![Ipv4Addr::LOCALHOST.into()];
        Train { name: "dns".into(), to, per_second, qname: qname.into(), timeout_ms: 100, flow: Flow::Each }
    }

    #[test]
    fn a_train_that_cannot_run_is_refused_before() {
        let error = |train| format!("{:#}", Trains::prepare(&[train]).err().unwrap());
        assert_eq!(error(train("example.", 0)), "train dns: expected at least one query a second, found 0");
        assert!(error(train("a..b", 1)).starts_with("train dns: `a..b`: "));
        assert_eq!(
            error(Train { to: vec![], ..train("example.", 1) }),
            "train dns: expected addresses to ask, found none"
        );
    }

    #[test]
    fn an_answer_that_was_read_late_came_in_time_and_one_that_came_late_did_not() {
        let answer = || Answer { instance: "ns1".into(), rcode: 0, answers: 1 };
        let judge = |at| judge(Some(Ok((at, answer()))), 1_000, Duration::from_micros(1));
        let in_time = Outcome::Answer { instance: "ns1".into(), rcode: 0, answers: 1, rtt: 1_000 };
        assert_eq!(judge(2_000), (2_000, 1_000, in_time));
        assert_eq!(judge(2_001), (2_000, 1_000, Outcome::Timeout));
        assert!(matches!(judge(999), (1_000, 1_000, Outcome::Answer { rtt: 0, .. })));
        assert_eq!(super::judge(None, 1_000, Duration::from_micros(1)), (2_000, 1_000, Outcome::Timeout));
    }

    #[test]
    fn refusals_are_in_the_kernel_s_words() {
        assert_eq!(reason(&io::Error::from(Errno::ECONNREFUSED)), "Connection refused");
    }
}
