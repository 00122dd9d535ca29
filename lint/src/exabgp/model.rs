//! What is in the file: helpers, neighbours with what they inherit, and their routes.

use super::{Prefix, Statement, Word};

/// A whole file.
#[derive(Debug)]
pub(super) struct File<'a> {
    pub(super) neighbors: Vec<Neighbor<'a>>,
    /// The helpers, those of version 3 in neighbours too.
    pub(super) processes: Vec<Process<'a>>,
}

impl<'a> File<'a> {
    pub(super) fn of(statements: &'a [Statement]) -> Self {
        let templates: Vec<&Statement> =
            statements.iter().filter(|s| s.starts(&["template"])).flat_map(Statement::block).collect();
        let mut neighbors = Vec::new();
        for statement in statements {
            match statement.word(0) {
                "neighbor" => neighbors.push(Neighbor::of(statement, &[], &templates)),
                // Version 3: what is beside the neighbours of a group is theirs.
                "group" => {
                    let (inside, common): (Vec<&Statement>, _) =
                        statement.block().iter().partition(|s| s.starts(&["neighbor"]));
                    neighbors.extend(inside.into_iter().map(|s| Neighbor::of(s, &common, &templates)));
                }
                _ => {}
            }
        }
        let top = statements.iter().filter_map(|s| Process::of(s, false));
        let nested = neighbors.iter().flat_map(|n| &n.statements).filter_map(|s| Process::of(s, true));
        let processes = top.chain(nested).collect();
        Self { neighbors, processes }
    }

    /// The routes with their neighbours.
    pub(super) fn routes(&self) -> impl Iterator<Item = (&Neighbor<'a>, &Route<'a>)> {
        self.neighbors.iter().flat_map(|neighbor| neighbor.routes.iter().map(move |route| (neighbor, route)))
    }
}

/// A neighbour.
#[derive(Debug)]
pub(super) struct Neighbor<'a> {
    pub(super) name: &'a str,
    pub(super) line: usize,
    /// Its own first, then what it inherits.
    pub(super) statements: Vec<&'a Statement>,
    /// Whether all that it inherits from is in the file.
    pub(super) complete: bool,
    pub(super) routes: Vec<Route<'a>>,
}

impl<'a> Neighbor<'a> {
    fn of(statement: &'a Statement, common: &[&'a Statement], templates: &[&'a Statement]) -> Self {
        let mut statements: Vec<&Statement> = statement.block().iter().chain(common.iter().copied()).collect();
        let mut complete = true;
        let wanted: Vec<&str> = statements
            .iter()
            .filter(|s| s.starts(&["inherit"]))
            .flat_map(|s| s.words.iter().skip(1).map(|word| word.text.as_str()))
            .filter(|word| !matches!(*word, "[" | "]" | ","))
            .collect();
        for name in wanted {
            match templates.iter().find(|template| template.word(0) == "neighbor" && template.word(1) == name) {
                Some(template) => statements.extend(template.block()),
                None => complete = false,
            }
        }
        let routes = statements.iter().flat_map(|s| Route::all_in(s)).collect();
        Self { name: statement.word(1), line: statement.line, statements, complete, routes }
    }

    /// The statement that begins with this word.
    pub(super) fn get(&self, name: &str) -> Option<&'a Statement> {
        self.statements.iter().copied().find(|s| s.word(0) == name)
    }

    /// The word after that one, if it is no variable.
    pub(super) fn value(&self, name: &str) -> Option<&'a str> {
        self.get(name)?.words.get(1)?.known()
    }

    /// The statement in a block, as in `capability { graceful-restart; }`.
    pub(super) fn get_in(&self, block: &str, name: &str) -> Option<&'a Statement> {
        self.statements.iter().filter(|s| s.word(0) == block).flat_map(|s| s.block()).find(|s| s.word(0) == name)
    }
}

