//! Which daemons a node runs: its roles as the cell fills them, and the products that it names itself.

use std::collections::BTreeMap;

use crate::kind;
use crate::spec::{Cell, KeyPath, Node, Product, Role, Scenario, SpecError};

/// The daemons of a node, by role.
pub(super) fn of(
    scenario: &Scenario,
    cell: &Cell,
    name: &str,
    node: &Node,
) -> Result<BTreeMap<Role, Product>, SpecError> {
    let path = KeyPath::of(&["nodes", name, "runs"]);
    let mut runs = BTreeMap::new();
    for (i, run) in node.runs.iter().enumerate() {
        let wrong = |message: String| scenario.wrong_in_topology(&path.index(i), message);
        let (role, product) = match Role::named(run) {
            Some(role) => (role, cell.product(role).cloned().unwrap_or_else(|| kind::default_product(role))),
            None => {
                let product: Product = run.parse().map_err(wrong)?;
                (kind::check_product(&product, None).map_err(wrong)?, product)
            }
        };
        if let Some(other) = runs.insert(role, product) {
            return Err(wrong(format!("node `{name}` runs two daemons as {role}: the other is {other}")));
        }
    }
    // ExaBGP starts the watchdog: without a speaker nobody does.
    match (runs.get(&Role::Watchdog), runs.get(&Role::Speaker)) {
        (Some(_), None) => {
            let message = format!("node `{name}` runs a watchdog and no speaker that it could tell");
            let error = scenario.wrong_in_topology(&path, message);
            return Err(error.hint("add `speaker` to `runs`, or take `watchdog` out"));
        }
        (Some(watchdog), Some(speaker)) => kind::check_told(watchdog, speaker)
            .map_err(|message| scenario.wrong_in_topology(&path, format!("node `{name}`: {message}")))?,
        (None, _) => {}
    }
    Ok(runs)
}

/// Whether all that the matrix names, and an axis' `only`, exists and can play its role.
pub(super) fn check_matrix(scenario: &Scenario) -> Result<(), SpecError> {
    for (role, products) in &scenario.matrix {
        let path = KeyPath::of(&["matrix", &role.to_string()]);
        for (i, product) in products.iter().enumerate() {
            kind::check_product(product, Some(*role)).map_err(|message| scenario.wrong(&path.index(i), message))?;
        }
    }
    for (axis, values) in &scenario.axes {
        for (value, says) in values {
            for (key, allowed) in &says.only {
                let Some(role) = Role::named(key) else { continue };
                for (i, word) in allowed.iter().enumerate() {
                    let path = KeyPath::of(&["axis", axis, value, "only", key]).index(i);
                    check_word(word, role).map_err(|message| scenario.wrong(&path, message))?;
                }
            }
        }
    }
    Ok(())
}

/// A kind, or one of its versions, that can play the role.
fn check_word(word: &str, role: Role) -> Result<(), String> {
    match kind::named(word) {
        Some(kind) if kind.plays().contains(&role) => Ok(()),
        Some(_) => Err(format!("{word} cannot play {role}")),
        None if word.contains('@') => kind::check_product(&word.parse()?, Some(role)).map(drop),
        None => Err(format!("there is no kind `{word}`")),
    }
}
