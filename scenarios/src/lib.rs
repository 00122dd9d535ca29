//! What the tests of scenarios share: a scenario run to its end, or a lab held up, on Docker, and only as many labs at a
//! time as this machine carries.
//!
//! Without Docker these fail with the reason and a hint: a test that was skipped would look like one that passed.

mod cells;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::future::pending;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use harness::builder::{Progress, ensure};
use harness::clock::Clock;
use harness::engine;
use harness::engine::{Engine, Owned};
use harness::history::{Journal, Recorder};
use harness::image::Recipe;
use harness::lab::{self, Lab, Reaper};
use harness::outcome::Verdict;
use harness::owner::Labels;
use harness::plan::Plan;
use harness::run::{self, Outcome, Request, RunError};
use tokio::sync::{Semaphore, SemaphorePermit};

pub use cells::{names, tables, tables_folder};

/// What a lab of five nodes takes while it runs, in KiB.
const LAB: u64 = 300 * 1024;

/// A scenario that was run to its end.
pub struct Ran {
    /// What came of it.
    pub outcome: Outcome,
    /// What a user would have read in the terminal.
    pub text: String,
}

impl Ran {
    /// The run's name, which the labels of its containers and networks carry.
    #[must_use]
    pub fn name(&self) -> String {
        let name = self.outcome.folder.file_name().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// # Panics
    /// When the verdict is another one, with all that a user would have read.
    #[track_caller]
    pub fn must(&self, verdict: Verdict) {
        assert!(self.outcome.verdict() == verdict, "expected {verdict}, found:\n{self}");
    }
}

impl Ran {
    /// The scenario can tell a lab with its protection from one without: else its Pass would prove nothing.
    ///
    /// # Panics
    /// When the mutant did not fail at the step that it names.
    #[track_caller]
    pub fn must_fail_as_the_mutant_must(&self) {
        assert_eq!(self.outcome.summary.as_the_mutant_must(&self.outcome.plan), Some(true), "{self}");
    }
}

impl Display for Ran {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}\nrecord: {}", self.text, self.outcome.folder.display())
    }
}

/// The workspace's scenario of that name.
#[must_use]
pub fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("{name}.toml"))
}

/// What to run, recorded beside what the command line records.
#[must_use]
pub fn request(file: &Path, cell: Option<&str>, mutant: Option<&str>) -> Request {
    Request {
        file: file.to_owned(),
        mutant: mutant.map(str::to_owned),
        cell: cell.map(str::to_owned),
        records: Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/lab"),
        files: BTreeMap::new(),
        record_files: false,
    }
}

/// Runs a scenario when it is its turn.
///
/// # Panics
/// There is no verdict: Docker cannot be reached, an image cannot be made, the lab did not come up.
pub async fn run(file: &Path, cell: Option<&str>, mutant: Option<&str>) -> Ran {
    let _turn = turn(1).await;
    run_now(&request(file, cell, mutant)).await
}

/// Runs a scenario whose lab must not come up, when it is its turn: why it did not.
///
/// # Panics
/// There is a verdict, or Docker cannot be reached.
pub async fn does_not_come_up(file: &Path) -> RunError {
    let _turn = turn(1).await;
    let engine = docker().await;
    let mut text = Vec::new();
    let ran =
        run::run(&request(file, None, None), engine.as_ref(), &Silent, &|_| {}, &mut text, false, pending()).await;
    match ran {
        Err(error) => error,
        Ok(_) => panic!("it came up:\n{}", String::from_utf8_lossy(&text)),
    }
}

/// Runs a scenario at once: the caller holds the turn.
///
/// # Panics
/// As [`run`].
pub async fn run_now(request: &Request) -> Ran {
    let engine = docker().await;
    let mut text = Vec::new();
    let ran = run::run(request, engine.as_ref(), &Silent, &|_| {}, &mut text, false, pending()).await;
    let text = String::from_utf8_lossy(&text).into_owned();
    match ran {
        Ok(outcome) => Ran { outcome, text },
        Err(error) => {
            let records = request.records.display();
            panic!("{text}\nrecords: {records}\n{}", told(&error, error.hint().as_deref()))
        }
    }
}

