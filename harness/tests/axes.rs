//! Axes of a scenario's own: what a cell makes of the topology and of the steps.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use harness::plan::{Action, Plan, cells, choose, describe};
use harness::run::Request;
use harness::spec::Scenario;

const SCENARIO: &str = r#"title = "one server, and much that varies"
why   = "Because."

[matrix]
resolver = ["bind@9.20", "bind@9.18"]

[axis.failure]
kill = { inject = { kill = "resolver", on = "ns1" } }
hang = { why = "Nothing closes.", inject = { hang = "resolver", on = "ns1" }, only = { resolver = ["bind@9.18"] } }

[axis.session]
internal = {}
external = { patch = { nodes.router.asn = 64600, nodes.ns1.asn = 64700 } }
old      = { patch = { nodes.ns1.runs = ["resolver", "exabgp@4.2.21", "watchdog"] } }

[[step]]
expect = { serving = ["ns1"] }

[[step]]
inject = "failure"

[[step]]
name   = "nobody"
expect = { serving = [] }

[mutants.other-as]
why   = "the router is in another AS still"
cell  = "session=external,failure=hang"
patch = { nodes.router.asn = 64601 }
fails = "nobody"

[topology.networks]
servers = ["10.1.53.0/24"]

[topology.services.one]
addresses = ["198.51.100.1"]
zone      = "example.test"

[topology.nodes.router]
on   = { servers = ["10.1.53.254"] }
runs = ["router"]
asn  = 64603

[topology.nodes.ns1]
on           = { servers = ["10.1.53.11"] }
runs         = ["resolver", "speaker", "watchdog"]
serves       = ["one"]
asn          = 64603
peers.router = {}
"#;

fn file(folder: &Path) -> PathBuf {
    let file = folder.join("varied.toml");
    fs::write(&file, SCENARIO).expect("a file");
    file
}

fn plan(mutant: Option<&str>, cell: Option<&str>) -> Plan {
    let folder = tempfile::tempdir().expect("a folder");
    let owned = |text: &str| text.to_owned();
    let (mutant, cell) = (mutant.map(owned), cell.map(owned));
    let request = Request {
        file: file(folder.path()),
        mutant,
        cell,
        records: folder.path().to_owned(),
        files: BTreeMap::new(),
        record_files: false,
    };
    request.plan().unwrap_or_else(|error| panic!("{error}"))
}

fn asn(plan: &Plan, node: &str) -> Option<u32> {
    plan.topology.nodes[node].asn
}

#[test]
fn a_cell_patches_the_topology_and_says_what_breaks() {
    let first = plan(None, None);
    assert_eq!((asn(&first, "router"), asn(&first, "ns1")), (Some(64603), Some(64603)));
    assert_eq!(
        (first.cell_words().as_str(), first.why.as_deref()),
        ("bind 9.20 · exabgp 5.0.15 · bird 2.17 · kill · internal", Some("Because."))
    );
    assert_eq!(first.steps[1].name, "kill resolver on ns1");

    let other = plan(None, Some("failure=hang,session=external"));
    assert_eq!((asn(&other, "router"), asn(&other, "ns1")), (Some(64600), Some(64700)));
    // What it leaves open is such that it can be had.
    assert_eq!(other.cell_words(), "bind 9.18 · exabgp 5.0.15 · bird 2.17 · hang · external");
    assert_eq!(other.why.as_deref(), Some("Because. Nothing closes."));
    assert!(matches!(&other.steps[1].action, Action::Inject(fault) if fault.to_string() == other.steps[1].name));
}

#[test]
fn a_mutant_runs_in_its_cell_and_patches_last() {
    let mutant = plan(Some("other-as"), None);
    assert_eq!((asn(&mutant, "router"), asn(&mutant, "ns1")), (Some(64601), Some(64700)));
    assert!(mutant.cell_words().ends_with("hang · external"), "{}", mutant.cell_words());
    let elsewhere = plan(Some("other-as"), Some("session=internal"));
    assert_eq!((asn(&elsewhere, "router"), asn(&elsewhere, "ns1")), (Some(64601), Some(64603)));
}

#[test]
fn what_a_patch_makes_of_a_node_decides_whether_it_can_be_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = Scenario::load(&file(folder.path()), None).expect("a good scenario");
    let cells = cells(&scenario);
    let impossible: Vec<(String, &str)> =
        cells.impossible.iter().map(|(cell, reason)| (describe(cell), reason.as_str())).collect();
    assert!(
        impossible.iter().any(|(cell, reason)| cell.starts_with("bind 9.20")
            && cell.ends_with("kill · old")
            && reason.contains("exabgp 4.2.21 is only on bookworm")),
        "{impossible:#?}"
    );
    assert!(impossible.iter().any(|(_, reason)| *reason == "failure hang is only for resolver bind@9.18"));
    assert_eq!((cells.possible().count(), cells.impossible.len(), cells.never()), (8, 4, vec![]));
    assert!(cells.possible().all(|cell| choose(&scenario, Some(&cell.to_string())).as_ref() == Ok(cell)));
}

#[test]
fn what_cannot_be_had_is_refused_with_the_reason() {
    let folder = tempfile::tempdir().expect("a folder");
    let scenario = Scenario::load(&file(folder.path()), None).expect("a good scenario");
    for (cell, reason) in [
        ("failure=hang,resolver=bind@9.20", "failure hang is only for resolver bind@9.18"),
        ("failure=crash", "axis `failure` of varied has no value `crash`: it has kill and hang"),
        ("weather=bad", "varied has no axis `weather`: it has failure and session"),
        ("resolver=bind@9.11", "there is no bind 9.11"),
        ("failure", "`failure` names no cell"),
    ] {
        let error = choose(&scenario, Some(cell)).expect_err(cell).to_string();
        assert!(error.starts_with(reason), "{cell}: {error}");
    }
}
