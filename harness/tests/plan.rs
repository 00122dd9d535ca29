//! Plans. That of the project's first scenario is here whole: what changes in it is seen in review.

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

#[test]
fn what_cannot_be_built_is_said() {
    let Cells { default, more, impossible } = cells(&scenario(None));
    assert!(default.len() > 1 && more.len() > default.len(), "{} and {}", default.len(), more.len());
    assert!(impossible.iter().all(|(_, reason)| reason.contains("no Debian release has all parts")), "{impossible:?}");
}
