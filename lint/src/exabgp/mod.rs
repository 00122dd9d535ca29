//! ExaBGP 3.4 to 5: what is in an exabgp.conf, and the rules about it.

use super::listed;
use super::rule::{Finding, Rule, Severity};
use super::text::{Family, Language, Prefix, Statement, Unclosed, Word, family, parse};
use crate::Dialect;

mod declared;
mod helpers;
mod keys;
mod model;
mod names;
mod routes;
mod sessions;
#[cfg(test)]
mod tests;

pub(super) use declared::declared;
pub(super) use keys::LONGEST as LONGEST_KEY;
use model::{File, Neighbor, Process, Route};

/// All rules about ExaBGP.
pub(super) const RULES: &[&[&Rule]] =
    &[&[&BRACES], helpers::RULES, names::RULES, routes::RULES, sessions::RULES, keys::RULES];

static BRACES: Rule = Rule {
    dialect: Dialect::Exabgp,
    id: "braces",
    severity: Severity::Error,
    summary: "a `{` without its `}`",
    reason: "ExaBGP refuses the file, and nothing else can be said about it.",
    source: "ExaBGP 4.2 configuration/core/format.py",
    hint: "close the block that begins in this line",
};

/// The findings, in no order.
pub(super) fn lint(text: &str) -> Vec<Finding> {
    let statements = match parse(text, Language::Exabgp) {
        Ok(statements) => statements,
        Err(Unclosed(line)) => return vec![BRACES.at(line, "this `{` is never closed")],
    };
    let file = File::of(&statements);
    [helpers::check(&file), names::check(&file), routes::check(&file), sessions::check(&file), keys::check(&file)]
        .concat()
}
