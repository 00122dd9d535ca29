//! One run from end to end: scenario file -> plan -> images -> lab -> history -> verdict -> record.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::diagnose;
use crate::engine::{About, Engine, EngineError};
use crate::history::{Event, History, Recorder, Seen, now};
use crate::image::{ImageError, Progress, Recipe, ensure};
use crate::lab::{self, LabError};
use crate::outcome::Played;
use crate::outcome::Verdict;
use crate::owner::Labels;
use crate::plan::{self, Plan};
use crate::report::{RunFolder, Summary, Terminal, times, write_logs};
use crate::spec::{Scenario, SpecError};

/// What to run.
#[derive(Debug, Clone)]
pub struct Request {
    /// The scenario file.
    pub file: PathBuf,
    /// One of its mutants, in place of itself.
    pub mutant: Option<String>,
    /// Products for roles, `role=kind@version,...`; else the first cell of its matrix.
    pub cell: Option<String>,
    /// Where runs are recorded, each in a folder of its own.
    pub records: PathBuf,
    /// Files in place of those that the scenario names: path in the node -> path here.
    pub files: BTreeMap<String, PathBuf>,
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// What was planned.
    pub plan: Plan,
    /// The verdict.
    pub summary: Summary,
    /// What came of each step.
    pub played: Vec<Played>,
    /// What happened.
    pub history: History,
    /// Where it is recorded.
    pub folder: PathBuf,
}

/// Why there is no verdict.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// The scenario cannot be run.
    #[error(transparent)]
    Spec(#[from] SpecError),
    /// An image cannot be made.
    #[error(transparent)]
    Image(#[from] ImageError),
    /// The lab did not come up, or was interrupted.
    #[error(transparent)]
    Lab(#[from] LabError),
}

impl From<EngineError> for RunError {
    fn from(error: EngineError) -> Self {
        Self::Lab(LabError::Engine(error))
    }
}

impl RunError {
    /// What to do next, if anything is known to help.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Spec(error) => error.hint.clone(),
            Self::Image(error) => error.hint().map(Into::into),
            Self::Lab(error) => error.hint(),
        }
    }
}

impl Request {
    /// Reads the scenario and works its plan out.
    ///
    /// # Errors
    /// What is wrong with the scenario, and where.
    pub fn plan(&self) -> Result<Plan, SpecError> {
        let scenario = Scenario::load(&self.file, self.mutant.as_deref())?.bringing(self.files.clone());
        let cell = plan::choose(&scenario, self.cell.as_deref())?;
        Plan::new(&scenario, cell)
    }
}

