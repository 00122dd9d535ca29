//! BGP sessions: what each end is told, by every speaker and router; and that no key is read by who is not to.

use std::path::Path;

use harness::plan::{Plan, choose};
use harness::spec::Scenario;

const KEY: &str = "a-key-of-ours";

const SCENARIO: &str = r#"
title    = "sessions with options"
topology = "two-servers"

[patch]
nodes.router.asn = 64600
nodes.router.peers.ns1 = { hold-time = "30s", md5 = "another-key" }
nodes.ns1.local-pref = { one = 200 }
nodes.ns1.peers.router = { md5 = "a-key-of-ours", asn = 64999, multihop = 2, graceful-restart = "20s" }
nodes.ns2 = { asn = 64602, announces = "always", runs = ["resolver", "speaker"], peers.router = { ttl-security = 1 } }

[[step]]
expect = { serving = ["ns1", "ns2"] }
"#;

const A_SESSION_FOR_EACH_FAMILY: &str = r#"
title    = "sessions of each family"
topology = "two-servers"

[patch]
nodes.ns1.peers.router = { sessions = "per-family", md5 = "a-key-of-ours" }

[[step]]
expect = { serving = ["ns1", "ns2"] }
"#;

fn plan(cell: &str) -> Plan {
    plan_of(SCENARIO, cell)
}

fn plan_of(scenario: &str, cell: &str) -> Plan {
    planned(scenario, cell).expect("a plan")
}

fn planned(scenario: &str, cell: &str) -> Result<Plan, String> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("sessions.toml");
    std::fs::write(&file, scenario).expect("a file");
    let topology = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios/topologies/two-servers.toml");
    std::fs::create_dir(folder.path().join("topologies")).expect("a folder");
    std::fs::copy(topology, folder.path().join("topologies/two-servers.toml")).expect("a file");
    let scenario = Scenario::load(&file, None).expect("a good scenario");
    Plan::new(&scenario, choose(&scenario, Some(cell)).expect("a cell")).map_err(|error| error.to_string())
}

/// What a node's daemon is told, keys included.
fn file(plan: &Plan, node: &str, path: &str) -> String {
    let files = plan.node(node).expect("a node").files.whole();
    let file = files.iter().find(|file| file.path == path).expect("a file");
    String::from_utf8(file.content.0.clone()).expect("text")
}

#[test]
fn exabgp_to_bird() {
    let plan = plan("speaker=exabgp@5.0.15,router=bird@2.17");
    insta::assert_snapshot!("exabgp", file(&plan, "ns1", "/etc/exabgp/exabgp.conf"));
    insta::assert_snapshot!("bird_router", file(&plan, "router", "/etc/bird/bird.conf"));
}

#[test]
fn bird_to_frr() {
    let plan = plan("speaker=bird@2.17,router=frr@10.3");
    insta::assert_snapshot!("bird", file(&plan, "ns1", "/etc/bird/bird.conf"));
    insta::assert_snapshot!("frr_router", file(&plan, "router", "/etc/frr/frr.conf"));
    let started = |node: &str| -> Vec<String> {
        let daemons = &plan.node(node).expect("a node").daemons;
        daemons.iter().map(|daemon| format!("{}: {}", daemon.name, daemon.argv.join(" "))).collect()
    };
    insta::assert_debug_snapshot!("daemons", (started("ns1"), started("router")));
}

#[test]
fn sessions_are_switched_by_their_daemons_commands() {
    let plan = plan("speaker=exabgp@5.0.15,router=frr@10.3");
    let node = |name: &str| plan.node(name).expect("a node");
    insta::assert_debug_snapshot!("switches", &node("router").switches["ns1"]);
    assert!(node("ns1").switches.is_empty(), "ExaBGP has no such command");
    let reloads: Vec<_> = plan.nodes.iter().flat_map(|node| &node.reloads).collect();
    insta::assert_debug_snapshot!("reloads", reloads);
}

#[test]
fn frr_to_bird() {
    let plan = plan("speaker=frr@10.3,router=bird@2.0.12");
    insta::assert_snapshot!("frr", file(&plan, "ns1", "/etc/frr/frr.conf"));
    insta::assert_snapshot!("frr_always", file(&plan, "ns2", "/etc/frr/frr.conf"));
}

#[test]
fn a_session_for_each_family() {
    let plan = |cell| plan_of(A_SESSION_FOR_EACH_FAMILY, cell);
    let exabgp = plan("speaker=exabgp@5.0.15,router=bird@2.17");
    insta::assert_snapshot!("per_family_exabgp", file(&exabgp, "ns1", "/etc/exabgp/exabgp.conf"));
    insta::assert_snapshot!("per_family_bird_router", file(&exabgp, "router", "/etc/bird/bird.conf"));
    let old = plan("resolver=hickory,speaker=exabgp@3.4.28,router=bird@2.17");
    insta::assert_snapshot!("per_family_exabgp_3", file(&old, "ns1", "/etc/exabgp/exabgp.conf"));
    let bird = plan("speaker=bird@2.17,router=frr@10.3");
    insta::assert_snapshot!("per_family_bird", file(&bird, "ns1", "/etc/bird/bird.conf"));
    let frr = plan("speaker=frr@10.3,router=bird@2.17");
    insta::assert_snapshot!("per_family_frr", file(&frr, "ns1", "/etc/frr/frr.conf"));
    let ends: Vec<_> = exabgp.sessions.iter().map(|session| (&session.ends, session.addresses)).collect();
    insta::assert_debug_snapshot!("per_family_ends", (ends, &bird.node("router").expect("a node").switches["ns1"]));
}

#[test]
fn an_old_exabgp_is_not_told_what_it_does_not_know() {
    let error = planned(SCENARIO, "resolver=hickory,speaker=exabgp@3.4.28").expect_err("ns2 has `ttl-security`");
    assert!(error.contains("expected a session that ExaBGP 3.4 can have, found `ttl-security`"), "{error}");
}

#[test]
fn no_key_is_in_what_is_shown_or_saved() {
    for cell in ["speaker=exabgp@5.0.15,router=bird@2.17", "speaker=frr@10.3,router=frr@8.4", "speaker=bird@3.1"] {
        let plan = plan(cell);
        let saved = serde_json::to_string(&plan).expect("JSON");
        // Files are base64 in JSON: what is read back is what was saved.
        let read: Plan = serde_json::from_str(&saved).expect("a plan");
        let files = read.nodes.iter().flat_map(|node| node.files.whole());
        let files: Vec<String> = files.map(|file| String::from_utf8_lossy(&file.content.0).into_owned()).collect();
        for text in [plan.to_string(), format!("{plan:?}"), saved, files.concat()] {
            assert!(!text.contains(KEY) && !text.contains("another-key"), "{text}");
        }
        assert!(plan.nodes.iter().any(|node| format!("{:?}", node.files.whole()).contains(KEY)));
        let ends: Vec<(bool, bool)> = plan.sessions.iter().map(|s| (s.keys_agree, s.asns_agree)).collect();
        assert_eq!(ends, [(false, false), (true, true)], "{cell}");
    }
}