/// Whether ExaBGP reads it as false, or as true.
pub(super) fn is_off(word: &str) -> bool {
    matches!(word, "false" | "disable" | "disabled")
}

/// A route of a neighbour's static routes.
#[derive(Debug)]
pub(super) struct Route<'a> {
    pub(super) line: usize,
    pub(super) text: &'a str,
    /// Unless it is a variable.
    pub(super) prefix: Option<Prefix>,
    attributes: Vec<&'a Word>,
}

impl<'a> Route<'a> {
    fn all_in(statement: &'a Statement) -> Vec<Self> {
        match statement.word(0) {
            "static" => statement.block().iter().filter(|s| s.word(0) == "route").map(Self::of).collect(),
            "announce" => {
                let families = statement.block().iter().filter(|s| matches!(s.word(0), "ipv4" | "ipv6"));
                families.flat_map(Statement::block).filter(|s| s.word(0) == "unicast").map(Self::of).collect()
            }
            _ => Vec::new(),
        }
    }

    fn of(statement: &'a Statement) -> Self {
        let inside = statement.block().iter().flat_map(|s| &s.words);
        let attributes = statement.words.iter().skip(2).chain(inside).collect();
        let text = statement.word(1);
        Self { line: statement.line, text, prefix: Prefix::parse(text), attributes }
    }

    pub(super) fn has(&self, attribute: &str) -> bool {
        self.attributes.iter().any(|word| word.text == attribute)
    }

    /// The word after the attribute.
    pub(super) fn value(&self, attribute: &str) -> Option<&'a Word> {
        let mut words = self.attributes.iter().skip_while(|word| word.text != attribute);
        words.nth(1).copied()
    }

    /// Whether it is of a family that is none of ours.
    pub(super) fn is_vpn(&self) -> bool {
        ["rd", "route-distinguisher", "label"].iter().any(|attribute| self.has(attribute))
    }

    /// The name in `watchdog NAME`.
    pub(super) fn watchdog(&self) -> Option<&'a Word> {
        self.value("watchdog")
    }
}

/// A helper.
#[derive(Debug)]
pub(super) struct Process<'a> {
    pub(super) name: &'a str,
    pub(super) line: usize,
    /// Whether it is in a neighbour, as version 3 has it.
    pub(super) nested: bool,
    pub(super) statement: &'a Statement,
}

impl<'a> Process<'a> {
    fn of(statement: &'a Statement, nested: bool) -> Option<Self> {
        statement.starts(&["process"]).then(|| Self {
            name: statement.word(1),
            line: statement.line,
            nested,
            statement,
        })
    }

    pub(super) fn get(&self, name: &str) -> Option<&'a Statement> {
        self.statement.block().iter().find(|s| s.word(0) == name)
    }

    /// The command line; what is in quotes is split too, as in `sh -c "..."`.
    pub(super) fn command(&self) -> Vec<&'a str> {
        let words = self.get("run").map(|run| run.words.get(1..).unwrap_or_default()).unwrap_or_default();
        words.iter().flat_map(|word| word.text.split_whitespace()).collect()
    }

    /// What follows our own program's name, if it is what runs.
    pub(super) fn our_arguments(&self) -> Option<Vec<&'a str>> {
        let command = self.command();
        let at = command.iter().position(|word| word.rsplit('/').next() == Some("anycast-watchdog"))?;
        command.get(at + 1..).map(<[_]>::to_vec)
    }

    /// The watchdog that our own program speaks of; none if that cannot be told.
    pub(super) fn watchdog(&self) -> Option<&'a str> {
        let arguments = self.our_arguments()?;
        if arguments.iter().any(|word| word.contains("{{")) {
            return None;
        }
        let separate = arguments.iter().position(|word| *word == "--name").map(|at| arguments.get(at + 1).copied());
        let joined = arguments.iter().find_map(|word| word.strip_prefix("--name="));
        separate.unwrap_or(Some(joined.unwrap_or("anycastdns")))
    }
}
