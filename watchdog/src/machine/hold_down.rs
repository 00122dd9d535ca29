//! A service that flaps is held back: for longer with each withdrawal, up to a ceiling.

use std::collections::VecDeque;
use std::time::Duration;

use crate::service::HoldDown;

/// The withdrawals that count.
#[derive(Debug, Default)]
pub(super) struct Flaps {
    withdrawn: VecDeque<Duration>,
}

impl Flaps {
    /// An announced service was withdrawn.
    pub(super) fn withdrawn(&mut self, now: Duration) {
        self.withdrawn.push_back(now);
    }

    /// How many count now.
    pub(super) fn count(&mut self, rule: &HoldDown, now: Duration) -> usize {
        while self.withdrawn.front().is_some_and(|at| *at + rule.within < now) {
            self.withdrawn.pop_front();
        }
        self.withdrawn.len()
    }

    /// How long it must be healthy, without a break, before it is announced.
    pub(super) fn hold(&mut self, rule: &HoldDown, now: Duration) -> Duration {
        let Some(doublings) = self.count(rule, now).checked_sub(2) else { return Duration::ZERO };
        let factor =
            u32::try_from(doublings).ok().and_then(|doublings| 1_u32.checked_shl(doublings)).unwrap_or(u32::MAX);
        rule.first.saturating_mul(factor).min(rule.ceiling)
    }
}
