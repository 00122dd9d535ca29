//! The matrix: which products play which roles.

use super::products;
use crate::image::Release;
use crate::kind;
use crate::spec::{Cell, Product, Role, Scenario, SpecError};

/// Every cell of the scenario's matrix that can be built, in order, the first one being what `run` runs unless told
/// otherwise; and the cells that cannot, with the reason.
#[must_use]
pub fn cells(scenario: &Scenario) -> (Vec<Cell>, Vec<(Cell, String)>) {
    let mut all = vec![Cell::new()];
    for (role, products) in &scenario.matrix {
        let extend = |cell: &Cell| products.iter().map(|product| with(cell, *role, product)).collect::<Vec<_>>();
        all = all.iter().flat_map(extend).collect();
    }
    let (mut possible, mut impossible) = (Vec::new(), Vec::new());
    for cell in all.into_iter().map(|cell| complete(scenario, cell)) {
        match conflict(scenario, &cell) {
            None => possible.push(cell),
            Some(reason) => impossible.push((cell, reason)),
        }
    }
    (possible, impossible)
}

/// The cell that the user names, such as `resolver=bind@9.18,router=bird@3.1`: what it leaves open is taken from the first
/// cell of the matrix that agrees.
///
/// # Errors
/// What is not `role=kind@version`, not a product, or cannot be combined.
pub fn choose(scenario: &Scenario, wanted: Option<&str>) -> Result<Cell, SpecError> {
    products::check_matrix(scenario)?;
    let (possible, impossible) = cells(scenario);
    let mut pinned = Cell::new();
    for pair in wanted.unwrap_or("").split(',').filter(|pair| !pair.is_empty()) {
        let invalid = || {
            SpecError::new(format!("`{pair}` names no cell: expected ROLE=KIND@VERSION, such as resolver=bind@9.20"))
        };
        let (role, product) = pair.split_once('=').ok_or_else(invalid)?;
        let role = Role::named(role).ok_or_else(invalid)?;
        let product: Product = product.parse().map_err(SpecError::new)?;
        kind::check_product(&product, Some(role)).map_err(SpecError::new)?;
        pinned.insert(role, product);
    }
    let agrees = |cell: &&Cell| pinned.iter().all(|(role, product)| cell.get(role).is_none_or(|p| p == product));
    if let Some(cell) = possible.iter().find(agrees) {
        let mut cell = cell.clone();
        cell.extend(pinned);
        return conflict(scenario, &cell).map_or(Ok(cell), |reason| Err(SpecError::new(reason)));
    }
    // Outside the matrix is allowed: whoever names a product wants that one.
    let first = possible.into_iter().chain(impossible.into_iter().map(|(cell, _)| cell)).next();
    let mut cell = first.unwrap_or_else(|| complete(scenario, Cell::new()));
    cell.extend(pinned);
    match conflict(scenario, &cell) {
        None => Ok(cell),
        Some(reason) => {
            Err(SpecError::new(reason).hint("`cargo lab plan --cells FILE` lists the cells that can be built"))
        }
    }
}

fn with(cell: &Cell, role: Role, product: &Product) -> Cell {
    let mut cell = cell.clone();
    cell.insert(role, product.clone());
    cell
}

/// With the default product in every role that some node runs and the cell leaves open.
fn complete(scenario: &Scenario, mut cell: Cell) -> Cell {
    for role in Role::ALL {
        let runs = scenario.topology.nodes.values().any(|node| node.runs.contains(&role.to_string()));
        if runs && !cell.contains_key(&role) {
            cell.insert(role, kind::default_product(role));
        }
    }
    cell
}

/// Why some node cannot be built in this cell: its daemons are in no Debian release together.
fn conflict(scenario: &Scenario, cell: &Cell) -> Option<String> {
    scenario.topology.nodes.iter().find_map(|(name, node)| {
        let parts: Vec<Product> = node
            .runs
            .iter()
            .filter_map(|run| Role::named(run).map_or_else(|| run.parse().ok(), |role| cell.get(&role).cloned()))
            .collect();
        let parts: Vec<(&str, &str)> = parts.iter().map(|p| (p.kind.as_str(), p.version.as_str())).collect();
        let error = Release::for_parts(&parts).err()?;
        Some(format!("node `{name}` cannot be built: {error}"))
    })
}

/// A cell in words: `bind 9.20 · exabgp 5.0.15 · bird 2.17`; our own watchdog goes without saying.
#[must_use]
pub fn describe(cell: &Cell) -> String {
    let mut cell: Vec<_> = cell.iter().filter(|(role, _)| **role != Role::Watchdog).collect();
    cell.sort_by_key(|(role, _)| match role {
        Role::Resolver => 0,
        Role::Speaker => 1,
        Role::Router => 2,
        Role::Watchdog => 3,
    });
    let words: Vec<String> = cell.iter().map(|(_, product)| product.words()).collect();
    words.join(" · ")
}
