//! Health checkers of others: what each is told, and what the speaker that it tells has of the routes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use harness::plan::{Plan, cells, choose, describe};
use harness::run::Request;
use harness::spec::Scenario;

const SCENARIO: &str = r#"
title    = "one server, watched"

[matrix]
watchdog = ["watchdog", "exabgp-healthcheck", "anycast-healthchecker@0.9.10", "anycastd@0.1.12", "script"]
speaker  = ["exabgp@5.0.15", "exabgp@4.2.25", "bird@2.17", "frr@10.3"]

[topology.networks]
lan = ["10.1.53.0/24", "2001:db8:53::/64"]

[topology.services.one]
addresses = ["10.1.53.1", "2001:db8:53::1"]
zone      = "example.test"

[topology.nodes.router]
on   = { lan = ["10.1.53.254", "2001:db8:53::fe"] }
runs = ["router"]
asn  = 64601

[topology.nodes.ns1]
on           = { lan = ["10.1.53.11", "2001:db8:53::11"] }
runs         = ["resolver", "speaker", "watchdog"]
serves       = ["one"]
asn          = 64601
peers.router = { hold-time = "10s" }
local-pref   = { one = 200 }
watchdog     = { interval = "1s", fast-interval = "200ms", timeout = "1500ms", rise = 1, fall = 2 }
script       = "python3 /usr/local/bin/checker"
files        = { "/usr/local/bin/checker" = "checker" }

[[step]]
expect = { session = ["router", "ns1"], state = "established" }
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("watched.toml"), SCENARIO).expect("a file");
        std::fs::write(folder.path().join("checker"), "as it came\n").expect("a file");
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn request(&self, cell: &str, files: BTreeMap<String, PathBuf>) -> Request {
        let (file, records) = (self.path("watched.toml"), self.0.path().to_owned());
        Request { file, mutant: None, cell: Some(cell.to_owned()), records, files, record_files: false }
    }
}

fn plan(cell: &str) -> Plan {
    Folder::new().request(cell, BTreeMap::new()).plan().unwrap_or_else(|error| panic!("{error}"))
}

fn file(plan: &Plan, path: &str) -> String {
    let files = plan.node("ns1").expect("a node").files.whole();
    let file = files.iter().find(|file| file.path == path).unwrap_or_else(|| panic!("no {path}"));
    String::from_utf8(file.content.0.clone()).expect("text")
}

fn started(plan: &Plan, name: &str) -> Vec<String> {
    let daemons = &plan.node("ns1").expect("a node").daemons;
    daemons.iter().filter(|daemon| daemon.name == name).map(|daemon| daemon.argv.join(" ")).collect()
}

#[test]
fn exabgp_healthcheck_is_a_helper_for_each_address_and_has_the_routes() {
    let plan = plan("watchdog=exabgp-healthcheck,speaker=exabgp@5.0.15");
    let [exabgp, v4, v6] = ["exabgp.conf", "healthcheck-1.conf", "healthcheck-2.conf"]
        .map(|name| file(&plan, &format!("/etc/exabgp/{name}")));
    insta::assert_snapshot!("exabgp_healthcheck", format!("{exabgp}\n{v4}\n{v6}"));
    assert_eq!(started(&plan, "watchdog"), [""; 0]);
    assert_eq!(
        plan.node("ns1").expect("a node").image.to_string(),
        "trixie base bind=9.20 exabgp=5.0.15 exabgp-healthcheck probe"
    );
}

#[test]
fn debians_exabgp_has_it_among_the_systems_modules() {
    let config = file(&plan("watchdog=exabgp-healthcheck,speaker=exabgp@4.2.25"), "/etc/exabgp/exabgp.conf");
    assert!(
        config.contains("run /usr/bin/python3 -m exabgp healthcheck --config /etc/exabgp/healthcheck-1.conf;"),
        "{config}"
    );
}

