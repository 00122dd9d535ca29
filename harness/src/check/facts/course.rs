//! What the lab itself did: its steps, what it broke and mended, and what it lost sight of.

use crate::fault::{Breaks, Fault};
use crate::history::{Event, Seen};

/// What the lab itself did; times in nanoseconds of the history's clock.
#[derive(Default)]
pub(in crate::check) struct Course {
    /// The first hole: when, and where and why.
    pub(super) hole: Option<(u64, String)>,
    pub(super) first: Option<u64>,
    pub(super) last: u64,
    pub(super) ready: Option<u64>,
    pub(super) up: Option<u64>,
    /// When each step began.
    steps: Vec<u64>,
    acts: Vec<Act>,
}

/// A fault that was injected, or mended.
pub(in crate::check) struct Act {
    /// When it took effect.
    pub(in crate::check) at: u64,
    /// The number of its step.
    pub(in crate::check) number: usize,
    /// The fault; records from before that field have it in their plan only.
    pub(in crate::check) fault: Option<Box<Fault>>,
    /// What the node said of it.
    pub(super) detail: String,
    mends: bool,
}

impl Course {
    pub(super) fn passes(&mut self, at: u64) {
        self.first = Some(self.first.map_or(at, |first| first.min(at)));
        self.last = self.last.max(at);
    }

    pub(super) fn take(&mut self, event: &Event) {
        let at = event.at;
        match &event.saw {
            Seen::Step { .. } => self.steps.push(at),
            Seen::Injected { number, what, detail, .. } | Seen::Healed { number, what, detail, .. } => {
                let mends = matches!(event.saw, Seen::Healed { .. });
                self.acts.push(Act { at, number: *number, fault: what.clone(), detail: detail.clone(), mends });
            }
            Seen::Hole { reason } => {
                let known = self.hole.as_ref().is_some_and(|(first, _)| *first <= at);
                if !known {
                    self.hole = Some((at, format!("{}: {reason}", event.node.as_deref().unwrap_or("the lab"))));
                }
            }
            Seen::Ready => self.ready = Some(at),
            Seen::Up => self.up = Some(at),
            _ => {}
        }
    }

    /// What was broken, in the order in which that happened.
    pub(in crate::check) fn injected(&self) -> impl DoubleEndedIterator<Item = &Act> {
        self.acts.iter().filter(|act| !act.mends)
    }

    /// When the last step began.
    pub(in crate::check) fn last_step(&self) -> Option<u64> {
        self.steps.last().copied()
    }

    /// From when on what happened may be an effect of the inject or heal at the origin. A signal is stamped before it is sent; any
    /// other action takes its time, and is stamped when it has ended: then it counts from the beginning of its step.
    pub(in crate::check) fn window(&self, origin: u64) -> u64 {
        let is_signal = |fault: &Fault| matches!(fault.breaks, Breaks::Kill(_) | Breaks::Hang(_));
        let is_slow = |act: &Act| act.mends || !act.fault.as_deref().is_some_and(is_signal);
        if !self.acts.iter().any(|act| act.at == origin && is_slow(act)) {
            return origin;
        }
        self.steps.iter().copied().filter(|at| *at <= origin).max().unwrap_or(origin)
    }
}