/// Brings a plan's lab up, hands it to `body` with the run's name, and takes it down: the caller holds the turn.
///
/// # Panics
/// As [`run`], and when `body` does.
pub async fn up<'p, T>(plan: &'p Plan, body: impl AsyncFnOnce(&mut Lab<'p>, &str) -> T) -> T {
    let engine = docker().await;
    let images = images(plan, engine.as_ref()).await;
    let name = fresh(&plan.scenario);
    let recorder = Recorder::new(None).expect("a history in memory needs no file");
    let (journal, labels) = (Journal::new(recorder, Clock::kernel()), Labels::of_this_process(&name));
    let reaper = Reaper::of(&labels);
    let body = async |lab: &mut Lab<'p>| body(lab, &name).await;
    let ended = lab::run(plan, engine.as_ref(), &labels, &images, &journal, pending(), body).await;
    drop(reaper);
    assert!(ended.left.is_empty(), "{:?}", ended.left);
    ended.outcome.unwrap_or_else(|error| panic!("{}", told(&error, error.hint().as_deref())))
}

/// The image of each node, made where it is missing.
///
/// # Panics
/// One cannot be made.
pub async fn images(plan: &Plan, engine: &dyn Engine) -> BTreeMap<String, String> {
    let recipes: Vec<Recipe> = plan.nodes.iter().map(|node| node.image.clone()).collect();
    let tags = ensure(engine, &recipes, &Silent).await;
    let tags = tags.unwrap_or_else(|error| panic!("{}", told(&error, error.hint())));
    plan.nodes.iter().map(|node| node.name.clone()).zip(tags).collect()
}

/// What a run still has on the engine.
///
/// # Panics
/// Docker cannot be reached.
pub async fn left_by(run: &str) -> Vec<Owned> {
    let owned = docker().await.owned().await;
    let owned = owned.unwrap_or_else(|error| panic!("{}", told(&error, error.hint())));
    owned.into_iter().filter(|thing| thing.labels.run == run).collect()
}

/// # Panics
/// Docker cannot be reached.
pub async fn docker() -> Box<dyn Engine> {
    let engine = engine::connect().await;
    engine.unwrap_or_else(|error| panic!("{}", told(&error, error.hint())))
}

/// Waits until that many more labs may be up; they may be until it is dropped.
///
/// A test that needs two at once asks for both together: two that hold one each would wait for each other for ever.
///
/// # Panics
/// Never: the semaphore is not closed.
pub async fn turn(labs: u32) -> SemaphorePermit<'static> {
    static MOST: LazyLock<u32> = LazyLock::new(|| u32::try_from(carried().max(1)).unwrap_or(1));
    static LABS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(*MOST as usize));
    // Who needs more than the machine carries has it to itself: they are slow, and do run.
    LABS.acquire_many(labs.min(*MOST)).await.expect("nobody closes it")
}

/// A lab a processor, and no more than fit into the memory that is free now. With half as many again, on two processors, one start of a
/// failover in twenty fell into 20 ms and more in which a processor had no time (`Seen::Stalled`), while other labs came up; a budget
/// of lost queries was missed by one of 173. As many tests run at once as there are processors, unless `RUST_TEST_THREADS` says
/// otherwise, as ci/lab does.
fn carried() -> usize {
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let available = memory.lines().find_map(|line| {
        let kib = line.strip_prefix("MemAvailable:")?.trim().strip_suffix(" kB")?;
        kib.parse::<u64>().ok()
    });
    let fit = available.map_or(1, |kib| usize::try_from(kib / LAB).unwrap_or(usize::MAX));
    processors.min(fit)
}

/// A name that no other run has.
fn fresh(stem: &str) -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("{stem}-{:x}-{:x}-{count}", std::process::id(), harness::history::now())
}

fn told(error: &dyn Display, hint: Option<&str>) -> String {
    match hint {
        Some(hint) => format!("error: {error}\nhint: {hint}"),
        None => format!("error: {error}"),
    }
}

/// Tests say nothing while images are built.
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _: &str) {}
    fn line(&self, _: &str, _: &str) {}
    fn finished(&self, _: &str, _: Duration) {}
}
