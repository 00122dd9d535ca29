//! Ctrl-C, or a CI's SIGTERM, at any moment: the lab is taken down before the process ends.

use harness::cli::exit;
use nix::sys::signal::Signal;
use rstest::rstest;

use crate::engine::left_by;
use crate::running::{Running, pass};

#[rstest]
#[case::at_once(0)]
#[case::while_networks_are_made(100)]
#[case::while_nodes_are_made(300)]
#[case::while_nodes_are_set_up(600)]
#[case::while_daemons_start(1000)]
#[tokio::test]
async fn during_boot(#[case] after_ms: u64, #[values(Signal::SIGINT, Signal::SIGTERM)] signal: Signal) {
    let mut run = Running::start().await;
    run.says("Plan").await;
    pass(after_ms).await;
    leaves_nothing(run, signal).await;
}

#[rstest]
#[case::while_the_fault_is_watched("⚡")]
#[case::while_the_heal_is_watched("⛑")]
#[tokio::test]
async fn during_a_step(#[case] begun: &str, #[values(Signal::SIGINT, Signal::SIGTERM)] signal: Signal) {
    let mut run = Running::start().await;
    run.says(begun).await;
    leaves_nothing(run, signal).await;
}

async fn leaves_nothing(run: Running, signal: Signal) {
    let name = run.name();
    run.signal(signal);
    let ended = run.end().await;
    ended.must_exit(exit::INTERRUPTED);
    let error = format!("error: interrupted by {signal}");
    assert!(ended.stderr.lines().any(|line| line == error), "{ended:#?}");
    assert_eq!(left_by(&name).await, []);
}
