//! What a scenario varies: each value is somewhere to be had, and each fault somewhere injected.

use indexmap::IndexMap;

use super::super::layers::Layers;
use super::super::matrix::Strike;
use super::super::scenario::{Scenario, list};
use super::super::source::KeyPath;
use super::super::step::Verb;
use super::{Check, Checked};
use crate::value::Role;

/// The most combinations of values of a scenario's axes: each is checked when the file is read.
const MOST_COMBINATIONS: usize = 200;

/// The most cells of a scenario.
const MOST_CELLS: usize = 10_000;

/// The matrix and the axes of a scenario, and the steps that name one.
pub(in super::super) fn axes(scenario: &Scenario, layers: &Layers) -> Checked {
    let check = Check { topology: &scenario.topology, layers };
    for (role, products) in &scenario.matrix {
        let path = KeyPath::of(&["matrix", &role.to_string()]);
        check.that(!products.is_empty(), &path, || format!("the matrix has nothing to try as {role}"))?;
    }
    let product = |lengths: &mut dyn Iterator<Item = usize>| lengths.fold(1_usize, usize::saturating_mul);
    let values = product(&mut scenario.axes.values().map(IndexMap::len));
    check.that(values <= MOST_COMBINATIONS, &KeyPath::of(&["axis"]), || {
        format!("the axes have {values} combinations: expected {MOST_COMBINATIONS} at most")
    })?;
    let cells = values.saturating_mul(product(&mut scenario.matrix.values().map(Vec::len)));
    check.that(cells <= MOST_CELLS, &KeyPath::of(&["matrix"]), || {
        format!("the scenario has {cells} cells: expected {MOST_CELLS} at most")
    })?;
    for (i, step) in scenario.steps.iter().enumerate() {
        let Verb::Inject(Strike::Axis(name)) = &step.verb else { continue };
        let path = KeyPath::of(&["step"]).index(i).key("inject");
        let axis = check.known("axis", name, &scenario.axes, &path)?;
        let without = axis.iter().find(|(_, value)| value.inject.is_none());
        check.that(without.is_none(), &path, || {
            let value = without.map(|(name, _)| name.as_str()).unwrap_or_default();
            format!("axis `{name}` does not always say what breaks: its value `{value}` has no `inject`")
        })?;
    }
    for (name, values) in &scenario.axes {
        let path = KeyPath::of(&["axis", name]);
        check.name(&path, name)?;
        check.that(Role::named(name).is_none(), &path, || format!("`{name}` is a role: the matrix varies it"))?;
        check.that(!values.is_empty(), &path, || format!("axis `{name}` has no values"))?;
        values.keys().try_for_each(|value| check.name(&path.key(value), value))?;
    }
    for (name, values) in &scenario.axes {
        let path = KeyPath::of(&["axis", name]);
        let injected =
            scenario.steps.iter().any(|step| matches!(&step.verb, Verb::Inject(Strike::Axis(axis)) if axis == name));
        for (value, says) in values {
            let path = path.key(value);
            check.that(injected || says.inject.is_none(), &path.key("inject"), || {
                format!("nothing would break: no step has `inject = \"{name}\"`")
            })?;
            check.only(scenario, &says.only, &path.key("only"))?;
        }
    }
    Ok(())
}

impl Check<'_> {
    /// Names of products are checked where these are known.
    fn only(&self, scenario: &Scenario, only: &IndexMap<String, Vec<String>>, path: &KeyPath) -> Checked {
        for (key, allowed) in only {
            let path = path.key(key);
            self.that(!allowed.is_empty(), &path, || {
                "an `only` that allows nothing: expected at least one".to_owned()
            })?;
            if Role::named(key).is_some() {
                continue;
            }
            let Some(values) = scenario.axes.get(key) else {
                return Err(self.layers.error(&path, format!("`{key}` is no role and no axis of the scenario")));
            };
            for (i, word) in allowed.iter().enumerate() {
                self.that(values.contains_key(word), &path.index(i), || {
                    let values: Vec<&String> = values.keys().collect();
                    format!("axis `{key}` has no value `{word}`: it has {}", list(&values))
                })?;
            }
        }
        Ok(())
    }
}
