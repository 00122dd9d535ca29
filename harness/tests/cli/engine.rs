//! What is on the engine, beside the command line.

use harness::engine;
use harness::engine::{Engine, Owned};

pub(crate) async fn docker() -> Box<dyn Engine> {
    let engine = engine::connect().await;
    engine.unwrap_or_else(|error| panic!("error: {error}\nhint: {}", error.hint().unwrap_or_default()))
}

/// What a run has there.
pub(crate) async fn left_by(run: &str) -> Vec<Owned> {
    let owned = docker().await.owned().await.expect("what is ours is listed");
    owned.into_iter().filter(|thing| thing.labels.run == run).collect()
}
