//! A node that is lost at any moment ends the run with Unknown, within seconds, whatever the lab is doing.

use std::time::Duration;

use harness::engine::fake::Killed;
use harness::engine::{Engine as _, What};
use proptest::prelude::*;
use tokio::time::{Instant, timeout};

use super::*;

/// What is promised: a run ends within so long after a node is lost.
const PROMISED: Duration = Duration::from_secs(10);

/// How a node is lost.
#[derive(Debug, Clone, Copy)]
enum Mishap {
    Killed,
    Paused,
    OutOfMemory,
    DaemonOutOfMemory,
    CutOff,
}

async fn happens(mishap: Mishap, engine: &FakeEngine, node: &str) {
    let owned = engine.owned().await.expect("the fake can be asked");
    let suffix = format!("-{node}");
    let Some(container) = owned.iter().find(|it| it.what == What::Container && it.name.ends_with(&suffix)) else {
        // It is not made yet, or it is gone.
        return;
    };
    let network = owned.iter().find(|it| it.what == What::Network && it.name.ends_with("-servers"));
    match mishap {
        Mishap::Killed => engine.crash(&container.id).await.expect("it runs"),
        Mishap::Paused => engine.pause(&container.id).await.expect("it runs"),
        Mishap::OutOfMemory => engine.use_up_memory(node, Killed::Node),
        Mishap::DaemonOutOfMemory => engine.use_up_memory(node, Killed::Daemon),
        Mishap::CutOff => {
            let network = network.expect("networks are made before nodes");
            engine.disconnect(&container.id, &network.id).await.expect("it runs");
        }
    }
}

async fn after(ms: u64) {
    drop(timeout(Duration::from_millis(ms), pending::<()>()).await);
}

/// Plays the whole scenario on an engine that takes its time; returns the verdict, and how long the run went on after the mishap.
async fn plays(mishap: Mishap, node: &str, at: u64, invariants: bool) -> (Option<Verdict>, Duration) {
    let (mut plan, engine) = (plan(), engine().taking(Duration::from_millis(500)));
    world::hurry(&mut plan);
    let hold = |ms: u64| StepPlan {
        name: format!("hold {ms}"),
        action: harness::plan::Action::Hold(format!("{ms}ms").parse().expect("a time span")),
    };
    plan.steps.insert(1, hold(700));
    plan.steps.push(hold(1000));
    if invariants {
        assert!(!plan.always.is_empty());
    } else {
        plan.always = Default::default();
    }
    let run = run(&plan, &engine, pending(), async |lab| {
        tokio::select! {
            played = async { play(lab, &mut Nobody).await } => played,
            () = world::turns(&plan, &engine) => unreachable!("the world does not end"),
        }
    });
    let strikes = async {
        after(at).await;
        happens(mishap, &engine, node).await;
        Instant::now()
    };
    let both = async {
        let (played, struck) = futures::join!(run, strikes);
        let took = Instant::now().saturating_duration_since(struck);
        (played, took)
    };
    let (played, took) = timeout(Duration::from_secs(600), both).await.expect("no run hangs");
    assert_eq!(left(&engine).await, [""; 0]);
    let played = played.expect("a lost node is no error of the lab's").expect("nor of a step");
    (Some(Summary::of(&plan, &played).verdict), took)
}

