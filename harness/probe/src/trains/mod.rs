//! Query trains: queries at a fixed rate, each a flow of its own, or all of them one.

mod channel;
mod identity;
mod query;
mod socket;

use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use anyhow::{Context as _, ensure};
use nix::errno::Errno;
use protocol::{Flow, Observation, Outcome, Train};
use tokio::runtime;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use self::channel::{Channel, Sent};
use self::identity::{Identity, Questions};
use self::query::{Answer, Query};
use crate::mark::{Pass, Passes, Stage};
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
    /// The sockets of a train that is one flow, in the order of its addresses. A socket cannot be connected before there is a route.
    flows: Vec<OnceLock<Arc<Channel>>>,
    questions: Questions,
    /// What is known of the servers of each address, in the order of the addresses.
    identities: Vec<Identity>,
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
        let flows = one.map(|_| OnceLock::new()).collect();
        let identities = train.to.iter().map(|_| Identity::default()).collect();
        Ok(Self { train: train.clone(), query, flows, questions: Questions::new()?, identities })
    }

    /// The socket of the next query to the nth address.
    fn channel(&self, nth: usize, to: IpAddr) -> io::Result<Arc<Channel>> {
        let Some(flow) = self.flows.get(nth) else { return Channel::open(to).map(Arc::new) };
        if let Some(channel) = flow.get() {
            return Ok(Arc::clone(channel));
        }
        let channel = Arc::new(Channel::open(to)?);
        Ok(Arc::clone(flow.get_or_init(|| channel)))
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
                let mut marks = AtMarks::new(&reporter, &ready.train.name);
                let Ended { at, port, id, sent, outcome } = ask(&ready, nth, to, &mut marks).await;
                let train = ready.train.name.clone();
                reporter.report_at(at, Observation::Query { train, number, to, port, id, sent, outcome });
                // The marks that came meanwhile pass now.
                drop(marks);
            });
        }
        number += 1;
    }
}

/// A query that has come to its end.
#[derive(Debug, PartialEq, Eq)]
struct Ended {
    /// When that was known.
    at: u64,
    port: u16,
    id: u16,
    sent: u64,
    outcome: Outcome,
}

/// A query's share in marks: an answer that has come when a mark does is reported before the mark passes.
struct AtMarks {
    coming: Passes,
    held: Vec<Pass>,
}

impl AtMarks {
    fn new(reporter: &Reporter, train: &str) -> Self {
        Self { coming: reporter.marks().join(Stage::Kernel, format!("train {train}")), held: Vec::new() }
    }
}

/// Asks once, and waits for the end.
async fn ask(ready: &Ready, nth: usize, to: IpAddr, marks: &mut AtMarks) -> Ended {
    let began = clock::monotonic();
    let unsent =
        |port, error: &io::Error| Ended { at: clock::monotonic(), port, id: 0, sent: began, outcome: failure(error) };
    let channel = match ready.channel(nth, to) {
        Ok(channel) => channel,
        Err(error) => return unsent(0, &error),
    };
    let port = channel.port();
    let Sent { at: sent, id, reply } = match channel.ask(&ready.query).await {
        Ok(sent) => sent,
        Err(error) => return unsent(port, &error),
    };
    let patience = Duration::from_millis(ready.train.timeout_ms);
    let replied = wait(&channel, reply, sent, patience, marks).await;
    let (at, mut outcome) = judge(replied, sent, patience);
    if let (Outcome::Answer { instance, .. }, Some(identity)) = (&mut outcome, ready.identities.get(nth))
        && instance.is_empty()
    {
        // A mark that comes meanwhile waits until this is known.
        *instance = identity.ask(&channel, &ready.questions).await;
    }
    Ended { at, port, id, sent, outcome }
}

/// Waits for the reply, until `patience` after the query was `sent`; None if there is none then.
async fn wait(
    channel: &Channel,
    mut reply: channel::Waiting,
    sent: u64,
    patience: Duration,
    marks: &mut AtMarks,
) -> Option<Reply> {
    let passed = Duration::from_nanos(clock::monotonic().saturating_sub(sent));
    let until = Instant::now() + patience.saturating_sub(passed);
    let replied = async {
        loop {
            tokio::select! {
                biased;
                replied = &mut reply => return replied.ok(),
                readable = channel.readable() => match readable {
                    Ok(()) => channel.drain(),
                    Err(error) => return Some(Err(error)),
                },
                pass = marks.coming.next() => {
                    marks.held.push(pass);
                    channel.drain();
                    if let Ok(replied) = reply.try_recv() {
                        return Some(replied);
                    }
                    marks.held.clear();
                }
            }
        }
    };
    if let Ok(replied) = timeout_at(until, replied).await {
        return replied;
    }
    // The answer may have come while this task waited for a processor: its stamp decides.
    channel.drain();
    reply.try_recv().ok()
}