#[test]
fn anycast_healthchecker_writes_the_lists_that_bird_exports_by() {
    let plan = plan("watchdog=anycast-healthchecker@0.9.10,speaker=bird@2.17");
    let paths = [
        "/etc/anycast-healthchecker.conf",
        "/etc/bird/bird.conf",
        "/var/lib/anycast-healthchecker/anycast-prefixes.conf",
        "/var/lib/anycast-healthchecker/6/anycast-prefixes.conf",
    ];
    insta::assert_snapshot!("anycast_healthchecker", paths.map(|path| file(&plan, path)).join("\n"));
    let expected = "anycast-healthchecker --file /etc/anycast-healthchecker.conf --dir /etc/anycast-healthchecker.d";
    assert_eq!(started(&plan, "watchdog"), [format!("sh -c exec {expected} 2>&1")]);
}

#[test]
fn anycastd_has_frr_announce_what_a_program_beside_it_checks() {
    let plan = plan("watchdog=anycastd@0.1.12,speaker=frr@10.3");
    let [config, checks] = ["config.toml", "checks.json"].map(|name| file(&plan, &format!("/etc/anycastd/{name}")));
    insta::assert_snapshot!("anycastd", format!("{config}\n{checks}"));
    assert!(!file(&plan, "/etc/frr/frr.conf").contains("\n  network "), "nothing is announced before the first check");
    assert_eq!(started(&plan, "checks"), ["python3 /usr/local/lib/anycastd/checks /etc/anycastd/checks.json"]);
    assert!(started(&plan, "watchdog").concat().contains("exec anycastd run"));
}

#[test]
fn a_script_is_exabgps_helper_or_a_daemon_and_comes_byte_for_byte() {
    let helper = plan("watchdog=script,speaker=exabgp@5.0.15");
    let config = file(&helper, "/etc/exabgp/exabgp.conf");
    assert!(config.contains("process script {\n\trun python3 /usr/local/bin/checker;"), "{config}");
    assert!(config.contains("watchdog anycastdns withdraw;"), "{config}");
    assert_eq!(started(&helper, "watchdog"), [""; 0]);
    assert_eq!(file(&helper, "/usr/local/bin/checker"), "as it came\n");
    assert_eq!(file(&helper, "/etc/nameserver_watchdog.conf"), "10.1.53.1:example.test\n2001:db8:53::1:example.test\n");
    let daemon = plan("watchdog=script,speaker=frr@10.3");
    let started = started(&daemon, "watchdog").concat();
    assert!(started.starts_with("sh -c n=0\nwhile :; do\n  \"$@\"; "), "{started}");
    assert!(started.ends_with(" again python3 /usr/local/bin/checker"), "{started}");
}

#[test]
fn a_file_of_the_users_own_stands_in_for_the_scenarios() {
    let folder = Folder::new();
    std::fs::write(folder.path("mine"), "mine\n").expect("a file");
    let brought = |path: &str| BTreeMap::from([(path.to_owned(), folder.path("mine"))]);
    let cell = "watchdog=script,speaker=exabgp@5.0.15";
    let plan = folder.request(cell, brought("/usr/local/bin/checker")).plan().expect("a plan");
    assert_eq!(file(&plan, "/usr/local/bin/checker"), "mine\n");
    let error = folder.request(cell, brought("/usr/bin/checker")).plan().expect_err("no such file").to_string();
    assert!(
        error.contains("no node is given a file /usr/bin/checker: nodes are given /usr/local/bin/checker"),
        "{error}"
    );
}

#[test]
fn what_cannot_tell_the_speaker_is_no_cell() {
    let folder = Folder::new();
    let scenario = Scenario::load(Path::new(&folder.path("watched.toml")), None).expect("a good scenario");
    let cells = cells(&scenario);
    let had: Vec<String> = cells.possible().map(describe).collect();
    insta::assert_debug_snapshot!("cells", had);
    let error =
        choose(&scenario, Some("watchdog=exabgp-healthcheck,speaker=frr@10.3")).expect_err("no cell").to_string();
    assert!(error.contains("exabgp-healthcheck cannot tell frr: it tells exabgp"), "{error}");
}
