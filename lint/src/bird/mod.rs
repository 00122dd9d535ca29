//! BIRD 2 and 3: what is in a bird.conf, and the rules about it.

use super::exabgp::LONGEST_KEY;
use super::rule::{Finding, Rule, Severity};
use super::text::{Family, Language, Prefix, Statement, Unclosed, Word, parse};
use crate::Dialect;

mod declared;
mod export;
mod model;
mod routers;
mod sessions;
mod statics;
#[cfg(test)]
mod tests;

pub(super) use declared::declared;
use model::{File, Policy, Protocol};

/// All rules about BIRD.
pub(super) const RULES: &[&[&Rule]] = &[&[&BRACES], statics::RULES, export::RULES, sessions::RULES, routers::RULES];

static BRACES: Rule = Rule {
    dialect: Dialect::Bird,
    id: "braces",
    severity: Severity::Error,
    summary: "a `{` without its `}`",
    reason: "BIRD refuses the file, and nothing else can be said about it.",
    source: "BIRD 2 conf/confbase.Y",
    hint: "close the block that begins in this line",
};

/// The findings, in no order. The watchdog's protocols have names that begin with `name`.
pub(super) fn lint(text: &str, name: &str) -> Vec<Finding> {
    let statements = match parse(text, Language::Bird) {
        Ok(statements) => statements,
        Err(Unclosed(line)) => return vec![BRACES.at(line, "this `{` is never closed")],
    };
    let file = File::of(&statements, name);
    [statics::check(&file), export::check(&file), sessions::check(&file), routers::check(&file)].concat()
}
