//! The verdict is the exit status, and nothing is left in any case.

use harness::cli::exit;
use harness::engine::What;

use crate::command::lab;
use crate::engine::{docker, left_by};
use crate::running::Running;

#[tokio::test]
async fn pass_is_0() {
    let mut run = Running::start().await;
    run.says("Plan").await;
    let name = run.name();
    let ended = run.end().await;
    ended.must_exit(exit::PASS);
    assert!(ended.stdout.contains(&name), "the record is named: {ended:#?}");
    assert_eq!(left_by(&name).await, []);
}

#[tokio::test]
async fn fail_is_100() {
    let mut run = Running::start_as(lab(&["run", "--mutant", "no-watchdog"])).await;
    run.says("Plan").await;
    let name = run.name();
    let ended = run.end().await;
    ended.must_exit(exit::FAIL);
    assert!(ended.stdout.contains("✗ ns2 alone serves"), "{ended:#?}");
    assert_eq!(left_by(&name).await, []);
}

#[tokio::test]
async fn unknown_is_101_and_names_the_node_that_was_lost() {
    let mut run = Running::start().await;
    run.says("both serve").await;
    let name = run.name();
    let nodes = left_by(&name).await;
    let router = |thing: &&harness::engine::Owned| thing.what == What::Container && thing.name.ends_with("-router");
    let router = nodes.iter().find(router).expect("it runs");
    docker().await.crash(&router.id).await.expect("it can be killed");
    let ended = run.end().await;
    ended.must_exit(exit::UNKNOWN);
    assert!(ended.stdout.contains("router: its "), "{ended:#?}");
    assert_eq!(left_by(&name).await, []);
}
