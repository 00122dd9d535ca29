//! A scenario file, read and resolved: topology found, patches merged, one cell chosen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use toml::{Table, Value};

use super::always::Always;
use super::error::SpecError;
use super::layers::{Layers, decode, read, table, text};
use super::matrix::{Axis, AxisValue, Cell, Matrix, Strike};
use super::patch::merge;
use super::source::{KeyPath, Point, Source};
use super::step::{Mutant, StepEntry, Verb};
use super::topology::Topology;
use super::validate;
use crate::value::{Beside, FileName, Regular};

/// A scenario, whole and valid.
#[derive(Debug, Clone, PartialEq)]
pub struct Scenario {
    /// The file's stem, such as `kill-named`.
    pub name: String,
    /// The folder that its paths are relative to.
    pub folder: PathBuf,
    /// One line.
    pub title: String,
    /// Why it matters.
    pub why: Option<String>,
    /// Where it happened, or where it is specified.
    pub source: Option<String>,
    /// The lab's shape, patches merged.
    pub topology: Topology,
    /// Products to try in each role.
    pub matrix: Matrix,
    /// What else it varies.
    pub axes: IndexMap<String, Axis>,
    /// What happens.
    pub steps: Vec<Step>,
    /// What holds all the time.
    pub always: Always,
    /// The mutants that it declares.
    pub mutants: IndexMap<String, Mutant>,
    /// The mutant that this is, if it is one.
    pub mutant: Option<String>,
    /// Files that its user brings in place of those that it names: path in the node -> path here.
    pub(crate) brought: BTreeMap<String, PathBuf>,
    whole: Layers,
    shape: Layers,
    base: Base,
}

/// The topology before any cell or mutant has changed it.
#[derive(Debug, Clone, PartialEq)]
struct Base {
    table: Table,
    layers: Layers,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What reports call it: its name, or a description.
    pub name: String,
    /// What it does.
    pub verb: Verb,
    /// Where that is written.
    pub(crate) place: KeyPath,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
struct Entry {
    title: String,
    #[serde(default)]
    why: Option<String>,
    #[serde(default)]
    source: Option<String>,
    topology: Value,
    #[serde(default)]
    patch: Table,
    #[serde(default)]
    matrix: Matrix,
    #[serde(default)]
    axis: IndexMap<String, Axis>,
    step: Vec<StepEntry>,
    #[serde(default)]
    always: Always,
    #[serde(default)]
    mutants: IndexMap<String, Mutant>,
}

impl Entry {
    /// What is printed as it is written.
    fn prose(&self) -> impl Iterator<Item = (KeyPath, &String)> {
        let named = [("title", Some(&self.title)), ("why", self.why.as_ref()), ("source", self.source.as_ref())];
        let named = named.into_iter().filter_map(|(key, text)| Some((KeyPath::of(&[key]), text?)));
        let steps = self.step.iter().enumerate();
        let steps =
            steps.filter_map(|(i, step)| Some((KeyPath::of(&["step"]).index(i).key("name"), step.name.as_ref()?)));
        let mutants = self.mutants.iter().flat_map(|(name, mutant)| {
            let at = KeyPath::of(&["mutants", name]);
            [(at.clone(), name), (at.key("why"), &mutant.why)]
        });
        let values =
            self.axis.iter().flat_map(|(axis, values)| values.iter().map(move |(name, value)| (axis, name, value)));
        let values = values
            .filter_map(|(axis, name, value)| Some((KeyPath::of(&["axis", axis, name, "why"]), value.why.as_ref()?)));
        named.chain(steps).chain(mutants).chain(values)
    }
}

/// A terminal obeys control characters: a text has none but line breaks and tabs.
fn printable(source: &Source, path: &KeyPath, text: &str) -> Result<(), SpecError> {
    if !text.contains(|c: char| c.is_control() && !['\n', '\t'].contains(&c)) {
        return Ok(());
    }
    let place = source.locate(path, Point::Value).map(|(_, place)| place);
    Err(SpecError { place, ..SpecError::new("a control character: expected a text") })
}

impl Scenario {
    /// Reads a scenario file, as it is or as one of its mutants.
    ///
    /// # Errors
    /// Whatever keeps it from being run, with the place in the file.
    pub fn load(file: &Path, mutant: Option<&str>) -> Result<Self, SpecError> {
        let scenario = read(file)?;
        let root = KeyPath::default();
        let entry: Entry = decode(table(&scenario)?, &Layers(vec![(scenario.clone(), root.clone())]))?;
        let folder = file.parent().unwrap_or(Path::new("")).to_owned();
        entry.prose().try_for_each(|(path, text)| printable(&scenario, &path, text))?;

        let (mut topology, base) = match entry.topology {
            Value::Table(inline) => (inline, (scenario.clone(), KeyPath::of(&["topology"]))),
            Value::String(name) => {
                let found = shared(&folder, &name).map_err(|error| SpecError {
                    place: error
                        .place
                        .or_else(|| scenario.locate(&KeyPath::of(&["topology"]), Point::Value).map(|(_, place)| place)),
                    ..error
                })?;
                (table(&found)?, (found, root.clone()))
            }
            other => {
                let layers = Layers(vec![(scenario, root)]);
                let found = other.type_str();
                let expected = format!("expected the name of a file under topologies/ or a table, found {found}");
                return Err(layers.error(&KeyPath::of(&["topology"]), expected));
            }
        };
        merge(&mut topology, &entry.patch);
        if let Some(name) = mutant.filter(|name| !entry.mutants.contains_key(*name)) {
            let known: Vec<&str> = entry.mutants.keys().map(String::as_str).collect();
            let message = format!("{} has no mutant `{name}`: it has {}", file.display(), list(&known));
            return Err(SpecError::new(message));
        }
        let whole = Layers(vec![(scenario.clone(), root)]);
        let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let scenario = Self {
            name,
            folder,
            title: entry.title,
            why: entry.why,
            source: entry.source,
            topology: Topology::default(),
            matrix: entry.matrix,
            axes: entry.axis,
            steps: steps(entry.step, &whole)?,
            always: entry.always,
            mutants: entry.mutants,
            mutant: mutant.map(str::to_owned),
            brought: BTreeMap::new(),
            shape: Layers(vec![]),
            base: Base { table: topology, layers: Layers(vec![(scenario, KeyPath::of(&["patch"])), base]) },
            whole,
        };
        scenario.validated()
    }