/// The stamps say whether an answer came in time, not when there was a processor to look for it. Returns when the end was known, too.
fn judge(replied: Option<Reply>, sent: u64, patience: Duration) -> (u64, Outcome) {
    let given_up = sent.saturating_add(u64::try_from(patience.as_nanos()).unwrap_or(u64::MAX));
    match replied {
        Some(Ok((at, Answer { instance, rcode, answers, .. }))) if at <= given_up => {
            // A packet is stamped by another clock: never earlier than it was asked for.
            let at = at.max(sent);
            (at, Outcome::Answer { instance, rcode, answers, rtt: at - sent })
        }
        Some(Err(error)) => (clock::monotonic(), failure(&error)),
        Some(Ok(_)) | None => (given_up, Outcome::Timeout),
    }
}

/// What an error of the socket says: of the way to the server, or of the client alone.
fn failure(error: &io::Error) -> Outcome {
    if is_destination_error(error) { Outcome::Refused(reason(error)) } else { Outcome::Unasked(reason(error)) }
}

/// Whether the error is about the destination: an ICMP error that came back (Linux, net/ipv4/icmp.c, `icmp_err_convert`, and
/// net/ipv6/icmp.c), or a route that does not lead there. All others, such as EMFILE, EADDRINUSE, ENOBUFS or EPERM, are the client's own.
fn is_destination_error(error: &io::Error) -> bool {
    let code = error.raw_os_error().map(Errno::from_raw);
    matches!(
        code,
        Some(
            Errno::ECONNREFUSED
                | Errno::EHOSTUNREACH
                | Errno::ENETUNREACH
                | Errno::EHOSTDOWN
                | Errno::ENETDOWN
                | Errno::ENONET
                | Errno::ENOPROTOOPT
                | Errno::EOPNOTSUPP
                | Errno::EPROTO
                // ICMPv6 "administratively prohibited", or a route of type prohibit.
                | Errno::EACCES
                // A route of type blackhole.
                | Errno::EINVAL
        )
    )
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
        let answer = || Answer { instance: "ns1".into(), rcode: 0, answers: 1, text: None };
        let judge = |at| judge(Some(Ok((at, answer()))), 1_000, Duration::from_micros(1));
        let in_time = Outcome::Answer { instance: "ns1".into(), rcode: 0, answers: 1, rtt: 1_000 };
        assert_eq!(judge(2_000), (2_000, in_time));
        assert_eq!(judge(2_001), (2_000, Outcome::Timeout));
        assert!(matches!(judge(999), (1_000, Outcome::Answer { rtt: 0, .. })));
        assert_eq!(super::judge(None, 1_000, Duration::from_micros(1)), (2_000, Outcome::Timeout));
    }

    #[test]
    fn an_error_of_the_client_itself_says_nothing_of_a_server() {
        for errno in [Errno::ECONNREFUSED, Errno::EHOSTUNREACH, Errno::ENETUNREACH, Errno::EACCES] {
            assert_eq!(failure(&errno.into()), Outcome::Refused(errno.desc().into()));
        }
        for errno in [Errno::EMFILE, Errno::EADDRINUSE, Errno::ENOBUFS, Errno::EPERM, Errno::ENOMEM, Errno::ENFILE] {
            assert_eq!(failure(&errno.into()), Outcome::Unasked(errno.desc().into()));
        }
    }

    #[tokio::test]
    async fn the_timeout_runs_from_the_sending_and_an_answer_that_waits_is_read_at_its_end() {
        let (server, channel) = channel::tests::channel().await;
        let sent = channel.ask(&Query::new("example.").unwrap()).await.unwrap();
        let mut buffer = [0; 512];
        let (length, from) = server.recv_from(&mut buffer).await.unwrap();
        buffer[2] |= 0x80;
        server.send_to(&buffer[..length], from).await.unwrap();
        let reporter = Reporter::writing_to(io::sink()).unwrap();
        let mut marks = AtMarks::new(&reporter, "dns");
        // The task that asked has no processor until long after its time.
        let patience = Duration::from_millis(20);
        std::thread::park_timeout(2 * patience);
        let (at, replied) = (sent.at, wait(&channel, sent.reply, sent.at, patience, &mut marks).await);
        assert!(matches!(judge(replied, at, patience).1, Outcome::Answer { .. }));

        let sent = channel.ask(&Query::new("example.").unwrap()).await.unwrap();
        std::thread::park_timeout(2 * patience);
        let began = Instant::now();
        assert!(wait(&channel, sent.reply, sent.at, patience, &mut marks).await.is_none());
        assert!(began.elapsed() < patience, "the time before the wait counts");
    }
}
