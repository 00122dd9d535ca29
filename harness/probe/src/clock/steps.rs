//! Steps of the wall clock. The kernel stamps packets by CLOCK_REALTIME, and a stamp is converted when it is read: a packet that waited
//! while the clock was set has a wrong stamp, by as much as it was set. That is a hole in the history.

use std::time::Duration;

use anyhow::Context as _;
use nix::errno::Errno;
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId as TimerClock, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
use nix::time::ClockId;

use super::{nanoseconds, together};
use crate::observer;
use crate::report::Reporter;

/// A difference that is no step, in nanoseconds: NTP slews by 500 ppm at most, which is half of this in a second.
const STEP: i128 = 1_000_000;
/// How often the clocks are compared, should the kernel say nothing.
const BEAT: Duration = Duration::from_secs(1);

/// Reports steps from now on.
pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<()> {
    let timer = TimerFd::new(TimerClock::CLOCK_REALTIME, TimerFlags::TFD_CLOEXEC).context("no timer")?;
    let mut steps = Steps::new(offset());
    let to = reporter.clone();
    observer::watch("clock", reporter, move || {
        loop {
            wait(&timer)?;
            if let Some(step) = steps.look(offset()) {
                observer::broken("clock", describe(step), &to);
            }
        }
    })?;
    Ok(())
}

/// Waits for the beat, or until the clock is set: TFD_TIMER_CANCEL_ON_SET needs an absolute time of CLOCK_REALTIME.
fn wait(timer: &TimerFd) -> anyhow::Result<()> {
    let due = Duration::from_nanos(nanoseconds(ClockId::CLOCK_REALTIME)) + BEAT;
    let flags = TimerSetTimeFlags::TFD_TIMER_ABSTIME | TimerSetTimeFlags::TFD_TIMER_CANCEL_ON_SET;
    match timer.set(Expiration::OneShot(TimeSpec::from_duration(due)), flags).and_then(|()| timer.wait()) {
        Ok(()) | Err(Errno::ECANCELED | Errno::EINTR) => Ok(()),
        Err(errno) => Err(errno).context("a timer of the wall clock"),
    }
}

fn describe(step: i128) -> String {
    format!("the wall clock was set by {} ms: stamps of packets that came then may be wrong", step / 1_000_000)
}

/// CLOCK_REALTIME minus CLOCK_MONOTONIC, in nanoseconds.
fn offset() -> i128 {
    let (monotonic, realtime) = together(|| nanoseconds(ClockId::CLOCK_REALTIME));
    i128::from(realtime) - i128::from(monotonic)
}

/// The offset between the clocks as it was seen last.
struct Steps {
    offset: i128,
}

impl Steps {
    fn new(offset: i128) -> Self {
        Self { offset }
    }

    /// Takes the offset as it is now; returns by how many nanoseconds the wall clock was set since the last look.
    fn look(&mut self, offset: i128) -> Option<i128> {
        let step = offset - std::mem::replace(&mut self.offset, offset);
        (step.abs() > STEP).then_some(step)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_told_once_and_a_slew_is_none() {
        let mut steps = Steps::new(1_000_000_000);
        assert_eq!(steps.look(1_000_500_000), None);
        assert_eq!(steps.look(1_001_000_000), None, "slewed as fast as NTP does");
        assert_eq!(steps.look(4_001_000_000), Some(3_000_000_000));
        assert_eq!(steps.look(4_001_000_000), None);
        assert_eq!(steps.look(4_000_000_000 - 3_600_000_000_000), Some(-3_600_001_000_000));
        assert!(describe(-3_600_001_000_000).contains("-3600001 ms"));
    }

    #[test]
    fn the_offset_of_this_machine_stays() {
        assert_eq!(Steps::new(offset()).look(offset()), None);
    }
}
