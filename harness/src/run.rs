//! One run from end to end: scenario file -> plan -> images -> lab -> history -> verdict -> record.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::builder::{ImageError, Progress, ensure, exact_versions};
use crate::clock::Clock;
use crate::diagnose;
use crate::engine::{About, Engine, EngineError};
use crate::history::{History, Journal, Recorder, Seen, now};
use crate::image::Recipe;
use crate::lab::{self, LabError, Whose};
use crate::outcome::Played;
use crate::outcome::Verdict;
use crate::owner::Labels;
use crate::plan::{self, Plan};
use crate::report::{RunFolder, RunName, Summary, Terminal, times, write_logs};
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
    /// Whether the contents of files that were given are shown and recorded, without their keys; else only their hashes are.
    pub record_files: bool,
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
        let plan = Plan::new(&scenario, cell)?;
        Ok(if self.record_files { plan.opened() } else { plan })
    }
}

/// Runs it; `out` gets the terminal's text, `progress` what the building of images says, `warn` what the user must know and what costs
/// no verdict, such as a network that cannot be removed.
///
/// # Errors
/// There is no verdict: see [`RunError`]. Nothing is left on the engine but what `warn` was told.
pub async fn run(
    request: &Request,
    engine: &dyn Engine,
    progress: &dyn Progress,
    warn: &dyn Fn(&str),
    out: impl Write,
    colour: bool,
    interrupted: impl Future<Output = &'static str>,
) -> Result<Outcome, RunError> {
    let plan = request.plan()?;
    tokio::pin!(interrupted);
    // Before images are built, which may take minutes: that a run cannot be recorded is said at once.
    let (folder, RunName { name: run_name, seed }, recorder) = record(&request.records, &plan)?;
    let cannot = |path: &Path, source| LabError::Folder { path: path.to_owned(), source };
    let began = Instant::now();
    let prepare = async {
        let about = engine.about().await?;
        // What others have left is their matter: it keeps no run from its verdict.
        match lab::sweep(engine, Whose::Dead).await {
            Ok(swept) => stays(warn, "what an earlier run has left stays", &swept.left),
            Err(error) => stays(warn, "what earlier runs have left is not known", &[error]),
        }
        let images = images(&plan, engine, progress).await?;
        let exact = exact_versions(engine, &images).await?;
        Ok::<_, RunError>((about, identifiers(engine, &images).await?, exact, images))
    };
    let prepared = tokio::select! {
        ready = prepare => ready,
        signal = &mut interrupted => Err(LabError::Interrupted(signal).into()),
    };
    // Nothing ran: there is nothing to keep.
    let (about, identifiers, exact, images) = prepared.inspect_err(|_| folder.remove())?;
    let building = began.elapsed();
    let mut versions = versions(&about, &plan, &images);
    versions.extend(exact);
    let journal = Journal::new(recorder.clone(), Clock::kernel());
    journal.note(None, Seen::Begin { run: run_name.clone(), versions, images: identifiers, seed });

    let labels = Labels::of_this_process(&run_name);
    let began = Instant::now();
    let mut terminal = Terminal::new(out, colour, &plan, now());
    let distinct: std::collections::BTreeSet<&String> = images.values().collect();
    terminal.label("Images", &format!("{} ready in {:.1} s", distinct.len(), building.as_secs_f64()));
    terminal.plan();
    terminal.booting();

    let reaper = lab::Reaper::of(&labels);
    let ended = lab::run(&plan, engine, &labels, &images, &journal, interrupted, async |lab| {
        terminal.counts_from(lab.began());
        let played = lab::play(lab, &mut terminal).await;
        // As it stands: a heal would mend what is looked for.
        let passed = played.as_ref().is_ok_and(|played| Summary::of(&plan, played).verdict == Verdict::Pass);
        let inspected = if passed { None } else { Some(lab.inspect().await) };
        (played.map(|played| (played, lab.done())), inspected)
    })
    .await;
    drop(reaper);
    stays(warn, "of this run stays", &ended.left);
    terminal.clear();
    let history = recorder.history();
    let save = || {
        recorder.finish().map_err(|error| cannot(&folder.history(), error))?;
        write_logs(&folder, history.events()).map_err(|error| cannot(folder.path(), error))
    };
    let (played, inspected) = match ended.outcome {
        Ok((played, inspected)) => (played, inspected),
        Err(error) => (Err(error), None),
    };
    let cause = inspected.as_ref().and_then(|inspected| diagnose::cause(&plan, history.events(), inspected));
    let evidence = inspected.as_ref().map(|inspected| {
        let began = history.events().first().map_or(0, |event| event.at);
        diagnose::write(folder.path(), &plan, inspected, &diagnose::changes(history.events()), began)
    });
    let (played, mut judge) = match played {
        Ok(played) => played,
        Err(error) => {
            // Why the lab did not come up matters more than what of it could not be recorded.
            let _unsaved = save();
            return Err(error.into());
        }
    };

    judge.read(&recorder);
    let facts = judge.facts();
    let summary = Summary::of(&plan, &played);
    let shown = folder.path().display().to_string();
    terminal.cause(cause.as_deref(), evidence.as_ref());
    terminal.end(&summary, &played, facts, began.elapsed().as_secs_f64(), &shown);
    drop(terminal);
    // The verdict has been told; but who relies on the record must know that it is not whole.
    save()?;
    let times = times(facts, &played);
    folder.conclude(&format!("{}\n{times}", summary.line(&plan))).map_err(|error| cannot(folder.path(), error))?;
    Ok(Outcome { plan, summary, played, history, folder: folder.path().to_owned() })
}

fn stays(warn: &dyn Fn(&str), what: &str, left: &[EngineError]) {
    for error in left {
        warn(&format!("{what}: {error}"));
    }
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

/// The engine's identifier of each node's image: a tag may name another image tomorrow.
async fn identifiers(
    engine: &dyn Engine,
    images: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, EngineError> {
    let known: BTreeMap<String, String> =
        engine.images(None).await?.into_iter().map(|image| (image.tag, image.id)).collect();
    Ok(images.iter().filter_map(|(node, tag)| Some((node.clone(), known.get(tag)?.clone()))).collect())
}

/// A folder of a name that no other run has, and the recorder of its history.
fn record(records: &Path, plan: &Plan) -> Result<(RunFolder, RunName, Recorder), LabError> {
    let stem: String = plan
        .label()
        .to_lowercase()
        .chars()
        .filter(|c| *c != ']')
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    let cannot = |(path, source)| LabError::Folder { path, source };
    let (folder, name) = RunFolder::create(records, &stem, plan).map_err(cannot)?;
    match Recorder::new(Some(&folder.history())) {
        Ok(recorder) => Ok((folder, name, recorder)),
        Err(error) => {
            folder.remove();
            Err(cannot((folder.history(), error)))
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
