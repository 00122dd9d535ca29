//! Watches what a service depends on: each check in a task of its own, which reports every outcome.

use std::rc::Rc;
use std::time::Duration;

use hickory_proto::rr::RecordType;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::pulse::Pace;
use crate::question::{Question, Unaskable};
use crate::sample::{Sample, Verdict};
use crate::service::{Check, Dns, Expectation, Judging, Scope, Service, What};

mod answer;
mod command;
mod freshness;
mod tcp;
mod udp;

/// A sample, and what else is worth knowing about it.
#[derive(Debug)]
pub struct Report {
    /// Which service, from 0.
    pub service: usize,
    /// The outcome.
    pub sample: Sample,
    /// How long the answer took, where there was one.
    pub latency: Option<Duration>,
}

/// One thing that is watched: a check, over one transport.
#[derive(Debug, Clone)]
pub struct Watched {
    /// For people: `10.1.53.1 UDP SOA example.test`.
    pub name: String,
    /// Whose failure it would be.
    pub scope: Scope,
    /// What is done.
    pub way: Way,
    /// How often.
    pub pace: Pace,
}

/// How it is watched.
#[derive(Debug, Clone)]
pub enum Way {
    /// Questions over UDP.
    Udp(Rc<Dns>, Rc<Question>),
    /// A standing connection, with questions or without.
    Tcp(Rc<tcp::Server>),
    /// The serials of a zone and its primary.
    Serial(Rc<freshness::Zone>),
    /// A command.
    Command(Vec<String>),
}

/// All that is watched for a service, in the order of the machine's checks.
///
/// # Errors
/// When a question cannot be asked, or its answer not be judged.
pub fn watched(service: &Service) -> Result<Vec<Watched>, Unaskable> {
    let mut watched = Vec::new();
    for check in &service.checks {
        watched.extend(parts(check, &service.judging)?);
    }
    Ok(watched)
}

fn parts(check: &Check, judging: &Judging) -> Result<Vec<Watched>, Unaskable> {
    let interval = check.interval.unwrap_or(judging.interval);
    let pace = Pace {
        interval,
        fast_interval: judging.fast_interval.min(interval),
        timeout: check.timeout.unwrap_or(judging.timeout),
        fall: judging.fall,
        jitter: judging.jitter,
    };
    let part = |name, pace, way| Watched { name, scope: check.scope, way, pace };
    Ok(match &check.what {
        What::Command(argv) => vec![part(format!("command {}", argv[0]), pace, Way::Command(argv.clone()))],
        What::Tcp { address, port } => {
            let server = tcp::Server { address: (*address, *port).into(), source: None, question: None };
            vec![part(format!("{address} TCP {port}"), pace, Way::Tcp(Rc::new(server)))]
        }
        What::Dns(dns) => {
            let question = Rc::new(Question::new(dns)?);
            let asked = format!("{} {}", dns.kind, dns.name);
            let udp = dns.udp.then(|| {
                part(
                    format!("{} UDP {asked}", dns.address),
                    pace,
                    Way::Udp(Rc::new(dns.as_ref().clone()), Rc::clone(&question)),
                )
            });
            let tcp = dns.tcp.then(|| {
                let server = tcp::Server {
                    address: (dns.address, dns.port).into(),
                    source: dns.source,
                    question: Some(Rc::clone(&question)),
                };
                // The connection tells by itself when the process dies; what it has to answer is asked less often.
                let pace = Pace { interval: interval * tcp::SELDOM, ..pace };
                part(format!("{} TCP {asked}", dns.address), pace, Way::Tcp(Rc::new(server)))
            });
            let serial = match &dns.expect.serial {
                Some(wanted) => {
                    let expect = Expectation::default();
                    let soa = Dns { kind: RecordType::SOA, expect, ..dns.as_ref().clone() };
                    let zone = freshness::Zone {
                        own: (dns.address, dns.port).into(),
                        primary: wanted.primary.into(),
                        age: wanted.age,
                        question: Rc::new(Question::new(&soa)?),
                    };
                    // Zones do not change from one moment to the next, and the primary is somebody else's.
                    let pace = Pace { interval: interval * freshness::SELDOM, ..pace };
                    Some(part(format!("{} serial of {}", dns.address, dns.name), pace, Way::Serial(Rc::new(zone))))
                }
                None => None,
            };
            udp.into_iter().chain(tcp).chain(serial).collect()
        }
    })
}

/// Starts watching; it ends when the set is dropped. `calm` says whether all is well with the service.
#[must_use]
pub fn start(
    service: usize,
    watched: &[Watched],
    calm: &watch::Receiver<bool>,
    reports: &mpsc::UnboundedSender<Report>,
) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    // All are asked at the same moments: one awakening for all, not one for each.
    let (began, rhythm) = (Instant::now(), random());
    for (check, watched) in watched.iter().enumerate() {
        let post = Post { service, check, calm: calm.clone(), reports: reports.clone(), began, rhythm };
        let pace = watched.pace;
        match watched.way.clone() {
            Way::Udp(dns, question) => tasks.spawn_local(async move { udp::watch(&dns, &question, pace, post).await }),
            Way::Tcp(server) => tasks.spawn_local(async move { tcp::watch(&server, pace, post).await }),
            Way::Serial(zone) => tasks.spawn_local(async move { freshness::watch(&zone, pace, post).await }),
            Way::Command(argv) => tasks.spawn_local(async move { command::watch(&argv, pace, post).await }),
        };
    }
    tasks
}

/// A watcher's place: where it reports to, and what it hears.
#[derive(Debug)]
struct Post {
    service: usize,
    check: usize,
    calm: watch::Receiver<bool>,
    reports: mpsc::UnboundedSender<Report>,
    began: Instant,
    rhythm: u16,
}

impl Post {
    fn report(&self, verdict: Verdict, reason: String, latency: Option<Duration>) {
        let sample = Sample { check: self.check, verdict, reason };
        // Nobody listens any more: the watch is over.
        self.reports.send(Report { service: self.service, sample, latency }).ok();
    }

    /// Time since the watch began, as pulses count it.
    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn is_calm(&self) -> bool {
        *self.calm.borrow()
    }

    /// Waits until then, or until the calm is over.
    async fn wait(&mut self, until: Duration) {
        let was_calm = *self.calm.borrow_and_update();
        tokio::select! {
            biased;
            () = sleep_until(self.began + until) => {}
            Ok(()) = self.calm.changed(), if was_calm => {}
        }
    }
}

/// Numbers for ids: not to be guessed from outside (RFC 5452, section 9.2).
fn random() -> u16 {
    use std::hash::{BuildHasher, RandomState};
    let [first, second, ..] = RandomState::new().hash_one(0).to_ne_bytes();
    u16::from_ne_bytes([first, second])
}
