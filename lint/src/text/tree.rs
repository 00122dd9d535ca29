//! Statements: words that end with `;` or with a block in braces. ExaBGP and BIRD have that in common.
//!
//! Templates are read too: `{{ variable }}` is a word of which only the place is known, `{% ... %}` is passed over.

use std::iter::Peekable;
use std::str::CharIndices;

#[cfg(test)]
mod tests;

/// Whose language it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Exabgp,
    Bird,
}

/// A word, or a sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Word {
    pub(crate) text: String,
    pub(crate) line: usize,
    pub(crate) quoted: bool,
}

impl Word {
    /// Its text, unless a template fills it in.
    pub(crate) fn known(&self) -> Option<&str> {
        (!self.text.contains("{{")).then_some(self.text.as_str())
    }
}

/// Words, and the block that they open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) words: Vec<Word>,
    pub(crate) body: Option<Vec<Self>>,
    /// Where it begins.
    pub(crate) line: usize,
}

impl Statement {
    /// The n-th word, or nothing.
    pub(crate) fn word(&self, n: usize) -> &str {
        self.words.get(n).map_or("", |word| word.text.as_str())
    }

    /// Whether it begins with these words.
    pub(crate) fn starts(&self, words: &[&str]) -> bool {
        words.len() <= self.words.len() && words.iter().zip(&self.words).all(|(wanted, word)| *wanted == word.text)
    }

    /// Its block, empty if it has none.
    pub(crate) fn block(&self) -> &[Self] {
        self.body.as_deref().unwrap_or_default()
    }
}

/// The line of a `{` that nothing closes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Unclosed(pub(crate) usize);

/// The statements of a file.
pub(crate) fn parse(text: &str, language: Language) -> Result<Vec<Statement>, Unclosed> {
    let mut tokens = Tokens { text, language, chars: text.char_indices().peekable(), line: 1, sets: 0 };
    let mut open: Vec<(Vec<Statement>, Vec<Word>)> = Vec::new();
    let (mut statements, mut words) = (Vec::new(), Vec::new());
    while let Some(token) = tokens.next() {
        match token {
            Token::Word(word) => words.push(word),
            Token::Open(line) => {
                // A block without words still has a place.
                if words.is_empty() {
                    words.push(Word { text: String::new(), line, quoted: false });
                }
                open.push((std::mem::take(&mut statements), std::mem::take(&mut words)));
            }
            Token::End => finish(&mut statements, &mut words, None),
            Token::Close => {
                finish(&mut statements, &mut words, None);
                // One too many is passed over.
                if let Some((outer, mut opener)) = open.pop() {
                    let body = std::mem::replace(&mut statements, outer);
                    finish(&mut statements, &mut opener, Some(body));
                }
            }
        }
    }
    finish(&mut statements, &mut words, None);
    match open.last().and_then(|(_, words)| words.last()) {
        Some(word) => Err(Unclosed(word.line)),
        None => Ok(statements),
    }
}

fn finish(statements: &mut Vec<Statement>, words: &mut Vec<Word>, body: Option<Vec<Statement>>) {
    if let Some(line) = words.first().map(|word| word.line) {
        statements.push(Statement { words: std::mem::take(words), body, line });
    }
}

enum Token {
    Word(Word),
    Open(usize),
    Close,
    End,
}

struct Tokens<'a> {
    text: &'a str,
    language: Language,
    chars: Peekable<CharIndices<'a>>,
    line: usize,
    /// How many `[` are open: BIRD writes `[ 10.0.0.0/8{16,24} ]`, whose braces are no blocks.
    sets: usize,
}

impl Tokens<'_> {
    fn next(&mut self) -> Option<Token> {
        loop {
            let (at, c) = *self.chars.peek()?;
            let here = &self.text[at..];
            let one = |text: &str, line| Some(Token::Word(Word { text: text.to_owned(), line, quoted: false }));
            if c.is_whitespace() {
                self.skip(1);
            } else if c == '#' {
                self.skip_until("\n");
            } else if self.language == Language::Bird && here.starts_with("/*") {
                self.skip_until("*/");
            } else if here.starts_with("{%") {
                self.skip_until("%}");
            } else if here.starts_with("{#") && here.lines().next().is_some_and(|line| line.contains("#}")) {
                self.skip_until("#}");
            } else if c == '"' || c == '\'' {
                return Some(self.quoted(c));
            } else if c == '{' && !here.starts_with("{{") && self.sets == 0 {
                self.skip(1);
                return Some(Token::Open(self.line));
            } else if c == '}' && self.sets == 0 {
                self.skip(1);
                return Some(Token::Close);
            } else if c == ';' {
                self.skip(1);
                // A set ends with its statement at the latest.
                self.sets = 0;
                return Some(Token::End);
            } else if self.ends_word(here) && !here.starts_with("{{") {
                let sign =
                    if here.starts_with("!=") || here.starts_with("!~") { &here[..2] } else { &here[..c.len_utf8()] };
                self.sets = match sign {
                    "[" => self.sets + 1,
                    "]" => self.sets.saturating_sub(1),
                    _ => self.sets,
                };
                self.skip(sign.chars().count());
                return one(sign, self.line);
            } else {
                return Some(self.plain());
            }
        }
    }

    /// A word without quotes, with the variables in it.
    fn plain(&mut self) -> Token {
        let (line, mut text) = (self.line, String::new());
        while let Some(&(at, c)) = self.chars.peek() {
            let here = &self.text[at..];
            if here.starts_with("{{") {
                let length = here.find("}}").map_or(here.len(), |end| end + 2);
                text.push_str(&here[..length]);
                self.skip(here[..length].chars().count());
            } else if c.is_whitespace() || self.ends_word(here) {
                break;
            } else {
                text.push(c);
                self.skip(1);
            }
        }
        Token::Word(Word { text, line, quoted: false })
    }

    fn quoted(&mut self, quote: char) -> Token {
        let line = self.line;
        self.skip(1);
        let start = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        let end = self.text[start..].find(quote).map_or(self.text.len(), |end| start + end);
        let text = self.text[start..end].to_owned();
        self.skip(text.chars().count() + 1);
        Token::Word(Word { text, line, quoted: true })
    }

    fn ends_word(&self, here: &str) -> bool {
        let c = here.chars().next().unwrap_or(' ');
        match self.language {
            _ if matches!(c, '{' | '}' | ';' | '"' | '#' | '[' | ']' | ',' | '\'') => true,
            Language::Exabgp => false,
            Language::Bird => !(c.is_alphanumeric() || "_.:/-@%".contains(c)),
        }
    }

    fn skip(&mut self, count: usize) {
        for (_, c) in self.chars.by_ref().take(count) {
            self.line += usize::from(c == '\n');
        }
    }

    fn skip_until(&mut self, end: &str) {
        let at = self.chars.peek().map_or(self.text.len(), |(at, _)| *at);
        let here = &self.text[at..];
        let length = here.find(end).map_or(here.len(), |found| found + end.len());
        self.skip(here[..length].chars().count());
    }
}
