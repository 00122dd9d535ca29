//! The matrix: which products play which roles, and which value each axis has.

use super::pairwise::pairwise;
use super::products;
use crate::image::Release;
use crate::kind;
use crate::spec::{Cell, Product, Role, Scenario, SpecError};

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
}

/// The cells of the scenario, in the order of its file; the first one is what `run` runs unless told otherwise.
#[must_use]
pub fn cells(scenario: &Scenario) -> Cells {
    let (possible, impossible) = product(scenario);
    let chosen = pairwise(&possible);
    let (mut default, mut more) = (Vec::new(), Vec::new());
    for (nth, cell) in possible.into_iter().enumerate() {
        if chosen.contains(&nth) { default.push(cell) } else { more.push(cell) }
    }
    Cells { default, more, impossible }
}

/// The cell that the user names, such as `resolver=bind@9.18,hang=udp`: what it leaves open is taken from the first cell that
/// agrees.
///
/// # Errors
/// What names no cell, no product, no value, or cannot be combined.
pub fn choose(scenario: &Scenario, wanted: Option<&str>) -> Result<Cell, SpecError> {
    products::check_matrix(scenario)?;
    let pinned: Cell = wanted.unwrap_or_default().parse().map_err(SpecError::new)?;
    for (role, product) in &pinned.roles {
        kind::check_product(product, Some(*role)).map_err(SpecError::new)?;
    }
    // Whether its values are the scenario's.
    scenario.in_cell(&Cell { roles: Default::default(), ..pinned.clone() })?;
    let (possible, impossible) = product(scenario);
    // Outside the matrix is allowed: whoever names a product wants that one.
    let first = possible.iter().find(|cell| cell.agrees(&pinned)).or(possible.first());
    let first = first.or(impossible.first().map(|(cell, _)| cell)).cloned();
    let cell = first.unwrap_or_else(|| complete(scenario, Cell::default())).with(&pinned);
    match conflict(scenario, &cell) {
        None => Ok(cell),
        Some(reason) => {
            Err(SpecError::new(reason).hint("`cargo lab plan --cells FILE` lists the cells that there are"))
        }
    }
}

/// The full product: the cells that can be had, and those that cannot, with the reason.
fn product(scenario: &Scenario) -> (Vec<Cell>, Vec<(Cell, String)>) {
    let mut all = vec![Cell::default()];
    for (role, products) in &scenario.matrix {
        let extend = |cell: &Cell| -> Vec<Cell> {
            let with = |product: &Product| Cell { roles: [(*role, product.clone())].into(), ..Cell::default() };
            products.iter().map(|product| cell.clone().with(&with(product))).collect()
        };
        all = all.iter().flat_map(extend).collect();
    }
    for (axis, values) in &scenario.axes {
        let extend = |cell: &Cell| -> Vec<Cell> {
            let with = |value: &String| Cell { values: [(axis.clone(), value.clone())].into(), ..Cell::default() };
            values.keys().map(|value| cell.clone().with(&with(value))).collect()
        };
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

/// With the default product in every role that some node runs and the cell leaves open.
fn complete(scenario: &Scenario, mut cell: Cell) -> Cell {
    for role in Role::ALL {
        let runs = scenario.topology.nodes.values().any(|node| node.runs.contains(&role.to_string()));
        if runs && !cell.roles.contains_key(&role) {
            cell.roles.insert(role, kind::default_product(role));
        }
    }
    cell
}

/// Why the cell cannot be had: a value is for others only, or some node's daemons are in no Debian release together.
fn conflict(scenario: &Scenario, cell: &Cell) -> Option<String> {
    if let Some(reason) = scenario.excludes(cell) {
        return Some(reason);
    }
    scenario.topology.nodes.iter().find_map(|(name, node)| {
        let parts: Vec<Product> = node
            .runs
            .iter()
            .filter_map(|run| Role::named(run).map_or_else(|| run.parse().ok(), |role| cell.product(role).cloned()))
            .collect();
        let parts: Vec<(&str, &str)> = parts.iter().map(|p| (p.kind.as_str(), p.version.as_str())).collect();
        let error = Release::for_parts(&parts).err()?;
        Some(format!("node `{name}` cannot be built: {error}"))
    })
}

/// A cell in words: `bind 9.20 · exabgp 5.0.15 · bird 2.17 · udp`; our own watchdog goes without saying.
#[must_use]
pub fn describe(cell: &Cell) -> String {
    let roles = [Role::Resolver, Role::Speaker, Role::Router];
    let products = roles.into_iter().filter_map(|role| cell.product(role)).map(Product::words);
    products.chain(cell.values.values().cloned()).collect::<Vec<_>>().join(" · ")
}

/// The same as a part of a test's name: `bind_9_20_exabgp_5_0_15_bird_2_17_udp`.
#[must_use]
pub fn test_name(cell: &Cell) -> String {
    let words = describe(cell).replace(|c: char| !c.is_ascii_alphanumeric(), " ");
    words.split_whitespace().collect::<Vec<_>>().join("_")
}
