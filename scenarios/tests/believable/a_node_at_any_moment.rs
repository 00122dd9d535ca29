//! A node that is killed, paused, starved of memory or cut off at any moment ends the run with Unknown within seconds, and nothing is
//! left. Each run is struck at a moment of its own, from the first container on.

use std::time::{Duration, Instant};

use harness::engine::{Engine, What};
use harness::history::Seen;
use harness::outcome::Verdict;
use harness::run;
use tokio::time::timeout;

/// What is promised, and what a loaded machine needs beyond it.
const PROMISED: Duration = Duration::from_secs(10 + 10);

/// How a node is lost.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    Killed,
    Paused,
    CutOff,
}

const MISHAPS: [Mishap; 3] = [Mishap::Killed, Mishap::Paused, Mishap::CutOff];
const NODES: [&str; 4] = ["client", "router", "ns1", "ns2"];

/// How many runs; each takes a few seconds.
const RUNS: u32 = 30;

/// A run's containers are there about a second after its start; it is over about eight seconds after it.
const LATEST: Duration = Duration::from_millis(7000);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn is_lost_and_the_run_ends() {
    let runs = (0..RUNS).map(one_run);
    // As many at a time as the machine carries.
    let told = futures::future::join_all(runs).await;
    let wrong: Vec<String> = told.into_iter().filter_map(Result::err).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

async fn one_run(number: u32) -> Result<(), String> {
    let _turn = scenarios::turn(1).await;
    let (mishap, node) = (MISHAPS[number as usize % 3], NODES[number as usize / 3 % 4]);
    // Spread over the whole run, in an order of no meaning.
    let at = LATEST * (number * 7 % RUNS) / RUNS;
    let what = format!("{node} {mishap:?} at {at:?}");

    let records = tempfile::tempdir().expect("a temporary folder");
    let mut request = scenarios::request(&scenarios::file("kill-named"), None, None);
    request.records = records.path().to_owned();
    let engine = scenarios::docker().await;
    let mut text = Vec::new();
    let playing = run::run(
        &request,
        engine.as_ref(),
        &scenarios::Silent,
        &|warning| eprintln!("{warning}"),
        &mut text,
        false,
        std::future::pending(),
    );
    let strike = async {
        drop(timeout(at, std::future::pending::<()>()).await);
        let struck = strike(engine.as_ref(), records.path(), mishap, node).await;
        (struck, Instant::now(), harness::history::now())
    };
    let both = futures::future::join(async { (playing.await, Instant::now()) }, strike);
    let Ok(((played, ended), (struck, when, at))) = timeout(Duration::from_secs(120), both).await else {
        return Err(format!("{what}: the run hangs"));
    };
    let took = ended.saturating_duration_since(when);
    let text = String::from_utf8_lossy(&text).into_owned();
    if took > PROMISED {
        return Err(format!("{what}: the run ended only {took:?} later:\n{text}"));
    }
    let name = std::fs::read_dir(records.path()).expect("records").next().map(|it| it.expect("a record").file_name());
    let name = name.expect("a record").to_string_lossy().into_owned();
    let left = scenarios::left_by(&name).await;
    if !left.is_empty() {
        return Err(format!("{what}: left {left:?}"));
    }
    // What is struck while the lab is taken down costs no verdict.
    let was_over = |outcome: &run::Outcome| {
        outcome.history.events().iter().any(|event| matches!(event.saw, Seen::Down) && event.at < at)
    };
    let is_late = played.as_ref().is_ok_and(was_over);
    match played.map(|outcome| outcome.verdict()) {
        // It was over, or the node was not there yet.
        Ok(Verdict::Pass) if is_late || !struck => Ok(()),
        Ok(Verdict::Unknown) => Ok(()),
        // A container that is paused or cut off before it is started does not start; a node without its network cannot be set up.
        Err(error) if struck && error.to_string().contains(node) => Ok(()),
        other => Err(format!("{what}, struck: {struck}, {took:?} before its end: {other:?}\n{text}")),
    }
}

/// Strikes the node of the run that is recorded there; whether it was there.
async fn strike(engine: &dyn Engine, records: &std::path::Path, mishap: Mishap, node: &str) -> bool {
    let Some(run) = std::fs::read_dir(records).expect("records").next() else { return false };
    let run = run.expect("a record").file_name().to_string_lossy().into_owned();
    let owned: Vec<_> = scenarios::left_by(&run).await;
    let named = |what: What, suffix: &str| {
        owned.iter().find(|it| it.what == what && it.name.ends_with(&format!("-{suffix}"))).map(|it| it.id.clone())
    };
    let Some(container) = named(What::Container, node) else { return false };
    let done = match mishap {
        Mishap::Killed => engine.crash(&container).await,
        Mishap::Paused => engine.pause(&container).await,
        Mishap::CutOff => {
            let network = named(What::Network, if node == "client" { "clients" } else { "servers" });
            engine.disconnect(&container, &network.expect("networks are made first")).await
        }
    };
    // One that is not started yet cannot be killed, nor one that has ended.
    done.is_ok()
}
