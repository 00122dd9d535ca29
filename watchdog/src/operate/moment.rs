//! Times for people. No clock here: whoever has one hands the time in.

/// Seconds in a day without leap seconds, as Unix time has them (POSIX, "Seconds Since the Epoch").
const DAY: u64 = 86_400;

/// A Unix time in seconds as RFC 3339 has it, in UTC: `2026-11-21T10:00:00Z`.
#[must_use]
pub fn rfc3339(unix: u64) -> String {
    let (year, month, day) = date(unix / DAY);
    let seconds = unix % DAY;
    format!("{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}Z", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

/// A time span in seconds in its two largest units: `42 s`, `5 min 3 s`, `3 h 12 min`, `4 d 7 h`.
#[must_use]
pub fn span(seconds: u64) -> String {
    let (large, unit, small, rest) = match seconds {
        0..60 => return format!("{seconds} s"),
        60..3600 => (seconds / 60, "min", seconds % 60, "s"),
        3600..DAY => (seconds / 3600, "h", seconds / 60 % 60, "min"),
        DAY.. => (seconds / DAY, "d", seconds / 3600 % 24, "h"),
    };
    if small == 0 { format!("{large} {unit}") } else { format!("{large} {unit} {small} {rest}") }
}

/// Year, month and day of the day so many days after 1970-01-01, in the Gregorian calendar.
fn date(days: u64) -> (u64, u64, u64) {
    // Years that begin in March have their leap day at the end, so the months before it always are as long.
    const ERA: u64 = 146_097;
    let days = days + 719_468;
    let day_of_era = days % ERA;
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = days / ERA * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_leap_days() {
        for (unix, text) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (1_709_251_199, "2024-02-29T23:59:59Z"),
            (1_709_251_200, "2024-03-01T00:00:00Z"),
            (1_795_255_200, "2026-11-21T10:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
        ] {
            assert_eq!(rfc3339(unix), text);
        }
    }

    #[test]
    fn spans_in_two_units() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (60, "1 min"),
            (303, "5 min 3 s"),
            (3600, "1 h"),
            (11_520, "3 h 12 min"),
            (86_400, "1 d"),
            (370_800, "4 d 7 h"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
