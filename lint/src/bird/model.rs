//! What is in the file: protocols with what they have from their templates, and what their channels let through.

use super::{Family, Prefix, Statement};

/// A whole file.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) protocols: Vec<Protocol<'a>>,
    /// Whether it includes no other.
    pub(super) complete: bool,
    /// The control sockets that it has options for.
    pub(super) sockets: Vec<&'a Statement>,
    /// Constants that may stand where a string is expected.
    pub(super) constants: Vec<&'a str>,
    /// What the names of the watchdog's protocols begin with.
    pub(super) name: &'a str,
}

impl<'a> File<'a> {
    pub(super) fn of(statements: &'a [Statement], name: &'a str) -> Self {
        let templates: Vec<&Statement> = statements.iter().filter(|s| s.word(0) == "template").collect();
        let protocols = statements.iter().filter(|s| s.word(0) == "protocol").map(|s| Protocol::of(s, &templates));
        Self {
            protocols: protocols.collect(),
            complete: !statements.iter().any(|s| s.word(0) == "include"),
            sockets: statements.iter().filter(|s| s.word(0) == "cli").collect(),
            constants: statements.iter().filter(|s| s.word(0) == "define").map(|s| s.word(1)).collect(),
            name,
        }
    }

    pub(super) fn of_kind(&self, kind: &str) -> impl Iterator<Item = &Protocol<'a>> {
        self.protocols.iter().filter(move |protocol| protocol.kind == kind)
    }

    /// The protocols that the watchdog enables and disables.
    pub(super) fn watched(&self) -> impl Iterator<Item = &Protocol<'a>> {
        self.of_kind("static").filter(|protocol| protocol.name.is_some_and(|name| name.starts_with(self.name)))
    }
}

/// A protocol.
#[derive(Debug)]
pub(super) struct Protocol<'a> {
    pub(super) kind: &'a str,
    pub(super) name: Option<&'a str>,
    pub(super) line: usize,
    /// Its own first, then its template's.
    pub(super) statements: Vec<&'a Statement>,
    /// Whether its templates are in the file, and it includes none.
    pub(super) complete: bool,
}

impl<'a> Protocol<'a> {
    fn of(statement: &'a Statement, templates: &[&'a Statement]) -> Self {
        let word = |n: usize| Some(statement.word(n)).filter(|word| !word.is_empty() && *word != "from");
        let mut statements: Vec<&Statement> = statement.block().iter().collect();
        let mut complete = true;
        let mut next = parent(statement);
        // A template may have a template; one that has itself ends with the number of them.
        for _ in 0..=templates.len() {
            let Some(name) = next else { break };
            let found = templates.iter().find(|template| template.word(2) == name);
            complete &= found.is_some();
            statements.extend(found.iter().flat_map(|template| template.block()));
            next = found.and_then(|template| parent(template));
        }
        complete &= !statements.iter().any(|s| s.word(0) == "include");
        Self { kind: statement.word(1), name: word(2), line: statement.line, statements, complete }
    }

    /// Its name as a sentence has it.
    pub(super) fn title(&self) -> String {
        self.name.map_or_else(|| format!("protocol {}", self.kind), |name| format!("protocol {} `{name}`", self.kind))
    }

    /// The statement that begins with these words.
    pub(super) fn get(&self, words: &[&str]) -> Option<&'a Statement> {
        self.statements.iter().copied().find(|s| s.starts(words))
    }

    /// Whether an option is on; none if it is not there.
    pub(super) fn is_on(&self, words: &[&str]) -> Option<bool> {
        self.get(words).map(|s| !matches!(s.word(words.len()), "off" | "no" | "false" | "0"))
    }

    /// A number of an option.
    pub(super) fn number(&self, words: &[&str]) -> Option<u32> {
        self.get(words)?.word(words.len()).parse().ok()
    }

    pub(super) fn is_disabled(&self) -> bool {
        self.is_on(&["disabled"]).unwrap_or_default()
    }

    /// The blocks of its channel of a family, its own first.
    fn channels(&self, family: Family) -> impl Iterator<Item = &'a Statement> {
        let name = family.name();
        self.statements.iter().copied().filter(move |s| s.word(0) == name && s.words.len() == 1)
    }

    /// Where its channel of a family is.
    pub(super) fn channel(&self, family: Family) -> Option<&'a Statement> {
        self.channels(family).next()
    }

    /// What its channel takes (`import`) or gives away (`export`), if it says so.
    pub(super) fn policy(&self, family: Family, direction: &str) -> Option<Policy<'a>> {
        // `import limit` and such are other options.
        let says = |s: &&Statement| {
            s.word(0) == direction && !matches!(s.word(1), "limit" | "table" | "keep" | "block" | "in")
        };
        self.channels(family).flat_map(Statement::block).find(says).map(Policy::of)
    }

    /// Its routes, with the lines and the words after the prefix.
    pub(super) fn routes(&self) -> impl Iterator<Item = (Prefix, &'a Statement)> {
        let routes = self.statements.iter().copied().filter(|s| s.word(0) == "route");
        routes.filter_map(|s| Some((Prefix::parse(s.word(1))?, s)))
    }
}

fn parent(statement: &Statement) -> Option<&str> {
    let at = statement.words.iter().position(|word| word.text == "from")?;
    statement.words.get(at + 1).map(|word| word.text.as_str())
}

/// What a channel lets through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy<'a> {
    All,
    None,
    /// Routes of one source, `RTS_STATIC` for example.
    Source(&'a str),
    /// A filter, of which nothing is known.
    Filter,
}

impl<'a> Policy<'a> {
    fn of(statement: &'a Statement) -> Self {
        let words = Vec::from_iter(statement.words.iter().skip(1).map(|word| word.text.as_str()));
        match words.as_slice() {
            ["all"] => Self::All,
            ["none"] => Self::None,
            ["where", "source", "=", source] => Self::Source(source),
            _ => Self::Filter,
        }
    }

    /// Whether static routes pass, if that is known.
    pub(super) fn passes(self, source: &str) -> Option<bool> {
        match self {
            Self::All => Some(true),
            Self::None => Some(false),
            Self::Source(passing) if passing.starts_with("RTS_") => Some(passing == source),
            Self::Source(_) | Self::Filter => None,
        }
    }
}
