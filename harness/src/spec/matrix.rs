//! What a scenario varies: the products in its roles, and axes of its own.

use std::fmt;
use std::str::FromStr;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::value::{Product, Role};

/// Products to try in each role.
pub type Matrix = IndexMap<Role, Vec<Product>>;

/// An axis of the scenario's own: each of its values is a case.
pub type Axis = IndexMap<String, AxisValue>;

/// A value of an axis.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct AxisValue {
    /// What is special about it; joins the scenario's own `why`.
    #[serde(default)]
    pub why: Option<String>,
    /// The change of the topology.
    #[serde(default)]
    pub patch: toml::Table,
    /// What `inject = "AXIS"` breaks.
    #[serde(default)]
    pub inject: Option<Fault>,
    /// Where it can be had at all: role or axis = its kinds, products or values. Everywhere, when it says nothing.
    #[serde(default)]
    pub only: IndexMap<String, Vec<String>>,
}

/// One choice of everything that varies: a product for each role, and a value for each axis.
///
/// In JSON it is one map, roles first.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "IndexMap<String, String>", into = "IndexMap<String, String>")]
pub struct Cell {
    /// The products, by role.
    pub roles: IndexMap<Role, Product>,
    /// The values, by axis.
    pub values: IndexMap<String, String>,
}

impl Cell {
    /// The product in a role.
    #[must_use]
    pub fn product(&self, role: Role) -> Option<&Product> {
        self.roles.get(&role)
    }

    /// This cell without our own watchdog, which goes without saying.
    #[must_use]
    pub fn without_the_watchdog(&self) -> Self {
        let mut cell = self.clone();
        cell.roles.retain(|role, product| *role != Role::Watchdog || product.kind != Product::OUR_WATCHDOG);
        cell
    }

    /// This cell with what another one says.
    #[must_use]
    pub fn with(mut self, other: &Self) -> Self {
        self.roles.extend(other.roles.clone());
        self.values.extend(other.values.clone());
        self
    }

    /// Whether what both say is the same.
    #[must_use]
    pub fn agrees(&self, other: &Self) -> bool {
        self.roles.iter().all(|(role, product)| other.roles.get(role).is_none_or(|theirs| theirs == product))
            && self.values.iter().all(|(axis, value)| other.values.get(axis).is_none_or(|theirs| theirs == value))
    }

    /// Each choice as (what is varied, what was chosen), in words.
    #[must_use]
    pub fn choices(&self) -> Vec<(String, String)> {
        IndexMap::<String, String>::from(self.clone()).into_iter().collect()
    }

    /// Whether the cell is one where a value that says `only` can be had.
    pub(super) fn suits(&self, only: &IndexMap<String, Vec<String>>) -> bool {
        only.iter().all(|(key, allowed)| match Role::named(key).map(|role| self.roles.get(&role)) {
            Some(None) => true,
            Some(Some(product)) => allowed.iter().any(|word| *word == product.kind || *word == product.to_string()),
            None => self.values.get(key).is_none_or(|value| allowed.contains(value)),
        })
    }
}

/// `resolver=bind@9.18,hang=udp`; axes are not known here, and not checked.
impl FromStr for Cell {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pairs = text.split(',').filter(|pair| !pair.is_empty()).map(|pair| {
            let named = pair.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
            named.ok_or_else(|| format!("`{pair}` names no cell: expected ROLE=KIND@VERSION or AXIS=VALUE"))
        });
        pairs.collect::<Result<IndexMap<String, String>, _>>()?.try_into()
    }
}

impl TryFrom<IndexMap<String, String>> for Cell {
    type Error = String;

    fn try_from(choices: IndexMap<String, String>) -> Result<Self, String> {
        let mut cell = Self::default();
        for (key, choice) in choices {
            match Role::named(&key) {
                Some(role) => drop(cell.roles.insert(role, choice.parse()?)),
                None => drop(cell.values.insert(key, choice)),
            }
        }
        Ok(cell)
    }
}

impl From<Cell> for IndexMap<String, String> {
    fn from(Cell { roles, values }: Cell) -> Self {
        roles.into_iter().map(|(role, product)| (role.to_string(), product.to_string())).chain(values).collect()
    }
}

/// As `--cell` takes it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let choices: Vec<String> = self.choices().into_iter().map(|(key, choice)| format!("{key}={choice}")).collect();
        f.write_str(&choices.join(","))
    }
}

/// What an `inject` step breaks: a fault, or the one that an axis says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Strike {
    /// This.
    Fault(Fault),
    /// What the cell's value of this axis says.
    Axis(String),
}

impl<'de> Deserialize<'de> for Strike {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Strike;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a fault such as { kill = \"resolver\", on = \"ns1\" }, or the name of an axis")
            }

            fn visit_str<E: serde::de::Error>(self, axis: &str) -> Result<Strike, E> {
                Ok(Strike::Axis(axis.to_owned()))
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, map: A) -> Result<Strike, A::Error> {
                Fault::deserialize(serde::de::value::MapAccessDeserializer::new(map)).map(Strike::Fault)
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Fault(fault) => fault.fmt(f),
            Self::Axis(axis) => f.write_str(axis),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_what_it_prints() {
        let text = "resolver=bind@9.18,hang=udp";
        let cell: Cell = text.parse().expect("a cell");
        assert_eq!((cell.roles.len(), cell.values.len()), (1, 1));
        assert_eq!(cell.to_string(), text);
        assert_eq!(serde_json::from_str::<Cell>(&serde_json::to_string(&cell).expect("json")).expect("cell"), cell);
        for wrong in ["resolver", "resolver=bind"] {
            assert!(wrong.parse::<Cell>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_only_for_some_suits_these_and_what_says_nothing() {
        let only = |allowed: &[&str]| {
            let allowed = allowed.iter().map(|word| (*word).to_owned()).collect();
            IndexMap::from([("resolver".to_owned(), allowed)])
        };
        let cell: Cell = "resolver=bind@9.18".parse().expect("a cell");
        assert!(cell.suits(&only(&["bind"])) && cell.suits(&only(&["hickory", "bind@9.18"])));
        assert!(!cell.suits(&only(&["hickory"])) && !cell.suits(&only(&["bind@9.20"])));
        assert!(Cell::default().suits(&only(&["bind"])));
    }
}
