//! When to ask one server, and when to stop waiting. No clock and no socket.
//!
//! A question that is not answered soon is followed by others, faster: so that the loss of one is not taken for silence, and
//! silence is known to be silence when the patience is over.

use std::collections::VecDeque;
use std::time::Duration;

#[cfg(test)]
mod tests;

/// The slowest answer counts half after this time.
const HALF_LIFE: Duration = Duration::from_secs(30);

/// Who wakes up so much later than planned was not awake to take an answer: the time is no server's fault.
const SLACK: Duration = Duration::from_millis(10);

/// How often to ask, and how long to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// From one question to the next while all is well.
    pub interval: Duration,
    /// The same while not.
    pub fast_interval: Duration,
    /// No answer for so long, at least, is silence.
    pub timeout: Duration,
    /// So many questions, at least, must be unanswered.
    pub fall: u32,
    /// A question in an interval is asked earlier, by up to so many percent of it: so that many watchdogs do not ask in step.
    pub jitter: u8,
}

/// Asks one server over and over.
#[derive(Debug)]
pub struct Pulse {
    pace: Pace,
    /// What is not answered yet, the oldest first.
    open: VecDeque<Asked>,
    last_asked: Option<Duration>,
    last_answered: Option<Duration>,
    /// Since it was silent nothing was answered.
    silent: bool,
    /// What was asked before says how long a silence was, not how slow the server is.
    learns_from: Duration,
    slowest: Slowest,
    next_id: u16,
    /// Of the moments in their intervals: who has the same one and began at the same time asks at the same moments.
    rhythm: u16,
}

#[derive(Debug, Clone, Copy)]
struct Asked {
    id: u16,
    at: Duration,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Ask with this id.
    Ask(u16),
    /// A question was not answered within this time; later ones were.
    Lost(Duration),
    /// Nothing was answered within this time.
    Silent(Duration),
}

impl Pulse {
    /// Asks at once, and with ids from here on. While all is well, all that have the same `rhythm` ask at the same moments.
    #[must_use]
    pub fn new(pace: Pace, rhythm: u16, first_id: u16) -> Self {
        Self {
            pace,
            open: VecDeque::new(),
            last_asked: None,
            last_answered: None,
            silent: false,
            learns_from: Duration::ZERO,
            slowest: Slowest::default(),
            next_id: first_id,
            rhythm,
        }
    }

    /// When [`Pulse::poll`] has something to do. `calm`: nothing is amiss with the service.
    #[must_use]
    pub fn next(&self, now: Duration, calm: bool) -> Duration {
        let ask = self.next_ask(now, calm);
        self.open.front().map_or(ask, |oldest| ask.min(oldest.at + self.patience(now)))
    }

    /// What is due now; to be called until there is nothing. Whatever was received must have been handed in before.
    pub fn poll(&mut self, now: Duration, calm: bool) -> Option<Due> {
        let late = now.saturating_sub(self.next(now, calm));
        if late > SLACK {
            self.open.iter_mut().for_each(|asked| asked.at += late);
        }
        self.give_up(now).or_else(|| {
            let planned = self.next_ask(now, calm);
            (planned <= now).then(|| {
                let id = self.next_id;
                self.next_id = id.wrapping_add(1);
                self.rhythm = self.rhythm.wrapping_add(1);
                self.open.push_back(Asked { id, at: now });
                // What counts is the plan, or the steps would drift apart; not for who overslept.
                self.last_asked = Some(if now - planned > SLACK { now } else { planned });
                Due::Ask(id)
            })
        })
    }

    /// An answer came: how long it took; `None` when nobody waits for it any more.
    pub fn answered(&mut self, id: u16, now: Duration) -> Option<Duration> {
        let index = self.open.iter().position(|asked| asked.id == id)?;
        let asked = self.open.remove(index)?;
        let latency = now.saturating_sub(asked.at);
        self.last_answered = Some(asked.at);
        if std::mem::take(&mut self.silent) {
            self.learns_from = now;
        }
        if asked.at >= self.learns_from {
            self.slowest.saw(latency, now);
        }
        Some(latency)
    }

    /// The way to the server is a new one: nothing said on the old one is answered.
    pub fn forget(&mut self) {
        self.open.clear();
    }

    fn give_up(&mut self, now: Duration) -> Option<Due> {
        let oldest = *self.open.front()?;
        let waited = now.saturating_sub(oldest.at);
        if waited < self.patience(now) {
            return None;
        }
        // An answer to a later question: the server lives, and this one was lost.
        if self.last_answered.is_some_and(|later| later >= oldest.at) {
            self.open.pop_front();
            return Some(Due::Lost(waited));
        }
        if self.open.len() < self.pace.fall as usize {
            return None;
        }
        self.open.clear();
        self.silent = true;
        Some(Due::Silent(waited))
    }

    fn next_ask(&self, now: Duration, calm: bool) -> Duration {
        let Some(last) = self.last_asked else { return Duration::ZERO };
        let interval = self.pace.interval - self.early();
        let fast = last + self.pace.fast_interval.min(interval);
        match self.open.front() {
            _ if !calm => fast,
            Some(oldest) => fast.max(oldest.at + self.hurry(now)).min(last + interval),
            None => last + interval,
        }
    }

    /// Different for each question, and the same whenever it is asked for.
    fn early(&self) -> Duration {
        let scattered = f64::from(self.rhythm.wrapping_mul(40_503)) / f64::from(u16::MAX);
        self.pace.interval.mul_f64(scattered * f64::from(self.pace.jitter.min(100)) / 100.0)
    }

    /// An answer that takes so long is worth another question.
    fn hurry(&self, now: Duration) -> Duration {
        (self.slowest.at(now) * 2).clamp(self.pace.timeout / 10, self.pace.timeout / 2)
    }

    /// An answer that takes so long is none. It follows the server's own latency, within limits.
    fn patience(&self, now: Duration) -> Duration {
        (self.slowest.at(now) * 3).clamp(self.pace.timeout, self.pace.timeout * 8)
    }
}

/// The slowest answer of the last while: what is older counts less.
#[derive(Debug, Default)]
struct Slowest {
    latency: Duration,
    seen: Duration,
}

impl Slowest {
    fn at(&self, now: Duration) -> Duration {
        let halvings = now.saturating_sub(self.seen).as_secs_f64() / HALF_LIFE.as_secs_f64();
        self.latency.mul_f64(0.5_f64.powf(halvings))
    }

    fn saw(&mut self, latency: Duration, now: Duration) {
        if latency >= self.at(now) {
            *self = Self { latency, seen: now };
        }
    }
}