    /// The same with files of its user's in place of those that it names: path in the node -> path here.
    #[must_use]
    pub fn bringing(mut self, files: BTreeMap<String, PathBuf>) -> Self {
        self.brought = files;
        self
    }

    /// Checks it with all its axes' values that can be had together, and keeps the shape of the first.
    fn validated(mut self) -> Result<Self, SpecError> {
        validate::axes(&self, &self.whole)?;
        let pinned = self.pinned()?;
        let mut first = None;
        for values in self.combinations().into_iter().filter(|values| values.agrees(&pinned)) {
            let checked = self.in_cell(&values).and_then(|scenario| {
                validate::steps(&scenario, &scenario.whole)?;
                Ok(scenario)
            });
            // What is wrong in the first cell is wrong whatever varies, as far as anybody can tell.
            let there = |error: SpecError| match (&first, &error.hint) {
                (Some(_), None) => error.hint(format!("this is so with {values}")),
                _ => error,
            };
            let scenario = checked.map_err(there)?;
            first = first.or(Some(scenario));
        }
        let Some(first) = first else {
            return Err(self.wrong(&KeyPath::of(&["axis"]), "no values of the axes can be had together"));
        };
        validate::mutants(&self, &self.whole)?;
        (self.topology, self.shape) = (first.topology, first.shape);
        let dropped = self.mutant.as_ref().and_then(|name| self.mutants.get(name)?.drop_step);
        if let Some(number) = dropped {
            self.steps.remove(number - 1);
        }
        Ok(self)
    }

    /// The cell in which it runs, as far as the mutant that it is says so.
    ///
    /// # Errors
    /// It names no cell of this scenario.
    pub(crate) fn pinned(&self) -> Result<Cell, SpecError> {
        self.mutant.as_ref().map_or_else(|| Ok(Cell::default()), |name| self.pinned_by(name))
    }

    pub(super) fn pinned_by(&self, mutant: &str) -> Result<Cell, SpecError> {
        let declared = self.mutants.get(mutant).and_then(|mutant| mutant.cell.as_ref());
        let wrong = |message: String| self.wrong(&KeyPath::of(&["mutants", mutant, "cell"]), message);
        let cell: Cell = declared.map_or_else(|| Ok(Cell::default()), |cell| cell.parse()).map_err(wrong)?;
        self.check_values(&cell).map_err(|error| wrong(error.message))?;
        Ok(cell)
    }

    /// The product of the axes, without what an `only` excludes whatever the products are.
    fn combinations(&self) -> Vec<Cell> {
        let mut all = vec![Cell::default()];
        for (axis, values) in &self.axes {
            let with = |cell: &Cell, value: &String| {
                let mut cell = cell.clone();
                cell.values.insert(axis.clone(), value.clone());
                cell
            };
            all = all.iter().flat_map(|cell| values.keys().map(|value| with(cell, value))).collect();
        }
        all.retain(|cell| self.excludes(cell).is_none());
        all
    }

