//! Text that others wrote, made safe for a terminal.

use std::fmt::Write as _;

/// The text with each control character escaped, such as `\\x1b`: a daemon's line cannot move the cursor, or change a colour.
/// Bidirectional controls, which can make text read as other text, are escaped as well.
#[must_use]
pub(crate) fn printable(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\t' => safe.push(' '),
            c if c.is_control() => {
                let _infallible = write!(safe, "\\x{:02x}", u32::from(c));
            }
            '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                let _infallible = write!(safe, "\\u{{{:x}}}", u32::from(c));
            }
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_control_character_comes_through() {
        assert_eq!(printable("\x1b[2Ja\tb\r\n\u{9b}31m\u{202e}é"), "\\x1b[2Ja b\\x0d\\x0a\\x9b31m\\u{202e}é");
    }
}
