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

/// A scenario's topology lies below its folder.
fn copy_topologies(folder: &Path) {
    let (from, to) = (Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/topologies"), folder.join("topologies"));
    std::fs::create_dir(&to).expect("an empty folder");
    for file in std::fs::read_dir(from).expect("topologies") {
        let file = file.expect("a file");
        std::fs::copy(file.path(), to.join(file.file_name())).expect("a copy");
    }
}

/// What planning this scenario file in this cell says is wrong.
fn refusal(file: &Path, cell: Option<&str>) -> String {
    let scenario = Scenario::load(file, None).expect("a good scenario");
    Plan::new(&scenario, choose(&scenario, cell).expect("a cell")).expect_err("it cannot be done").to_string()
}

#[test]
fn a_fault_that_a_cell_cannot_carry_out_is_refused_with_its_place() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/server-fails.toml");
    for failure in ["crash", "cut"] {
        let error = refusal(&file, Some(&format!("speaker=exabgp@3.4.28,failure={failure}")));
        assert!(error.contains("server-fails.toml:12") || error.contains("server-fails.toml:14"), "{error}");
        assert!(error.contains("the nft(8) of bullseye cannot drop frames that leave"), "{error}");
        assert!(error.contains("exabgp 3.4.28 is on no newer release"), "{error}");
    }
}

#[test]
fn a_fault_that_finds_its_daemon_dead_is_refused_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("twice.toml");
    copy_topologies(folder.path());
    let text = r#"title = "killed twice"
topology = "two-servers"
[[step]]
expect = { serving = ["ns1", "ns2"] }
[[step]]
inject = { kill = "resolver", on = "ns1" }
[[step]]
inject = { kill = "resolver", on = "ns1" }
"#;
    std::fs::write(&file, text).expect("a file");
    let error = refusal(&file, None);
    assert!(error.contains("twice.toml:8"), "{error}");
    assert!(error.contains("kill resolver on ns1: step 2 did this already"), "{error}");
    std::fs::write(&file, text.replacen("inject = { kill", "inject = { stop", 1)).expect("a file");
    let error = refusal(&file, None);
    assert!(error.contains("its resolver does not run: step 2 (`stop resolver on ns1`) ended it"), "{error}");
}

#[test]
fn a_script_that_cannot_be_executed_is_refused_with_its_place() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("script.toml");
    copy_topologies(folder.path());
    let script = folder.path().join("checker");
    std::fs::write(&script, "#!/bin/sh\n").expect("a file");
    let text = r#"title = "a checker"
topology = "two-servers"
[matrix]
watchdog = ["script"]
speaker = ["frr@10.3"]
[patch.nodes.ns1]
script = "/usr/local/bin/checker"
files = { "/usr/local/bin/checker" = "checker" }
[patch.nodes.ns2]
script = "sh /usr/local/bin/checker"
files = { "/usr/local/bin/checker" = "checker" }
[[step]]
expect = { serving = ["ns1", "ns2"] }
"#;
    std::fs::write(&file, text).expect("a file");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let error = refusal(&file, None);
    assert!(error.contains("script.toml:7"), "{error}");
    assert!(error.contains("/usr/local/bin/checker cannot be executed"), "{error}");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("a mode");
    let scenario = Scenario::load(&file, None).expect("a good scenario");
    Plan::new(&scenario, choose(&scenario, None).expect("a cell")).expect("it can be done");
}
