//! SIGKILL at any moment: nodes end by themselves, and the reaper takes what is not a running node.

use harness::cli::exit;
use nix::sys::signal::Signal;
use rstest::rstest;

use crate::command::{end, lab};
use crate::engine::left_by;
use crate::running::{Running, pass};

/// What is promised: nothing of it is left after so long.
const PROMISED_MS: u64 = 3000;

#[rstest]
#[case::at_once(0)]
#[case::while_networks_are_made(100)]
#[case::while_nodes_are_made(300)]
#[case::while_nodes_are_set_up(600)]
#[case::while_daemons_start(1000)]
#[tokio::test]
async fn during_boot(#[case] after_ms: u64) {
    let mut run = Running::start().await;
    run.says("Plan").await;
    pass(after_ms).await;
    leaves_nothing(run).await;
}

#[tokio::test]
async fn while_the_fault_is_watched() {
    let mut run = Running::start().await;
    run.says("⚡").await;
    leaves_nothing(run).await;
}

async fn leaves_nothing(run: Running) {
    let name = run.name();
    run.signal(Signal::SIGKILL);
    let ended = run.end().await;
    assert_eq!(ended.code, None, "a signal ended it: {ended:#?}");
    // Not sooner: what Docker was asked for at the moment of the kill, it may still be making.
    pass(PROMISED_MS).await;
    assert_eq!(left_by(&name).await, [], "nothing outlives it");
    end(lab(&["clean"])).await.must_exit(exit::PASS);
    assert_eq!(left_by(&name).await, []);
}
