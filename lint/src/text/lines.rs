//! FRR's language: a line is a command; some open a node, which the next command of the level above leaves.

/// A line with its words.
#[derive(Debug)]
pub(crate) struct Line<'a> {
    /// From 1.
    pub(crate) number: usize,
    /// Never empty.
    pub(crate) words: Vec<&'a str>,
    /// As it is written, for keys.
    text: &'a str,
}

impl<'a> Line<'a> {
    /// Whether it begins with these words.
    pub(crate) fn starts(&self, words: &[&str]) -> bool {
        self.words.starts_with(words)
    }

    /// What follows the words, as it is written.
    pub(crate) fn rest_after(&self, word: &str) -> Option<&'a str> {
        self.text.split_once(&format!(" {word} ")).map(|(_, rest)| rest.trim_end())
    }
}

/// The lines that say something: no blank ones, and no comments.
pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    (1..).zip(text.lines()).filter_map(|(number, text)| {
        let words = words(text);
        let says =
            words.first().is_some_and(|word| !word.starts_with(['!', '#']) && !text.trim_start().starts_with("{%"));
        says.then_some(Line { number, words, text })
    })
}

/// What blanks part, outside of a template's `{{ variable }}`.
fn words(text: &str) -> Vec<&str> {
    let mut braces = 0_usize;
    let parts = text.split(move |c: char| {
        match c {
            '{' => braces += 1,
            '}' => braces = braces.saturating_sub(1),
            _ => {}
        }
        c.is_whitespace() && braces < 2
    });
    parts.filter(|word| !word.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_with_their_lines() {
        let text = "! comment\n\nrouter bgp 64601\n  neighbor 10.0.0.1 password  a b \r\n# end\n{% if x %}\n \
                    neighbor {{ a | b(1) }} activate";
        let all = Vec::from_iter(lines(text));
        let [router, password, variable] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((router.number, router.words.as_slice()), (3, ["router", "bgp", "64601"].as_slice()));
        assert!(router.starts(&["router", "bgp"]) && !router.starts(&["bgp"]));
        assert_eq!((password.number, password.rest_after("password")), (4, Some(" a b")));
        assert_eq!(variable.words, ["neighbor", "{{ a | b(1) }}", "activate"]);
    }
}
