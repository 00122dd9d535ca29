//! One check's outcomes, and whether they are good enough.

use std::collections::VecDeque;

use crate::sample::{Sample, Verdict};
use crate::service::{Judging, Scope, Window};

/// What a failure weighs in the window; what a lost answer weighs is half.
const FAILURE: u32 = 2;

/// What is known of one check.
#[derive(Debug)]
pub(super) struct Tally {
    pub(super) scope: Scope,
    standing: Standing,
    /// Outcomes of the same kind in a row: whether they are passes, and how many.
    row: (bool, u32),
    /// The weights of the last outcomes, the newest last.
    window: VecDeque<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nothing is known yet, or nothing good.
    Unproven,
    Healthy,
    /// And why. One that failed too often, not all the time, has to pass for longer.
    Failing {
        reason: String,
        often: bool,
    },
}

impl Tally {
    pub(super) fn new(scope: Scope) -> Self {
        Self { scope, standing: Standing::Unproven, row: (false, 0), window: VecDeque::new() }
    }

    pub(super) fn standing(&self) -> &Standing {
        &self.standing
    }

    /// Nothing in the window speaks against it.
    pub(super) fn is_spotless(&self) -> bool {
        self.standing == Standing::Healthy && self.weight() == 0
    }

    /// Takes an outcome in. What is not announced has to prove itself: one failure is enough to begin anew.
    pub(super) fn count(&mut self, sample: &Sample, judging: &Judging, is_announced: bool) {
        let fall = if is_announced { judging.fall } else { 1 };
        let weight = match sample.verdict {
            Verdict::Healthy => 0,
            Verdict::Lost => FAILURE / 2,
            _ => FAILURE,
        };
        self.window.push_back(weight);
        while self.window.len() > judging.window.of as usize {
            self.window.pop_front();
        }
        let is_healthy = sample.verdict == Verdict::Healthy;
        // A lost answer says nothing about the next: neither a row of failures begins with it, nor one of passes ends.
        if sample.verdict != Verdict::Lost {
            self.row =
                if self.row.0 == is_healthy { (is_healthy, self.row.1.saturating_add(1)) } else { (is_healthy, 1) };
        }
        match &self.standing {
            Standing::Healthy | Standing::Unproven if !is_healthy => {
                self.consider_failing(sample, fall, judging.window);
            }
            Standing::Failing { often: true, .. } if self.still_fails_too_often(judging.window) => {}
            Standing::Unproven | Standing::Failing { .. } if is_healthy && self.row.1 >= judging.rise => {
                self.turn(Standing::Healthy);
            }
            _ => {}
        }
    }

    fn consider_failing(&mut self, sample: &Sample, fall: u32, window: Window) {
        let Window { failed, of } = window;
        let reason = &sample.reason;
        let (reason, often) = if sample.verdict.is_final() {
            (reason.clone(), false)
        } else if sample.verdict != Verdict::Lost && self.row.1 >= fall {
            let times = if self.row.1 == 1 { String::new() } else { format!(", {} times in a row", self.row.1) };
            (format!("{reason}{times}"), false)
        } else if self.weight() >= failed * FAILURE {
            let bad = self.window.iter().filter(|weight| **weight > 0).count();
            let asked = self.window.len();
            (format!("{reason}, {bad} of the last {asked} (at most {} of {of})", failed.saturating_sub(1)), true)
        } else {
            return;
        };
        self.turn(Standing::Failing { reason, often });
    }

    /// It has to fill a window anew, with half as many failures at most.
    fn still_fails_too_often(&self, window: Window) -> bool {
        self.window.len() < window.of as usize || self.weight() > window.failed * FAILURE / 2
    }

    fn turn(&mut self, standing: Standing) {
        self.standing = standing;
        self.row = (false, 0);
        self.window.clear();
    }

    fn weight(&self) -> u32 {
        self.window.iter().sum()
    }
}
