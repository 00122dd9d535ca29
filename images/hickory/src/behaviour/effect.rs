//! What a misbehaviour does to an answer.

use std::fmt;
use std::time::Duration;

use crate::span::Span;

/// What becomes of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// There is none.
    Silence,
    /// It comes later.
    Delay(Delay),
    /// It is SERVFAIL.
    ServFail,
    /// It is REFUSED.
    Refuse,
    /// There is no such record.
    NoData,
    /// There is no such name.
    NxDomain,
    /// The serial in its SOA records is another one.
    Serial(Serial),
    /// It has the TC bit and no records, over UDP.
    Truncate,
    /// It lacks the AA bit.
    NoAa,
}

/// How much later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delay {
    /// Always so much.
    Fixed(Span),
    /// Uniformly distributed between the two.
    Uniform(Span, Span),
    /// Exponentially distributed, with this mean.
    Exponential(Span),
}

/// Which serial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Serial {
    /// This one.
    Fixed(u32),
    /// The zone's, and so much more at every answer.
    Jump(u32),
}

impl Delay {
    /// The delay that a number in [0, 1) draws from the distribution.
    #[must_use]
    pub fn draw(self, unit: f64) -> Duration {
        match self {
            Self::Fixed(span) => span.0,
            Self::Uniform(low, high) => low.0 + high.0.saturating_sub(low.0).mul_f64(unit),
            Self::Exponential(mean) => mean.0.mul_f64(-(1.0 - unit).ln()),
        }
    }
}

impl fmt::Display for Effect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Silence => f.write_str("mute"),
            Self::Delay(Delay::Fixed(span)) => write!(f, "delay {span}"),
            Self::Delay(Delay::Uniform(low, high)) => write!(f, "delay {low}..{high}"),
            Self::Delay(Delay::Exponential(mean)) => write!(f, "delay exponential {mean}"),
            Self::ServFail => f.write_str("servfail"),
            Self::Refuse => f.write_str("refuse"),
            Self::NoData => f.write_str("nodata"),
            Self::NxDomain => f.write_str("nxdomain"),
            Self::Serial(Serial::Fixed(serial)) => write!(f, "serial {serial}"),
            Self::Serial(Serial::Jump(step)) => write!(f, "serial +{step}"),
            Self::Truncate => f.write_str("truncate"),
            Self::NoAa => f.write_str("no-aa"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_are_within_their_distribution() {
        let ms = |ms| Span(Duration::from_millis(ms));
        assert_eq!(Delay::Fixed(ms(7)).draw(0.9), Duration::from_millis(7));
        assert_eq!(Delay::Uniform(ms(10), ms(30)).draw(0.0), Duration::from_millis(10));
        assert_eq!(Delay::Uniform(ms(10), ms(30)).draw(0.5), Duration::from_millis(20));
        assert_eq!(Delay::Exponential(ms(100)).draw(0.0), Duration::ZERO);
        let median = Delay::Exponential(ms(100)).draw(0.5).as_secs_f64();
        assert!((median - 0.1 * 2_f64.ln()).abs() < 1e-6, "{median}");
    }
}
