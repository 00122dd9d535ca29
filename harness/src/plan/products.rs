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
    if runs.contains_key(&Role::Watchdog) && !runs.contains_key(&Role::Speaker) {
        let message = format!("node `{name}` runs a watchdog and no speaker that it could tell");
        let error = scenario.wrong_in_topology(&path, message);
        return Err(error.hint("add `speaker` to `runs`, or take `watchdog` out"));
    }
    Ok(runs)
}

/// Whether all that the matrix names exists and can play its role.
pub(super) fn check_matrix(scenario: &Scenario) -> Result<(), SpecError> {
    for (role, products) in &scenario.matrix {
        let path = KeyPath::of(&["matrix", &role.to_string()]);
        for (i, product) in products.iter().enumerate() {
            kind::check_product(product, Some(*role)).map_err(|message| scenario.wrong(&path.index(i), message))?;
        }
    }
    Ok(())
}