fn mishap() -> impl Strategy<Value = Mishap> {
    prop_oneof![
        Just(Mishap::Killed),
        Just(Mishap::Paused),
        Just(Mishap::OutOfMemory),
        Just(Mishap::DaemonOutOfMemory),
        Just(Mishap::CutOff)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_run_hangs(
        mishap in mishap(),
        node in prop_oneof![Just("ns1"), Just("ns2"), Just("router"), Just("client")],
        at in 0_u64..6000,
        invariants in any::<bool>(),
    ) {
        // Nothing that the client is attached to is called `servers`.
        prop_assume!(!matches!((mishap, node), (Mishap::CutOff, "client")));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        let (verdict, took) = runtime.expect("a runtime").block_on(plays(mishap, node, at, invariants));
        prop_assert!(took <= PROMISED, "{took:?} after {mishap:?}");
        // Before the node is made, and after the end, nothing happens to it.
        if at > 1000 && took > Duration::ZERO {
            prop_assert_eq!(verdict, Some(Verdict::Unknown));
        }
    }
}

/// A node that neither answers nor ends, and of which the engine knows nothing bad: a probe that hangs.
#[tokio::test(start_paused = true)]
async fn a_probe_that_hangs_is_lost() {
    let engine = engine().failing(Verb::State, "");
    let (mut plan, began) = (plan(), Instant::now());
    plan.steps = vec![StepPlan {
        name: "hold".to_owned(),
        action: harness::plan::Action::Hold("60m".parse().expect("a time span")),
    }];
    let played = run(&plan, &engine, pending(), async |lab| {
        happens(Mishap::Paused, &engine, "ns1").await;
        play(lab, &mut Nobody).await
    });
    let played = played.await.expect("a lab").expect("a lost node is no error of the lab's");
    let [Played::Judged { finding, .. }] = played.as_slice() else { panic!("{played:?}") };
    assert_eq!(finding.found, ["ns1: its probe has not answered for 5 s"]);
    assert!(began.elapsed() <= PROMISED, "{:?}", began.elapsed());
}

/// An action is not waited for for ever, though the node answers otherwise.
#[tokio::test(start_paused = true)]
async fn an_action_that_is_never_answered_is_a_hole() {
    let engine = engine().never_answering(|action| matches!(action, Action::Stop { .. }));
    let (plan, began) = (plan(), Instant::now());
    let (error, hole) = run(&plan, &engine, pending(), async |lab| {
        let error = lab.tell("ns1", Action::Stop { daemon: "resolver".to_owned() }).await.expect_err("it is late");
        (error, lab.recorder().with(|history| hole(history.events()).map(|(_, why)| why.to_owned())))
    })
    .await
    .expect("a lab");
    assert_eq!(error.to_string(), "node `ns1` could not stop its resolver: it did not stop its resolver within 60 s");
    assert_eq!(hole.as_deref(), Some("it did not stop its resolver within 60 s"));
    assert!(began.elapsed() <= Duration::from_secs(62), "{:?}", began.elapsed());
}

/// The engine is asked to make things while the interrupt comes: nothing of it is left.
#[tokio::test(start_paused = true)]
async fn an_interrupt_while_containers_start_leaves_nothing() {
    for at in [0, 1, 100, 499, 500, 501, 800] {
        let (plan, engine, began) = (plan(), engine().taking(Duration::from_millis(500)), Instant::now());
        let signal = async {
            after(at).await;
            "SIGINT"
        };
        let error = run(&plan, &engine, signal, async |_| pending::<()>().await).await;
        assert!(matches!(error, Err(LabError::Interrupted("SIGINT"))), "{error:?}");
        assert_eq!(left(&engine).await, [""; 0], "at {at} ms");
        assert!(began.elapsed() <= Duration::from_millis(at + 1000), "{:?}", began.elapsed());
        // What the engine still made would show now.
        after(60_000).await;
        assert_eq!(left(&engine).await, [""; 0], "at {at} ms");
    }
}

/// An engine that takes for ever to start a node does not keep an interrupt waiting for ever.
#[tokio::test(start_paused = true)]
async fn an_interrupt_does_not_wait_for_an_engine_that_hangs() {
    let (plan, engine, began) = (plan(), engine().taking(Duration::from_secs(1000)), Instant::now());
    let error = run(&plan, &engine, ready("SIGINT"), async |_| ()).await;
    assert!(matches!(error, Err(LabError::Interrupted("SIGINT"))), "{error:?}");
    assert!(began.elapsed() <= Duration::from_secs(16), "{:?}", began.elapsed());
    assert_eq!(left(&engine).await, [""; 0]);
}
