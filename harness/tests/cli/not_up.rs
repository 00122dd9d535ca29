//! No verdict, because the lab did not come up or its record cannot be kept: 98, with the reason.

use harness::cli::exit;
use harness::image::catalog;
use tokio::process::Command;

use crate::command::{Ended, lab};
use crate::engine::left_by;
use crate::running::Running;

async fn with_programs(folder: &std::path::Path) -> Ended {
    let mut command = lab(&["run"]);
    command.env("ANYCAST_LAB_PROGRAMS", folder);
    Running::start_as(command).await.end().await
}

#[tokio::test]
async fn a_program_that_is_missing() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let ended = with_programs(folder.path()).await;
    ended.must_exit(exit::NOT_UP);
    ended.must_explain("cannot find the program anycast-", "ANYCAST_LAB_PROGRAMS");
}

#[tokio::test]
async fn a_program_that_is_not_static() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let me = std::env::current_exe().expect("this test is a program");
    for name in catalog::parts().iter().filter_map(|part| part.program) {
        std::os::unix::fs::symlink(&me, folder.path().join(name)).expect("there is room");
    }
    let ended = with_programs(folder.path()).await;
    ended.must_exit(exit::NOT_UP);
    ended.must_explain("cannot run inside a node", "crt-static");
}

/// A limit on the size of files stands in for a full disk, which takes root to make.
#[tokio::test]
async fn a_record_that_cannot_be_kept() {
    let mut command = Command::new("bash");
    // Ignored, the signal lets the write fail. 20 KiB hold the plan, and a fraction of a second's queries.
    let script = "trap '' XFSZ; ulimit -f 20; exec \"$@\"";
    command.args(["-c", script, "bash", env!("CARGO_BIN_EXE_anycast-lab"), "run"]);
    let mut run = Running::start_as(command).await;
    run.says("Plan").await;
    let name = run.name();
    let ended = run.end().await;
    ended.must_exit(exit::NOT_UP);
    let error = |line: &str| line.starts_with("error: cannot write ") && line.contains(&name);
    assert!(ended.stderr.lines().any(error), "{ended:#?}");
    assert!(ended.stdout.contains("      Pass  kill-named"), "the verdict is told all the same: {ended:#?}");
    assert_eq!(left_by(&name).await, []);
}
