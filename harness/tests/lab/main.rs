//! The lab on the fake engine: whatever happens, it says what it was, and nothing is left.

use std::collections::BTreeMap;
use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::path::Path;

use futures::FutureExt;
use harness::check::Facts;
use harness::clock::Clock;
use harness::engine::fake::{FakeEngine, Verb};
use harness::engine::{Engine, EngineError, Owned};
use harness::fault::{Breaks, Fault, Kill};
use harness::history::{Event, Journal, Recorder, Seen, hole};
use harness::lab::{self, Ended, Lab, LabError, Watcher, Whose, play};
use harness::outcome::Played;
use harness::outcome::Verdict;
use harness::owner::Labels;
use harness::plan::{Plan, StepPlan, choose};
use harness::report::Summary;
use harness::spec::{Role, Scenario};
use protocol::{Action, Observation};

mod clocks;
mod lost;
mod world;

const IMAGE: &str = "a-node";

fn plan() -> Plan {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/kill-named.toml");
    let scenario = Scenario::load(&file, None).expect("a good scenario");
    Plan::new(&scenario, choose(&scenario, None).expect("a cell")).expect("a plan")
}

/// An engine on this host, in the runtime's time.
fn engine() -> FakeEngine {
    FakeEngine::new().with_image(IMAGE).on_clock(Clock::virtual_time())
}

/// Runs `body` in a lab of the plan on the engine, and takes it down.
async fn run_to_end<'p, T>(
    plan: &'p Plan,
    engine: &FakeEngine,
    clock: Clock,
    interrupted: impl Future<Output = &'static str>,
    body: impl AsyncFnOnce(&mut Lab<'p>) -> T,
) -> Ended<T> {
    let images: BTreeMap<String, String> =
        plan.nodes.iter().map(|node| (node.name.clone(), IMAGE.to_owned())).collect();
    let recorder = Recorder::new(None).expect("a history in memory needs no file");
    let journal = Journal::new(recorder, clock);
    lab::run(plan, engine, &Labels::of_this_process("run"), &images, &journal, interrupted, body).await
}

/// As [`run_to_end`], where everything can be removed.
async fn run<'p, T>(
    plan: &'p Plan,
    engine: &FakeEngine,
    interrupted: impl Future<Output = &'static str>,
    body: impl AsyncFnOnce(&mut Lab<'p>) -> T,
) -> Result<T, LabError> {
    let ended = run_to_end(plan, engine, engine.clock().clone(), interrupted, body).await;
    assert!(ended.left.is_empty(), "{:?}", ended.left);
    ended.outcome
}

async fn left(engine: &FakeEngine) -> Vec<String> {
    let owned = engine.owned().await.expect("the fake can be asked");
    owned.into_iter().map(|thing| thing.name).collect()
}

/// Sees nothing.
struct Nobody;

