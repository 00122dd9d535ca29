//! Lines from a stream of octets that is cut anywhere.

/// What has come and is not a whole line yet.
#[derive(Default)]
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    /// The lines that these octets complete; what is not UTF-8 is replaced.
    pub(crate) fn push(&mut self, octets: &[u8]) -> Vec<String> {
        let mut lines = Vec::new();
        for octet in octets {
            if *octet == b'\n' {
                lines.push(String::from_utf8_lossy(&self.0).into_owned());
                self.0.clear();
            } else {
                self.0.push(*octet);
            }
        }
        lines
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn cuts_do_not_matter(text in "[a-zé\n]{0,60}", cut in 0_usize..60) {
            let octets = text.as_bytes();
            let cut = cut.min(octets.len());
            let mut lines = Lines::default();
            let mut got = lines.push(octets.get(..cut).unwrap_or(&[]));
            got.extend(lines.push(octets.get(cut..).unwrap_or(&[])));
            let whole = text.matches('\n').count();
            prop_assert_eq!(got, text.split('\n').take(whole).map(str::to_owned).collect::<Vec<_>>());
        }
    }
}
