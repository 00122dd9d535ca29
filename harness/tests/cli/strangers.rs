//! What belongs to another owner that lives is not touched: not by a start, nor a teardown, nor `clean`.

use harness::cli::exit;
use harness::engine::{EngineError, Network};
use harness::owner::Labels;

use crate::command::{end, lab};
use crate::engine::{docker, left_by};
use crate::running::Running;

#[tokio::test]
async fn another_living_runs_network_stays() {
    let engine = docker().await;
    let name = format!("stranger-{}", std::process::id());
    // Should this process be killed before the end, its owner is dead, and the next start takes the network.
    let Network { id, .. } =
        engine.create_network(&name, &Labels::of_this_process(&name)).await.expect("Docker makes it");

    let ended = Running::start().await.end().await;
    let cleaned = end(lab(&["clean"])).await;

    let left = left_by(&name).await;
    for thing in &left {
        engine.remove(thing).await.expect("it is ours");
    }
    ended.must_exit(exit::PASS);
    cleaned.must_exit(exit::PASS);
    assert_eq!(left.iter().map(|thing| &thing.id).collect::<Vec<_>>(), [&id]);
}

#[tokio::test]
async fn what_a_dead_owner_left_goes_at_the_next_start() {
    let engine = docker().await;
    let name = format!("dead-{}", std::process::id());
    let mut labels = Labels::of_this_process(&name);
    labels.owner.start += 1;
    match engine.create_network(&name, &labels).await {
        // The start of another test may take it before Docker has told what it made.
        Ok(_) | Err(EngineError::Refused { step: "inspect it", .. }) => {}
        Err(error) => panic!("Docker makes it: {error}"),
    }
    let ended = Running::start().await.end().await;
    ended.must_exit(exit::PASS);
    assert_eq!(left_by(&name).await, []);
}
