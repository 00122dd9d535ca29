//! The harness and the nodes need not have one clock: the verdict is the same, and a clock that jumps is Unknown.

use std::time::Duration;

use harness::history::Seen;
use rstest::rstest;

use super::*;

const SECOND: i64 = 1_000_000_000;

#[rstest]
#[case::the_same(0)]
#[case::of_a_time_namespace(3600 * SECOND)]
#[case::of_a_host_that_booted_later(-3600 * SECOND)]
#[case::near(SECOND)]
#[case::so_near_that_only_marks_tell(30_000_000)]
#[tokio::test(start_paused = true)]
async fn a_foreign_clock_changes_no_verdict(#[case] ahead: i64) {
    let mut plan = plan();
    world::hurry(&mut plan);
    let own = Clock::virtual_time();
    let engine = FakeEngine::new().with_image(IMAGE).on_clock(own.elsewhere(ahead));
    let ended = run_to_end(&plan, &engine, own.clone(), pending(), async |lab| {
        let began = own.own();
        let played = tokio::select! {
            played = async { play(lab, &mut Nobody).await } => played,
            () = world::turns(&plan, &engine) => unreachable!("the world does not end"),
        };
        let shift = lab.recorder().with(|history| {
            history.events().iter().find_map(|event| match event.saw {
                Seen::Clock { shift, error } => Some((shift, error)),
                _ => None,
            })
        });
        (played, shift, own.own() - began)
    });
    let (played, shift, took) = ended.await.outcome.expect("a lab");
    let played = played.expect("every step can be played");
    assert_eq!(Summary::of(&plan, &played).verdict, Verdict::Pass, "{played:?}");
    let (shift, error) = shift.expect("the history tells");
    assert!(shift.abs_diff(ahead) <= error && error < 1_000_000, "{shift} +- {error}");
    assert!(took < 10_000_000_000, "{took}");
}

/// As after the resumption of a virtual machine, or a step of a clock that is not monotonic.
#[rstest]
#[case::forward(SECOND)]
#[case::back(-SECOND)]
#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_makes_the_verdict_unknown(#[case] by: i64) {
    let (mut plan, own) = (plan(), Clock::virtual_time());
    let nodes = own.elsewhere(5 * SECOND);
    let engine = FakeEngine::new().with_image(IMAGE).on_clock(nodes.clone());
    plan.steps = vec![StepPlan {
        name: "hold".to_owned(),
        action: harness::plan::Action::Hold("20s".parse().expect("a time span")),
    }];
    let ended = run_to_end(&plan, &engine, own, pending(), async |lab| {
        let jump = async {
            drop(tokio::time::timeout(Duration::from_secs(3), pending::<()>()).await);
            nodes.set_shift(nodes.shift() + by);
            pending::<()>().await;
        };
        tokio::select! { played = async { play(lab, &mut Nobody).await } => played, () = jump => unreachable!() }
    });
    let played = ended.await.outcome.expect("a lab").expect("a jump is no error of the lab's");
    let [Played::Judged { finding, .. }] = played.as_slice() else { panic!("{played:?}") };
    assert_eq!(finding.verdict, Some(Verdict::Unknown));
    assert!(finding.found[0].contains("its clock and the harness's have moved apart by "), "{finding:?}");
}

/// Nodes of two hosts: their times cannot be compared, and nothing is judged.
#[tokio::test(start_paused = true)]
async fn nodes_on_two_clocks_are_refused() {
    let own = Clock::virtual_time();
    let (plan, engine) = (plan(), FakeEngine::new().with_image(IMAGE).on_clock(own.clone()));
    let there = own.elsewhere(SECOND);
    let engine = engine.with_node_on("ns2", there);
    let ended = run_to_end(&plan, &engine, own, pending(), async |_| ()).await;
    let error = ended.outcome.expect_err("two clocks");
    assert!(matches!(&error, LabError::Clocks(why) if why.contains("ns2") || why.contains("other nodes")), "{error}");
    assert!(error.hint().is_some());
    assert_eq!(left(&engine).await, [""; 0]);
}
