//! A scenario file, read and resolved: topology found, patches merged, one cell chosen.

use std::path::{Path, PathBuf};

use indexmap::IndexMap;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use toml::{Table, Value};

use super::always::Always;
use super::error::SpecError;
use super::patch::merge;
use super::source::{KeyPath, Point, Segment, Source};
use super::step::{Matrix, Mutant, StepEntry, Verb};
use super::topology::Topology;
use super::validate;

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
    /// What happens.
    pub steps: Vec<Step>,
    /// What holds all the time.
    pub always: Always,
    /// The mutants that it declares.
    pub mutants: IndexMap<String, Mutant>,
    /// The mutant that this is, if it is one.
    pub mutant: Option<String>,
    whole: Layers,
    shape: Layers,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What reports call it: its name, or a description.
    pub name: String,
    /// What it does.
    pub verb: Verb,
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
    step: Vec<StepEntry>,
    #[serde(default)]
    always: Always,
    #[serde(default)]
    mutants: IndexMap<String, Mutant>,
}

/// Where each layer of a topology stands, the one that wins first.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Layers(Vec<(Source, KeyPath)>);

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

        let (mut topology, base) = match entry.topology {
            Value::Table(inline) => (inline, (scenario.clone(), KeyPath::of(&["topology"]))),
            Value::String(name) => {
                let topologies = folder.join("topologies");
                let found = read(&topologies.join(format!("{name}.toml"))).map_err(|error| SpecError {
                    place: scenario.locate(&KeyPath::of(&["topology"]), Point::Value).map(|(_, place)| place),
                    hint: Some(format!("{} holds {}", topologies.display(), list(&names(&topologies)))),
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
        let mut layers = vec![(scenario.clone(), KeyPath::of(&["patch"])), base];
        if let Some(name) = mutant {
            let Some(mutant) = entry.mutants.get(name) else {
                let known: Vec<&str> = entry.mutants.keys().map(String::as_str).collect();
                let message = format!("{} has no mutant `{name}`: it has {}", file.display(), list(&known));
                return Err(SpecError::new(message));
            };
            merge(&mut topology, &mutant.patch);
            layers.insert(0, (scenario.clone(), KeyPath::of(&["mutants", name, "patch"])));
        }
        let topology: Topology = decode(topology, &Layers(layers.clone()))?;
        let shape = Layers(layers);
        validate::topology(&topology, &folder, &shape)?;

        let whole = Layers(vec![(scenario, root)]);
        let steps = steps(entry.step, &whole)?;
        let name = file.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned());
        let scenario = Self {
            name,
            folder,
            title: entry.title,
            why: entry.why,
            source: entry.source,
            topology,
            matrix: entry.matrix,
            steps,
            always: entry.always,
            mutants: entry.mutants,
            mutant: mutant.map(str::to_owned),
            whole,
            shape,
        };
        validate::steps(&scenario, &scenario.whole)?;
        Ok(scenario)
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
        steps.push(Step { name, verb });
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

impl Layers {
    /// An error about the value at `path`, shown in the layer that sets it.
    pub(super) fn error(&self, path: &KeyPath, message: impl Into<String>) -> SpecError {
        self.error_at(path, Point::Value, message)
    }

    fn error_at(&self, path: &KeyPath, point: Point, message: impl Into<String>) -> SpecError {
        let place = self
            .0
            .iter()
            .rev()
            .filter_map(|(source, prefix)| {
                let whole = prefix.join(path);
                let (found, place) = source.locate(&whole, point)?;
                // Only what was found below the layer's own prefix counts.
                Some((found.saturating_sub(prefix.0.len()), place))
            })
            .max_by_key(|(found, _)| *found)
            .map(|(_, place)| place);
        SpecError { message: message.into(), place, hint: None }
    }
}

fn read(file: &Path) -> Result<Source, SpecError> {
    match std::fs::read_to_string(file) {
        Ok(text) => Ok(Source { file: file.to_owned(), text }),
        Err(error) => Err(SpecError::new(format!("cannot read {}: {error}", file.display()))),
    }
}

fn table(source: &Source) -> Result<Table, SpecError> {
    toml::from_str(&source.text).map_err(|error| SpecError {
        message: error.message().to_owned(),
        place: error.span().map(|span| source.place(span)),
        hint: None,
    })
}

fn decode<T: DeserializeOwned>(table: Table, layers: &Layers) -> Result<T, SpecError> {
    serde_path_to_error::deserialize(Value::Table(table)).map_err(|error| {
        use serde_path_to_error::Segment as S;
        let mut path = KeyPath(
            error
                .path()
                .iter()
                .filter_map(|segment| match segment {
                    S::Seq { index } => Some(Segment::Index(*index)),
                    S::Map { key } => Some(Segment::Key(key.clone())),
                    S::Enum { .. } | S::Unknown => None,
                })
                .collect(),
        );
        let message = error.inner().message().to_owned();
        // The error names the table that the key is in; the caret belongs under the key.
        if let Some(key) = message.strip_prefix("unknown field `").and_then(|rest| rest.split('`').next()) {
            if path.0.last() != Some(&Segment::Key(key.to_owned())) {
                path = path.key(key);
            }
            return layers.error_at(&path, Point::Key, message);
        }
        layers.error(&path, format!("{path}: {message}"))
    })
}

/// The topologies that there are.
fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let stem = |path: PathBuf| Some(path.file_stem()?.to_string_lossy().into_owned());
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
