//! The matrix: which products play which roles, and which value each axis has.

use std::collections::BTreeSet;

use indexmap::IndexSet;

use super::pairwise::pairwise;
use super::products;
use crate::image::Release;
use crate::kind;
use crate::spec::{Cell, Node, Product, Role, Scenario, SpecError};

/// The cells of a scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// What is run unless told otherwise: each two values of two axes that can be had together are together in one of these.
    pub default: Vec<Cell>,
    /// What the full product of the axes has beyond them.
    pub more: Vec<Cell>,
    /// What cannot be had, and why.
    pub impossible: Vec<(Cell, String)>,
}

impl Cells {
    /// Every cell that can be had, the default set first.
    pub fn possible(&self) -> impl Iterator<Item = &Cell> {
        self.default.iter().chain(&self.more)
    }

    /// Choices that are in no cell that can be had, such as (`speaker`, `exabgp@4.2.21`): the file offers what nothing runs.
    #[must_use]
    pub fn never(&self) -> Vec<(String, String)> {
        let had: BTreeSet<(String, String)> = self.possible().flat_map(Cell::choices).collect();
        let offered: IndexSet<(String, String)> = self.impossible.iter().flat_map(|(cell, _)| cell.choices()).collect();
        offered.into_iter().filter(|choice| !had.contains(choice)).collect()
    }
}

/// The cells of the scenario, in the order of its file; the first one is what `run` runs unless told otherwise.
#[must_use]
pub fn cells(scenario: &Scenario) -> Cells {
    let (mut possible, mut impossible) = (Vec::new(), Vec::new());
    for cell in product(scenario).into_iter().map(|cell| complete(scenario, cell)) {
        match conflict(scenario, &cell) {
            None => possible.push(cell),
            Some(reason) => impossible.push((cell, reason)),
        }
    }
    let chosen = pairwise(&possible);
    let (mut default, mut more) = (Vec::new(), Vec::new());
    for (nth, cell) in possible.into_iter().enumerate() {
        if chosen.contains(&nth) { default.push(cell) } else { more.push(cell) }
    }
    Cells { default, more, impossible }
}

/// The cell that the user names, such as `resolver=bind@9.18,hang=udp`, or else the mutant: what it leaves open is taken from
/// the first cell of the matrix that leaves it possible.
///
/// # Errors
/// What names no cell, no product, no value, or cannot be combined.
pub fn choose(scenario: &Scenario, wanted: Option<&str>) -> Result<Cell, SpecError> {
    products::check_matrix(scenario)?;
    let pinned: Cell = match wanted {
        Some(wanted) => wanted.parse().map_err(SpecError::new)?,
        None => scenario.pinned()?,
    };
    for (role, product) in &pinned.roles {
        kind::check_product(product, Some(*role)).map_err(SpecError::new)?;
    }
    scenario.check_values(&pinned)?;
    // Outside the matrix is allowed: whoever names a product wants that one.
    let all = product(scenario).into_iter().map(|cell| complete(scenario, cell.with(&pinned)));
    let mut reasons = Vec::new();
    for cell in all {
        match conflict(scenario, &cell) {
            None => return Ok(cell),
            Some(reason) => reasons.push(reason),
        }
    }
    // The first is the one that the file puts first.
    let reason = reasons.into_iter().next().unwrap_or_else(|| "the scenario has no cells".to_owned());
    Err(SpecError::new(reason).hint("`cargo lab plan --cells FILE` lists the cells that there are"))
}

/// The full product, whether or not a cell can be had.
fn product(scenario: &Scenario) -> Vec<Cell> {
    let mut all = vec![Cell::default()];
    for (role, products) in &scenario.matrix {
        let with = |cell: &Cell, product: &Product| {
            let mut cell = cell.clone();
            cell.roles.insert(*role, product.clone());
            cell
        };
        all = all.iter().flat_map(|cell| products.iter().map(|product| with(cell, product))).collect();
    }
    for (axis, values) in &scenario.axes {
        let with = |cell: &Cell, value: &String| {
            let mut cell = cell.clone();
            cell.values.insert(axis.clone(), value.clone());
            cell
        };
        all = all.iter().flat_map(|cell| values.keys().map(|value| with(cell, value))).collect();
    }
    all
}

/// With the default product in every role that some node runs and the cell leaves open.
fn complete(scenario: &Scenario, mut cell: Cell) -> Cell {
    let Some(here) = in_cell(scenario, &cell) else { return cell };
    for role in Role::ALL {
        let runs = here.topology.nodes.values().any(|node| node.runs.contains(&role.to_string()));
        if runs && !cell.roles.contains_key(&role) {
            cell.roles.insert(role, kind::default_product(role));
        }
    }
    cell
}

/// What can be had is good: that was looked at when the file was read.
fn in_cell(scenario: &Scenario, cell: &Cell) -> Option<Scenario> {
    if scenario.excludes(cell).is_some() { None } else { scenario.in_cell(cell).ok() }
}

/// Why the cell cannot be had: a value is for others only, or some node's daemons are in no Debian release together.
fn conflict(scenario: &Scenario, cell: &Cell) -> Option<String> {
    if let Some(reason) = scenario.excludes(cell) {
        return Some(reason);
    }
    in_cell(scenario, cell)?.topology.nodes.iter().find_map(|(name, node)| {
        let parts: Vec<Product> = node
            .runs
            .iter()
            .filter_map(|run| Role::named(run).map_or_else(|| run.parse().ok(), |role| cell.product(role).cloned()))
            .collect();
        if let Some(error) = told(node, cell).and_then(Result::err) {
            return Some(error);
        }
        let parts: Vec<(&str, &str)> = parts.iter().map(|p| (p.kind.as_str(), p.version.as_str())).collect();
        let error = Release::for_parts(&parts).err()?;
        Some(format!("node `{name}` cannot be built: {error}"))
    })
}

/// Whether the cell's watchdog can tell its speaker, where a node runs both by their roles.
fn told(node: &Node, cell: &Cell) -> Option<Result<(), String>> {
    let runs = |role: Role| cell.product(role).filter(|_| node.runs.contains(&role.to_string()));
    Some(kind::check_told(runs(Role::Watchdog)?, runs(Role::Speaker)?))
}

/// A cell in words: `bind 9.20 · exabgp 5.0.15 · bird 2.17 · udp`; our own watchdog goes without saying.
#[must_use]
pub fn describe(cell: &Cell) -> String {
    let cell = cell.without_the_watchdog();
    let roles = [Role::Resolver, Role::Speaker, Role::Watchdog, Role::Router];
    let products = roles.into_iter().filter_map(|role| cell.product(role)).map(Product::words);
    products.chain(cell.values.values().cloned()).collect::<Vec<_>>().join(" · ")
}

/// The same as a part of a test's name: `bind_9_20_exabgp_5_0_15_bird_2_17_udp`.
#[must_use]
pub fn test_name(cell: &Cell) -> String {
    let words = describe(cell).replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    words.split_whitespace().collect::<Vec<_>>().join("_")
}
