//! The names that a misbehaviour is for.

use std::fmt;

use hickory_proto::rr::{LowerName, Name};

/// Some names; an empty list is all of them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Names(Vec<Pattern>);

/// One name, or all below it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    name: LowerName,
    below: bool,
}

impl Names {
    /// Reads names and patterns such as `*.example.test`.
    ///
    /// # Errors
    /// Which of them is no name.
    pub fn read(words: &[&str]) -> Result<Self, String> {
        let pattern = |word: &&str| {
            let (text, below) = word.strip_prefix("*.").map_or((*word, false), |rest| (rest, true));
            let mut name = Name::from_ascii(text).map_err(|error| format!("`{word}` is not a name: {error}"))?;
            name.set_fqdn(true);
            Ok(Pattern { name: LowerName::from(name), below })
        };
        words.iter().map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// Whether the name is one of them; a query without a name is in none but all.
    #[must_use]
    pub fn contain(&self, name: Option<&LowerName>) -> bool {
        let is = |pattern: &Pattern, name: &LowerName| match pattern.below {
            true => pattern.name.zone_of(name) && pattern.name != *name,
            false => pattern.name == *name,
        };
        self.0.is_empty() || name.is_some_and(|name| self.0.iter().any(|pattern| is(pattern, name)))
    }
}

/// ` for NAME NAME`, or nothing.
impl fmt::Display for Names {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.is_empty() {
            f.write_str(" for")?;
        }
        self.0.iter().try_for_each(|Pattern { name, below }| {
            let name = name.to_string();
            let name = if name == "." { &name } else { name.trim_end_matches('.') };
            write!(f, " {}{name}", if *below { "*." } else { "" })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> LowerName {
        Name::from_ascii(text).unwrap().into()
    }

    #[test]
    fn a_name_is_itself_and_a_pattern_is_what_is_below() {
        let names = Names::read(&["WWW.example.test", "*.other.test."]).unwrap();
        for (text, expected) in [
            ("www.example.test.", true),
            ("a.www.example.test.", false),
            ("example.test.", false),
            ("other.test.", false),
            ("a.b.Other.test.", true),
            ("another.test.", false),
        ] {
            assert_eq!(names.contain(Some(&name(text))), expected, "{text}");
        }
        assert!(!names.contain(None));
        assert!(Names::default().contain(None) && Names::default().contain(Some(&name("a."))));
        assert_eq!(names.to_string(), " for www.example.test *.other.test");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        assert!(Names::read(&["a..b"]).unwrap_err().contains("`a..b` is not a name"));
    }
}
