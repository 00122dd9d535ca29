//! What the outcomes of one check were so far, for the status.

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::operate::status::{CheckStatus, LastFailure, Latency};
use crate::sample::Verdict;
use crate::watch::{Report, Watched};

/// Quantiles are over so many passes.
const RECENT: usize = 128;

/// Counts of one check.
#[derive(Debug, Default)]
pub(super) struct Stats {
    passed: u64,
    failed: BTreeMap<&'static str, u64>,
    last_failure: Option<LastFailure>,
    latencies: VecDeque<Duration>,
}

impl Stats {
    pub(super) fn count(&mut self, report: &Report) {
        let kind = match report.sample.verdict {
            Verdict::Healthy => {
                self.passed += 1;
                if let Some(latency) = report.latency {
                    self.latencies.truncate(RECENT - 1);
                    self.latencies.push_front(latency);
                }
                return;
            }
            Verdict::Failed => "failed",
            Verdict::Lost => "lost",
            Verdict::Refused => "refused",
            Verdict::Silent => "silent",
        };
        *self.failed.entry(kind).or_default() += 1;
        self.last_failure = Some(LastFailure { at: unix_now(), reason: report.sample.reason.clone() });
    }

    pub(super) fn status(&self, watched: &Watched, healthy: bool) -> CheckStatus {
        CheckStatus {
            name: watched.name.clone(),
            scope: watched.scope,
            healthy,
            last_failure: self.last_failure.clone(),
            latency: self.latency(),
            passed: self.passed,
            failed: self.failed.iter().map(|(kind, count)| ((*kind).to_owned(), *count)).collect(),
        }
    }

    fn latency(&self) -> Option<Latency> {
        let mut sorted: Vec<Duration> = self.latencies.iter().copied().collect();
        sorted.sort_unstable();
        // Nearest rank.
        let quantile = |percent: usize| {
            let rank = (sorted.len() * percent).div_ceil(100);
            sorted.get(rank.checked_sub(1)?).map(|latency| latency.as_secs_f64() * 1000.0)
        };
        Some(Latency { p50: quantile(50)?, p99: quantile(99)? })
    }
}

/// Seconds since 1970.
pub(super) fn unix_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
