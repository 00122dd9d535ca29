//! The languages: statements in braces (ExaBGP, BIRD), lines (FRR), and addresses.

mod lines;
mod prefix;
mod tree;

pub(super) use lines::{Line, lines};
pub(super) use prefix::{Family, Prefix, family};
pub(super) use tree::{Language, Statement, Unclosed, Word, parse};