    /// The scenario in a cell: the patches of its values are merged, the mutant's last, and `inject = "AXIS"` says what.
    ///
    /// # Errors
    /// A value that the scenario does not have, or whose patch makes no good topology.
    pub fn in_cell(&self, cell: &Cell) -> Result<Self, SpecError> {
        let mut scenario = self.clone();
        let Base { mut table, layers: Layers(mut layers) } = self.base.clone();
        let Layers(whole) = &self.whole;
        let file = || whole.iter().map(|(source, _)| source.clone());
        for (axis, value) in &cell.values {
            let chosen = self.value(axis, value)?;
            if let Some(why) = &chosen.why {
                scenario.why = Some(scenario.why.map_or_else(|| why.clone(), |before| format!("{before} {why}")));
            }
            merge(&mut table, &chosen.patch);
            layers.splice(0..0, file().map(|file| (file, KeyPath::of(&["axis", axis, value, "patch"]))));
            for step in &mut scenario.steps {
                let here = matches!(&step.verb, Verb::Inject(Strike::Axis(name)) if name == axis);
                let Some(fault) = chosen.inject.as_ref().filter(|_| here) else { continue };
                if step.name == *axis {
                    step.name = fault.to_string();
                }
                step.verb = Verb::Inject(Strike::Fault(fault.clone()));
                step.place = KeyPath::of(&["axis", axis, value]);
            }
        }
        if let Some((name, mutant)) = self.mutant.as_ref().and_then(|name| self.mutants.get_key_value(name)) {
            merge(&mut table, &mutant.patch);
            layers.splice(0..0, file().map(|file| (file, KeyPath::of(&["mutants", name, "patch"]))));
        }
        scenario.shape = Layers(layers);
        scenario.topology = decode(table, &scenario.shape)?;
        validate::topology(&scenario.topology, &self.folder, &scenario.shape)?;
        Ok(scenario)
    }

    /// # Errors
    /// A value that the scenario does not have.
    pub(crate) fn check_values(&self, cell: &Cell) -> Result<(), SpecError> {
        cell.values.iter().try_for_each(|(axis, value)| self.value(axis, value).map(drop))
    }

    fn value(&self, axis: &str, value: &str) -> Result<&AxisValue, SpecError> {
        let values = self.axes.get(axis).ok_or_else(|| {
            let axes: Vec<&String> = self.axes.keys().collect();
            SpecError::new(format!("{} has no axis `{axis}`: it has {}", self.name, list(&axes)))
        })?;
        values.get(value).ok_or_else(|| {
            let known: Vec<&String> = values.keys().collect();
            SpecError::new(format!("axis `{axis}` of {} has no value `{value}`: it has {}", self.name, list(&known)))
        })
    }

    /// Why a cell cannot be had, by the `only` of one of its values.
    #[must_use]
    pub fn excludes(&self, cell: &Cell) -> Option<String> {
        cell.values.iter().find_map(|(axis, value)| {
            let only = &self.axes.get(axis)?.get(value)?.only;
            let words = |(key, allowed): (&String, &Vec<String>)| format!("{key} {}", allowed.join(" or "));
            let only_with = || only.iter().map(words).collect::<Vec<_>>().join(" and ");
            (!cell.suits(only)).then(|| format!("{axis} {value} is only for {}", only_with()))
        })
    }

    /// An error about a value of the file, such as `matrix.resolver[0]`, with its place.
    pub(crate) fn wrong(&self, path: &KeyPath, message: impl Into<String>) -> SpecError {
        self.whole.error(path, message)
    }

    /// An error about a value of the topology, such as `nodes.ns1.runs[0]`, with the place that sets it.
    pub(crate) fn wrong_in_topology(&self, path: &KeyPath, message: impl Into<String>) -> SpecError {
        self.shape.error(path, message)
    }
}

fn steps(entries: Vec<StepEntry>, layers: &Layers) -> Result<Vec<Step>, SpecError> {
    let at = |i: usize| KeyPath::of(&["step"]).index(i);
    let mut steps = Vec::new();
    for (i, entry) in entries.into_iter().enumerate() {
        let (name, verb) = entry.verb().map_err(|message| layers.error(&at(i), message))?;
        let name = name.unwrap_or_else(|| verb.to_string());
        steps.push(Step { name, verb, place: at(i) });
    }
    Ok(steps)
}

impl std::fmt::Display for Verb {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Expect(expect) => expect.subject.fmt(f),
            Self::Inject(inject) => inject.fmt(f),
            Self::Heal(_) => write!(f, "heal all"),
            Self::Hold(span) => write!(f, "hold {span}"),
        }
    }
}

/// The topology of that name: a file in the folder `topologies` beside the scenario.
fn shared(folder: &Path, name: &str) -> Result<Source, SpecError> {
    let topologies = folder.join("topologies");
    let hint = || format!("{} holds {}", topologies.display(), list(&names(&topologies)));
    let wrong = |error: String| SpecError::new(error).hint(hint());
    let file = FileName::new(format!("{name}.toml")).map_err(wrong)?;
    let beside = Path::new("topologies").join(&file).to_string_lossy().into_owned();
    let opened = Beside::try_from(beside).map_err(wrong)?.open(folder);
    let content = opened.and_then(Regular::read).map_err(|error| wrong(error.to_string()))?;
    text(&topologies.join(file), content)
}

/// The topologies that there are.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let stem = |path: PathBuf| Some(path.file_stem()?.to_string_lossy().escape_debug().to_string());
    let mut names: Vec<String> = entries.filter_map(|entry| stem(entry.path())).collect();
    names.sort();
    names
}

/// `a, b and c`; `none` when empty.
pub(crate) fn list<S: AsRef<str>>(words: &[S]) -> String {
    match words {
        [] => "none".to_owned(),
        [one] => one.as_ref().to_owned(),
        [most @ .., last] => {
            let most: Vec<&str> = most.iter().map(AsRef::as_ref).collect();
            format!("{} and {}", most.join(", "), last.as_ref())
        }
    }
}
