//! Plans. That of the project's first scenario is here whole: what changes in it is seen in review.

use std::path::{Path, PathBuf};

use harness::plan::{Cells, Plan, cells, choose};
use harness::spec::{Cell, Scenario};

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
fn a_node_with_our_own_name_server() {
    let scenario = scenario(None);
    let plan = Plan::new(&scenario, choose(&scenario, Some("resolver=hickory")).expect("a cell")).expect("a plan");
    assert!(plan.cell_words().starts_with("hickory · exabgp 5.0.15 · bird 2.17"), "{}", plan.cell_words());
    let resolver = plan.nodes.iter().find(|node| node.name == "ns1").expect("ns1").to_string();
    let about = |line: &&str| line.contains("image") || line.contains("hickory");
    let lines: Vec<&str> = resolver.lines().filter(about).collect();
    insta::assert_snapshot!(lines.join("\n"));
    let config = resolver.split("  file     ").find(|file| file.starts_with("/etc/hickory/hickory.toml"));
    insta::assert_snapshot!(config.expect("its configuration"));
    let error = choose(&scenario, Some("resolver=hickory@1")).expect_err("no such version").to_string();
    assert!(error.contains("there is no hickory 1: there is this checkout's only, `hickory`"), "{error}");
}

/// Every cell of every scenario can be planned; the same scenario and cell give the same plan, byte for byte.
#[test]
fn every_cell_has_one_plan() {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let files = std::fs::read_dir(scenarios).expect("the scenarios").map(|entry| entry.expect("a file").path());
    let is_scenario =
        |file: &PathBuf| file.extension().is_some_and(|extension| extension == "toml") && !file.ends_with("Cargo.toml");
    let files: Vec<PathBuf> = files.filter(is_scenario).collect();
    assert!(files.len() > 1, "{files:?}");
    for file in files {
        let all = || {
            let scenario = Scenario::load(&file, None).unwrap_or_else(|error| panic!("{error}"));
            let cells = cells(&scenario);
            let plan =
                |cell: &Cell| Plan::new(&scenario, cell.clone()).unwrap_or_else(|error| panic!("{cell}: {error}"));
            let json = |plan: &Plan| serde_json::to_string(plan).expect("json");
            cells.possible().map(plan).map(|plan| (plan.to_string(), json(&plan))).collect::<Vec<_>>()
        };
        assert!(all() == all(), "{} is not planned the same twice", file.display());
    }
}

#[test]
fn what_cannot_be_built_is_said() {
    let Cells { default, more, impossible } = cells(&scenario(None));
    assert!(default.len() > 1 && more.len() > default.len(), "{} and {}", default.len(), more.len());
    assert!(impossible.iter().all(|(_, reason)| reason.contains("no Debian release has all parts")), "{impossible:?}");
}