impl Watcher for Nobody {
    fn tick(&mut self, _: &[Event], _: u64) {}
    fn played(&mut self, _: &StepPlan, _: &Played, _: &[Event], _: &Facts<'_>) {}
}

#[tokio::test(start_paused = true)]
async fn a_whole_session_passes_and_leaves_nothing() {
    let (mut plan, engine) = (plan(), engine());
    world::hurry(&mut plan);
    let played = run(&plan, &engine, pending(), async |lab| {
        let played = tokio::select! {
            played = async { play(lab, &mut Nobody).await } => played,
            () = world::turns(&plan, &engine) => unreachable!("the world does not end"),
        };
        (played, lab.recorder().with(|history| hole(history.events()).is_some()))
    });
    let (played, hole) = played.await.expect("a lab");
    let played = played.expect("every step can be played");
    assert_eq!(Summary::of(&plan, &played), Summary { verdict: Verdict::Pass, at: None }, "{played:?}");
    assert_eq!((played.len(), hole), (plan.steps.len(), false));
    assert_eq!(left(&engine).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_cannot_be_set_up_is_named_with_its_words() {
    let engine = engine().on_setup(|setup| match setup.node.as_str() {
        "ns2" => vec![Observation::Unusable { error: "there is no eth0".to_owned() }],
        _ => vec![],
    });
    let error = run(&plan(), &engine, pending(), async |_| ()).await.expect_err("ns2 is unusable");
    assert_eq!(error.to_string(), "node `ns2` did not come up: there is no eth0");
    assert_eq!(left(&engine).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_panic_goes_on_after_the_teardown() {
    let (plan, engine) = (plan(), engine());
    let run = run(&plan, &engine, pending(), async |_: &mut Lab<'_>| panic!("the body's own words"));
    let panic = AssertUnwindSafe(run).catch_unwind().await.expect_err("it goes on");
    assert_eq!(panic.downcast_ref(), Some(&"the body's own words"));
    assert_eq!(left(&engine).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn an_interrupt_ends_it_at_any_time() {
    let plan = plan();
    let early = engine();
    let error = run(&plan, &early, ready("SIGINT"), async |_| pending::<()>().await).await;
    assert!(matches!(error, Err(LabError::Interrupted("SIGINT"))), "{error:?}");
    assert_eq!(left(&early).await, [""; 0]);

    let late = engine();
    let (begun, begins) = tokio::sync::oneshot::channel();
    let signal = async { begins.await.map_or("nothing", |()| "SIGTERM") };
    let error = run(&plan, &late, signal, async |_| {
        begun.send(()).expect("somebody waits");
        pending::<()>().await;
    });
    let error = error.await;
    assert!(matches!(error, Err(LabError::Interrupted("SIGTERM"))), "{error:?}");
    assert_eq!(left(&late).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_ends_makes_the_verdict_unknown() {
    let (plan, engine) = (plan(), engine());
    let played = run(&plan, &engine, pending(), async |lab| {
        engine.end("router");
        play(lab, &mut Nobody).await
    });
    let played = played.await.expect("a lab").expect("a lost node is no error of the lab's");
    assert_eq!(Summary::of(&plan, &played), Summary { verdict: Verdict::Unknown, at: Some(0) });
    let [Played::Judged { finding, .. }] = played.as_slice() else { panic!("{played:?}") };
    assert_eq!(finding.found, ["router: its probe has ended"]);
    assert_eq!(left(&engine).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_node_that_ends_while_nothing_is_asserted_makes_it_unknown_too() {
    /// Ends a node at the first look.
    struct Breaker(Option<FakeEngine>);

    impl Watcher for Breaker {
        fn tick(&mut self, _: &[Event], _: u64) {
            if let Some(engine) = self.0.take() {
                engine.end("client");
            }
        }

        fn played(&mut self, _: &StepPlan, _: &Played, _: &[Event], _: &Facts<'_>) {}
    }

    let (mut plan, engine) = (plan(), engine());
    let hold = harness::plan::Action::Hold("200ms".parse().expect("a time span"));
    plan.steps = vec![StepPlan { name: "hold".to_owned(), action: hold }];
    let played = run(&plan, &engine, pending(), async |lab| play(lab, &mut Breaker(Some(engine.clone()))).await);
    let played = played.await.expect("a lab").expect("a lost node is no error of the lab's");
    assert_eq!(Summary::of(&plan, &played), Summary { verdict: Verdict::Unknown, at: Some(0) });
}

#[tokio::test(start_paused = true)]
async fn what_a_node_cannot_do_is_an_error_with_its_words() {
    let engine = engine().on_command(|_, action| match action {
        Action::Signal { .. } => vec![Observation::Failed { id: 0, error: "it is not running".to_owned() }],
        _ => vec![],
    });
    let plan = plan();
    let error = run(&plan, &engine, pending(), async |lab| {
        let kill = Fault::on("ns1", Breaks::Kill(Kill(Role::Resolver)));
        lab.inject(kill).await
    });
    let error = error.await.expect("a lab").expect_err("the kill failed");
    assert_eq!(error.to_string(), "node `ns1` could not send SIGKILL to its resolver: it is not running");
    assert_eq!(left(&engine).await, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn a_verb_that_fails_is_the_error_and_the_rest_goes() {
    let engine_of = |verb, name| engine().failing(verb, name);
    let network = engine_of(Verb::CreateNetwork, "clients");
    let error = run(&plan(), &network, pending(), async |_| ()).await.expect_err("no network");
    assert!(matches!(error, LabError::Engine(EngineError::NoSubnet { .. })), "{error}");
    assert!(error.hint().expect("a hint").contains("cargo lab clean"));
    assert_eq!(left(&network).await, [""; 0]);

    let node = engine_of(Verb::StartNode, "ns2");
    let error = run(&plan(), &node, pending(), async |_| ()).await.expect_err("no container");
    assert!(error.to_string().starts_with("container anycast-lab-run-ns2: cannot create it"), "{error}");
    assert_eq!(left(&node).await, [""; 0]);
}

/// It is said, and costs no verdict.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_removed_is_said() {
    let engine = engine().failing(Verb::Remove, "clients");
    let ended = run_to_end(&plan(), &engine, engine.clock().clone(), pending(), async |_| "the verdict").await;
    assert_eq!(ended.outcome.expect("a lab"), "the verdict");
    let [stays] = ended.left.as_slice() else { panic!("{:?}", ended.left) };
    assert!(stays.to_string().contains("anycast-lab-run-clients: cannot remove it"), "{stays}");
    assert_eq!(left(&engine).await, ["anycast-lab-run-clients"]);
}

/// One container that does not go keeps its own network, and nothing else.
#[tokio::test(start_paused = true)]
async fn one_that_stays_does_not_keep_the_others() {
    let engine = engine().failing(Verb::Remove, "run-client");
    let ended = run_to_end(&plan(), &engine, engine.clock().clone(), pending(), async |_| ()).await;
    assert!(!ended.left.is_empty());
    let left = left(&engine).await;
    assert!(!left.iter().any(|name| name == "anycast-lab-run-servers"), "{left:?}");
}

/// Two checkouts may draw one name on one engine: the second cannot start, and takes nothing of the first.
#[tokio::test(start_paused = true)]
async fn a_run_of_the_same_name_is_not_touched() {
    let (plan, engine) = (plan(), engine());
    let first = run(&plan, &engine, pending(), async |_| {
        let before = left(&engine).await;
        let second = run(&plan, &engine, pending(), async |_| ()).await;
        assert!(matches!(second, Err(LabError::Engine(EngineError::NameTaken { .. }))), "{second:?}");
        assert_eq!(left(&engine).await, before);
    });
    first.await.expect("a lab");
}

#[tokio::test(start_paused = true)]
async fn the_history_tells_when_the_lab_was_up() {
    let (plan, engine) = (plan(), engine());
    let up = run(&plan, &engine, pending(), async |lab| {
        lab.recorder().with(|history| history.events().last().map(|event| event.saw.clone()))
    });
    assert_eq!(up.await.expect("a lab"), Some(Seen::Up));
}

#[tokio::test(start_paused = true)]
async fn a_sweep_takes_what_the_dead_left_and_nothing_else() {
    let engine = engine();
    let living = Labels::of_this_process("living");
    let mut dead = Labels::of_this_process("dead");
    dead.owner.start += 1;
    let mut elsewhere = dead.clone();
    elsewhere.owner.host = "another host".to_owned();
    elsewhere.owner.boot = "another kernel".to_owned();
    for (name, labels) in [("living", &living), ("dead", &dead), ("elsewhere", &elsewhere)] {
        engine.create_network(name, labels).await.expect("the fake makes it");
    }
    let listed = lab::list(&engine, Whose::Dead).await.expect("it can be asked");
    assert_eq!(listed.into_iter().map(|owned| owned.name).collect::<Vec<_>>(), ["dead"]);
    assert_eq!(left(&engine).await, ["living", "dead", "elsewhere"], "a list removes nothing");
    assert_eq!(lab::sweep(&engine, Whose::Dead).await.expect("it can be asked").names, ["dead"]);
    assert_eq!(left(&engine).await, ["living", "elsewhere"]);
    assert_eq!(lab::sweep(&engine, Whose::Any).await.expect("it can be asked").names, ["living", "elsewhere"]);
    assert_eq!(engine.owned().await.expect("the fake can be asked"), Vec::<Owned>::new());
}
