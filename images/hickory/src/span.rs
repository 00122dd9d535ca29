//! Time spans as operators write them: `500ms`, `2s`, `1.5s`, `250us`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::Deserialize;

/// A time span in whole microseconds, an hour at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub struct Span(pub Duration);

/// Units with their microseconds; the first that fits whole is printed.
const UNITS: [(&str, u64); 3] = [("s", 1_000_000), ("ms", 1_000), ("us", 1)];

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let expected =
            || format!("`{text}` is not a time span: expected a number and `us`, `ms` or `s`, such as 200ms");
        let unit_at = text.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(expected)?;
        let (number, unit) = text.split_at(unit_at);
        let (_, scale) = UNITS.iter().find(|(name, _)| *name == unit).ok_or_else(expected)?;
        let micros = number.parse::<f64>().map_err(|_| expected())? * *scale as f64;
        if micros > 3.6e9 {
            return Err(format!("`{text}` is longer than an hour"));
        }
        Ok(Self(Duration::from_micros(micros.round() as u64)))
    }
}

impl TryFrom<String> for Span {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let micros = self.0.as_micros() as u64;
        let (unit, scale) = UNITS.into_iter().find(|(_, scale)| micros.is_multiple_of(*scale)).unwrap_or(("us", 1));
        write!(f, "{}{unit}", micros / scale)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn spans_read_as_operators_write_them() {
        for (text, micros) in [("500ms", 500_000), ("2s", 2_000_000), ("1.5s", 1_500_000), ("250us", 250), ("0s", 0)] {
            assert_eq!(text.parse(), Ok(Span(Duration::from_micros(micros))), "{text}");
        }
        for text in ["", "5", "ms", "-1s", "1h", "1..5s", "3601s", "nans"] {
            assert!(text.parse::<Span>().is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn a_printed_span_reads_back(micros in 0_u64..3_600_000_000) {
            let span = Span(Duration::from_micros(micros));
            prop_assert_eq!(span.to_string().parse(), Ok(span));
        }
    }
}
