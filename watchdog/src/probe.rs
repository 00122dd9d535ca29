//! Rounds of checks, and the watch over the standing connections between them. Both give samples.

use std::collections::BTreeSet;
use std::future::poll_fn;
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout_at};

use crate::check::{Checker, Failure};
use crate::sample::{Sample, Verdict};
use crate::standing;
use crate::target::Target;

/// A connection that closes again within this time after a re-check is left to the next round: a server may close every
/// connection at once and yet be healthy.
const RECHECK_PAUSE: Duration = Duration::from_millis(100);

/// Checks all targets over and over.
#[derive(Debug)]
pub struct Prober {
    checker: Checker,
    targets: Vec<Watched>,
    last_round: Option<Instant>,
}

#[derive(Debug)]
struct Watched {
    target: Arc<Target>,
    standing: Option<TcpStream>,
    last_recheck: Option<Instant>,
}

impl Prober {
    /// A prober that has seen nothing yet.
    #[must_use]
    pub fn new(checker: Checker, targets: Vec<Target>) -> Self {
        let watch = |target| Watched { target: Arc::new(target), standing: None, last_recheck: None };
        Self { checker, targets: targets.into_iter().map(watch).collect(), last_round: None }
    }

    /// The next sample: at once when a standing connection closed and its target fails the re-check, else that of the
    /// round, which begins `interval` after the last one began.
    ///
    /// A closed connection whose target passes is opened again in silence: servers close idle connections
    /// (RFC 7766, section 6.2.3).
    pub async fn sample(&mut self, interval: Duration) -> Sample {
        let due = self.last_round.map_or_else(Instant::now, |last| last + interval);
        while let Ok(index) = timeout_at(due, self.closed()).await {
            if let Err(sample) = self.recheck(index).await {
                return sample;
            }
        }
        self.last_round = Some(Instant::now());
        self.round().await
    }

    /// Waits until a standing connection closes, and removes it.
    async fn closed(&mut self) -> usize {
        let targets = &mut self.targets;
        poll_fn(|cx| {
            for (index, watched) in targets.iter_mut().enumerate() {
                if watched.standing.take_if(|connection| standing::poll_closed(connection, cx).is_ready()).is_some() {
                    return Poll::Ready(index);
                }
            }
            Poll::Pending
        })
        .await
    }

    async fn recheck(&mut self, index: usize) -> Result<(), Sample> {
        let watched = &mut self.targets[index];
        let now = Instant::now();
        let again_so_soon = watched.last_recheck.replace(now).is_some_and(|last| now - last < RECHECK_PAUSE);
        let failure = match self.checker.check(&watched.target).await {
            Ok(passed) => {
                watched.standing = (!again_so_soon).then_some(passed.connection);
                return Ok(());
            }
            Err(failure) => failure,
        };
        let what = match &failure {
            Failure::Refused => "refused".to_owned(),
            other => format!("failed: {other}"),
        };
        let reason = format!("connection to {} closed, re-check {what}", self.checker.server(&watched.target));
        Err(Sample { verdict: Verdict::from(&failure), reason })
    }

    /// Checks all targets at the same time; the first failure ends the round.
    async fn round(&mut self) -> Sample {
        let checker = self.checker;
        let mut checks = JoinSet::new();
        for (index, watched) in self.targets.iter().enumerate() {
            let target = Arc::clone(&watched.target);
            checks.spawn(async move { (index, checker.check(&target).await) });
        }
        let mut answers = BTreeSet::new();
        while let Some(joined) = checks.join_next().await {
            let (index, checked) = joined.unwrap_or_else(|died| resume_unwind(died.into_panic()));
            let Watched { target, standing, .. } = &mut self.targets[index];
            match checked {
                Ok(passed) => {
                    answers.insert(format!("SOA {}, serial {}", target.domain, passed.serial));
                    // The new connection replaces the old one, so it never gets old enough for the server to close it.
                    *standing = Some(passed.connection);
                }
                Err(failure) => {
                    *standing = None;
                    let reason = format!("{}: {failure}", target.address);
                    return Sample { verdict: Verdict::from(&failure), reason };
                }
            }
        }
        let who = match self.targets.as_slice() {
            [only] => format!("{} answers", only.target.address),
            all => format!("all {} targets answer", all.len()),
        };
        let answers = Vec::from_iter(answers).join("; ");
        Sample { verdict: Verdict::Healthy, reason: format!("{who} ({answers})") }
    }
}