/// Runs it; `out` gets the terminal's text, `progress` what the building of images says.
///
/// # Errors
/// There is no verdict: see [`RunError`]. Nothing is left on the engine.
pub async fn run(
    request: &Request,
    engine: &dyn Engine,
    progress: &dyn Progress,
    out: impl Write,
    colour: bool,
    interrupted: impl Future<Output = &'static str>,
) -> Result<Outcome, RunError> {
    let plan = request.plan()?;
    tokio::pin!(interrupted);
    let began = Instant::now();
    let prepare = async {
        let about = engine.about().await?;
        lab::sweep(engine).await?;
        Ok::<_, RunError>((about, images(&plan, engine, progress).await?))
    };
    let (about, images) = tokio::select! {
        ready = prepare => ready?,
        signal = &mut interrupted => return Err(LabError::Interrupted(signal).into()),
    };
    let building = began.elapsed();

    let (folder, run_name) = record(&request.records, &plan)?;
    let cannot = |path: &Path, source| LabError::Folder { path: path.to_owned(), source };
    let recorder = Recorder::new(Some(&folder.history())).map_err(|error| cannot(&folder.history(), error))?;
    let versions = versions(&about, &plan, &images);
    recorder.record(Event { at: now(), since: None, node: None, saw: Seen::Begin { run: run_name.clone(), versions } });

    let labels = Labels::of_this_process(&run_name);
    let began = Instant::now();
    let mut terminal = Terminal::new(out, colour, &plan, now());
    let distinct: std::collections::BTreeSet<&String> = images.values().collect();
    terminal.label("Images", &format!("{} ready in {:.1} s", distinct.len(), building.as_secs_f64()));
    terminal.plan();
    terminal.booting();

    let reaper = lab::Reaper::of(&run_name);
    let body = async |lab: &mut lab::Lab<'_>| {
        let played = lab::play(lab, &mut terminal).await;
        // As it stands: a heal would mend what is looked for.
        let passed = played.as_ref().is_ok_and(|played| Summary::of(&plan, played).verdict == Verdict::Pass);
        let inspected = if passed { None } else { Some(lab.inspect().await) };
        (played, inspected)
    };
    let played = lab::run(&plan, engine, &labels, &images, &recorder, interrupted, body).await;
    drop(reaper);
    terminal.clear();
    let history = recorder.with(History::clone);
    let recorded = recorder.flush().map_err(|error| cannot(&folder.history(), error));
    let recorded =
        recorded.and_then(|()| write_logs(&folder, history.events()).map_err(|error| cannot(folder.path(), error)));
    let (played, inspected) = played?;
    let cause = inspected.as_ref().and_then(|inspected| diagnose::cause(&plan, history.events(), inspected));
    let evidence = inspected.as_ref().map(|inspected| {
        let began = history.events().first().map_or(0, |event| event.at);
        diagnose::write(folder.path(), &plan, inspected, &diagnose::changes(history.events()), began)
    });
    let played = played?;

    let summary = Summary::of(&plan, &played);
    let times = times(&plan, &played, history.events());
    let concluded = folder.conclude(&format!("{}\n{times}", summary.line(&plan)));
    let recorded = recorded.and(concluded.map_err(|error| cannot(folder.path(), error)));
    let shown = folder.path().display().to_string();
    terminal.cause(cause.as_deref(), evidence.as_ref());
    terminal.end(&summary, &played, history.events(), began.elapsed().as_secs_f64(), &shown);
    drop(terminal);
    // The verdict has been told; but who relies on the record must know that it is not whole.
    recorded?;
    Ok(Outcome { plan, summary, played, history, folder: folder.path().to_owned() })
}

/// The image of each node.
async fn images(
    plan: &Plan,
    engine: &dyn Engine,
    progress: &dyn Progress,
) -> Result<BTreeMap<String, String>, ImageError> {
    let recipes: Vec<Recipe> = plan.nodes.iter().map(|node| node.image.clone()).collect();
    let tags = ensure(engine, &recipes, progress).await?;
    Ok(plan.nodes.iter().map(|node| node.name.clone()).zip(tags).collect())
}

/// A folder of a name that no other run has.
fn record(records: &Path, plan: &Plan) -> Result<(RunFolder, String), LabError> {
    let stem: String = plan
        .label()
        .to_lowercase()
        .chars()
        .filter(|c| *c != ']')
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    loop {
        // The state of a fresh hasher is random.
        let name = format!("{stem}-{:04x}", RandomState::new().hash_one(now()) & 0xffff);
        match RunFolder::create(records, &name, plan) {
            Ok(folder) => return Ok((folder, name)),
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(source) => {
                return Err(LabError::Folder { path: records.join(name), source });
            }
        }
    }
}

fn versions(about: &About, plan: &Plan, images: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let mut versions = BTreeMap::from([
        ("anycast-lab".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("engine".to_owned(), format!("{}, API {}", about.engine, about.api)),
        ("kernel".to_owned(), about.kernel.clone()),
    ]);
    versions.extend(plan.cell.choices());
    versions.extend(images.iter().map(|(node, image)| (format!("image of {node}"), image.clone())));
    versions
}

impl Outcome {
    /// The verdict on the whole.
    #[must_use]
    pub fn verdict(&self) -> Verdict {
        self.summary.verdict
    }
}
