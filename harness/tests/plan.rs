//! The plan of the project's first scenario, whole: what changes in it is seen in review.

use std::path::Path;

use harness::plan::{Cells, Plan, cells, choose};
use harness::spec::Scenario;

fn scenario(mutant: Option<&str>) -> Scenario {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/kill-named.toml");
    Scenario::load(&file, mutant).expect("a good scenario")
}

#[test]
fn kill_named() {
    let scenario = scenario(None);
    let plan = Plan::new(&scenario, choose(&scenario, None).expect("a cell")).expect("a plan");
    insta::assert_snapshot!(plan);
}

#[test]
fn the_same_scenario_and_cell_give_the_same_plan() {
    let cell = Some("resolver=bind@9.18,speaker=exabgp@4.2.21,router=bird@3.1");
    let plan = || {
        let scenario = scenario(Some("no-watchdog"));
        Plan::new(&scenario, choose(&scenario, cell).expect("a cell")).expect("a plan").to_string()
    };
    assert_eq!(plan(), plan());
}

#[test]
fn every_cell_has_a_plan() {
    let scenario = scenario(None);
    let Cells { default, more, impossible } = cells(&scenario);
    assert_eq!((default.len(), more.len(), impossible.len()), (9, 3, 6));
    for cell in default.into_iter().chain(more) {
        Plan::new(&scenario, cell).expect("a plan");
    }
    assert!(impossible.iter().all(|(_, reason)| reason.contains("no Debian release has all parts")), "{impossible:?}");
}
