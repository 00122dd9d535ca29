//! Durations as people write them: `500ms`, `2s`, `1.5s`.

use std::time::Duration;

/// Reads a duration: a decimal number and its unit, `ms` or `s`; longer than zero, at most a day.
///
/// # Errors
/// When it is none, in words for clap, which names the option and the text found.
pub fn parse(text: &str) -> Result<Duration, String> {
    const DAY: f64 = 86_400.0;
    let expected = || "expected a number and its unit, longer than zero and at most a day: 500ms, 2s, 1.5s".to_owned();
    let (number, seconds) = match text.strip_suffix("ms") {
        Some(number) => (number, 0.001),
        None => (text.strip_suffix('s').ok_or_else(expected)?, 1.0),
    };
    if !number.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
        return Err(expected());
    }
    let seconds = number.parse::<f64>().map_err(|_| expected())? * seconds;
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) if !duration.is_zero() && seconds <= DAY => Ok(duration),
        _ => Err(expected()),
    }
}

/// Writes a duration for people: `100 ms` below a second, else `1 s`, `1.5 s`.
#[must_use]
pub fn in_words(duration: Duration) -> String {
    if duration < Duration::from_secs(1) {
        format!("{} ms", duration.as_secs_f64() * 1000.0)
    } else {
        format!("{} s", duration.as_secs_f64())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_and_writes() {
        for (text, milliseconds, words) in [
            ("500ms", 500, "500 ms"),
            ("2s", 2000, "2 s"),
            ("1.5s", 1500, "1.5 s"),
            ("0.25s", 250, "250 ms"),
            ("1000ms", 1000, "1 s"),
        ] {
            let duration = parse(text).unwrap();
            assert_eq!(duration, Duration::from_millis(milliseconds), "{text}");
            assert_eq!(in_words(duration), words);
        }
    }

    #[test]
    fn refuses_the_rest() {
        for text in
            ["", "s", "ms", "5", "0s", "0ms", "-1s", "+1s", "1 s", "1m", "infs", "NaNs", "1e3s", "1..5s", "99999999s"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
