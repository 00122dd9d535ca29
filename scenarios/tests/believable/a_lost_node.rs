//! A node whose probe dies leaves a hole in the history: the verdict is Unknown, never Pass, and says whose.

use harness::check::Facts;
use harness::engine::What;
use harness::history::{Event, Seen};
use harness::lab::{Watcher, play};
use harness::outcome::Played;
use harness::outcome::Verdict;
use harness::plan::StepPlan;
use harness::report::Summary;
use rstest::rstest;
use tokio::sync::oneshot;

use crate::inside;

/// Tells when a step has begun.
struct Await {
    step: usize,
    begun: Option<oneshot::Sender<()>>,
}

impl Watcher for Await {
    fn tick(&mut self, events: &[Event], _: u64) {
        let begins = |event: &Event| matches!(event.saw, Seen::Step { number, .. } if number == self.step);
        if events.iter().any(begins)
            && let Some(begun) = self.begun.take()
        {
            begun.send(()).expect("somebody waits");
        }
    }

    fn played(&mut self, _: &StepPlan, _: &Played, _: &[Event], _: &Facts<'_>) {}
}

#[rstest]
#[case::the_router_while_both_serve("router", 0)]
#[case::a_name_server_while_both_serve("ns2", 0)]
#[case::the_router_after_the_fault("router", 2)]
#[case::the_name_server_that_is_left("ns2", 2)]
#[case::the_client_after_the_heal("client", 5)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn makes_the_verdict_unknown(#[case] node: &str, #[case] step: usize) {
    let _turn = scenarios::turn(1).await;
    let plan = inside::plan(&scenarios::file("kill-named"));
    let (begun, begins) = oneshot::channel();
    let mut watcher = Await { step, begun: Some(begun) };

    let played = scenarios::up(&plan, async |lab, run| {
        let crash = async {
            begins.await.expect("the step begins");
            let engine = scenarios::docker().await;
            let left = scenarios::left_by(run).await;
            let nodes = left.iter().filter(|thing| thing.what == What::Container);
            let victim = nodes.filter(|thing| thing.name.ends_with(&format!("-{node}"))).collect::<Vec<_>>();
            let [victim] = victim.as_slice() else { panic!("not one {node}: {left:?}") };
            engine.crash(&victim.id).await.expect("its PID 1 can be killed");
        };
        let (played, ()) = futures::join!(play(lab, &mut watcher), crash);
        played.expect("a lost node is no error of the lab's")
    })
    .await;

    let summary = Summary::of(&plan, &played);
    assert_eq!((summary.verdict, summary.at), (Verdict::Unknown, Some(step)), "{played:?}");
    let Some(Played::Judged { finding, .. }) = played.last() else { panic!("not judged: {played:?}") };
    let [found] = finding.found.as_slice() else { panic!("no reason: {finding:?}") };
    assert!(found.starts_with(&format!("{node}: its ")), "{found}");
}
