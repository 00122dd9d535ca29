//! A share of the queries.

use std::fmt;
use std::str::FromStr;

/// A share, in hundredths of a percent; more than none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share(u32);

impl Share {
    /// All of them.
    pub const ALL: Self = Self(10_000);

    /// Spreads the share evenly: what is carried from query to query says whether the next one is in it.
    pub(super) fn diffuse(self, carry: &mut u32) -> bool {
        *carry += self.0;
        let hit = *carry >= Self::ALL.0;
        if hit {
            *carry -= Self::ALL.0;
        }
        hit
    }

    /// Whether a number in [0, 1) falls into the share.
    pub(super) fn includes(self, unit: f64) -> bool {
        unit * f64::from(Self::ALL.0) < f64::from(self.0)
    }
}

/// As written without the percent sign.
impl FromStr for Share {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}%` is not a share: expected more than 0% and at most 100%, such as 50% or 12.5%");
        let percent: f64 = text.parse().map_err(|_| wrong())?;
        let hundredths = (percent * 100.0).round();
        if !(1.0..=10_000.0).contains(&hundredths) {
            return Err(wrong());
        }
        Ok(Self(hundredths as u32))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}%", f64::from(self.0) / 100.0)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn half_is_every_other_one() {
        let mut carry = 0;
        let half: Share = "50".parse().unwrap();
        let hits: Vec<bool> = (0..6).map(|_| half.diffuse(&mut carry)).collect();
        assert_eq!(hits, [false, true, false, true, false, true]);
    }

    #[test]
    fn nothing_and_too_much_are_refused() {
        for text in ["0", "-1", "100.1", "x", "", "NaN", "inf", "0.001"] {
            assert!(text.parse::<Share>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_share_is_exact_and_even(share in 1_u32..=10_000, skipped in 0_u64..500, window in 1_u64..500) {
            let (share, mut carry) = (Share(share), 0);
            let mut hits = |queries: u64| (0..queries).filter(|_| share.diffuse(&mut carry)).count() as u64;
            prop_assert_eq!(hits(skipped), skipped * u64::from(share.0) / 10_000);
            // Any stretch of queries has its share, one more or less.
            let due = window * u64::from(share.0) / 10_000;
            prop_assert!((due..=due + 1).contains(&hits(window)));
        }

        #[test]
        fn a_printed_share_reads_back(share in 1_u32..=10_000) {
            let text = Share(share).to_string();
            prop_assert_eq!(text.trim_end_matches('%').parse(), Ok(Share(share)));
        }
    }
}
