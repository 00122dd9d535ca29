//! Where a run is recorded: what cannot be recorded is said before anything is started, and leaves nothing.

use std::future::ready;
use std::path::{Path, PathBuf};
use std::time::Duration;

use harness::builder::Progress;
use harness::engine::fake::FakeEngine;
use harness::lab::LabError;
use harness::run::{Request, RunError, run};
use tempfile::TempDir;

struct Silent;

impl Progress for Silent {
    fn started(&self, _: &str) {}
    fn line(&self, _: &str, _: &str) {}
    fn finished(&self, _: &str, _: Duration) {}
}

fn request(records: PathBuf) -> Request {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/kill-named.toml");
    Request { file, mutant: None, cell: None, records, files: [].into(), record_files: false }
}

/// Why it did not run. Whatever gets as far as images is interrupted there.
async fn error(engine: &FakeEngine, records: PathBuf) -> RunError {
    let request = request(records);
    run(&request, engine, &Silent, &|_| {}, Vec::new(), false, ready("SIGINT")).await.expect_err("it cannot run")
}

#[tokio::test]
async fn records_that_are_a_file_are_told_before_the_engine_is_asked() {
    let folder = TempDir::new().expect("a temporary folder");
    let file = folder.path().join("file");
    std::fs::write(&file, "mine").expect("it is written");
    let engine = FakeEngine::new();
    let error = error(&engine, file.clone()).await;
    assert!(matches!(&error, RunError::Lab(LabError::Folder { path, .. }) if *path == file), "{error:?}");
    assert!(error.hint().is_some_and(|hint| hint.contains("--records")), "{error:?}");
    assert_eq!(engine.asked(), []);
    assert_eq!(std::fs::read_to_string(file).expect("it is there"), "mine");
}

#[tokio::test]
async fn records_where_nothing_can_be_made_are_told_before_the_engine_is_asked() {
    // Nobody can make a folder in this one, root neither.
    let engine = FakeEngine::new();
    let error = error(&engine, PathBuf::from("/proc/self/fd")).await;
    assert!(matches!(&error, RunError::Lab(LabError::Folder { .. })), "{error:?}");
    assert_eq!(engine.asked(), []);
}

#[tokio::test]
async fn a_run_that_never_began_leaves_no_folder() {
    let folder = TempDir::new().expect("a temporary folder");
    let error = error(&FakeEngine::new(), folder.path().to_owned()).await;
    assert!(matches!(&error, RunError::Lab(LabError::Interrupted("SIGINT"))), "{error:?}");
    assert_eq!(std::fs::read_dir(folder.path()).expect("it is there").count(), 0);
}
