//! What an operator reads when a scenario file is wrong: each mistake in a good file, and the error that it gives.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use harness::run::Request;

const GOOD: &str = r#"title    = "a good one"
topology = "lab"

[matrix]
resolver = ["bind@9.20"]

[[step]]
name   = "serves"
expect = { serving = ["ns1"] }

[[step]]
inject = { kill = "resolver", on = "ns1" }

[mutants.blind]
why   = "nobody looks"
patch = { nodes.ns1.runs = ["resolver", "speaker"] }
fails = "serves"
"#;

const TOPOLOGY: &str = r#"[networks]
servers = ["10.1.53.0/24", "2001:db8:53::/64"]
clients = ["192.0.2.0/24"]

[services.one]
addresses = ["198.51.100.1"]
zone      = "example.test"

[nodes.router]
on   = { servers = ["10.1.53.254"], clients = ["192.0.2.254"] }
runs = ["router"]
asn  = 64601

[nodes.ns1]
on           = { servers = ["10.1.53.11"] }
runs         = ["resolver", "speaker", "watchdog"]
serves       = ["one"]
asn          = 64601
peers.router = { hold-time = "10s" }

[nodes.client]
on      = { clients = ["192.0.2.10"] }
gateway = "router"
asks    = [{ service = "one", per-second = 200 }]
"#;

/// One that varies what breaks, and a session; the second fault is for one BIND only.
const AXES: &str = r#"title    = "a good one with axes"
topology = "lab"

[matrix]
resolver = ["bind@9.20", "bind@9.18"]

[axis.failure]
kill = { inject = { kill = "resolver", on = "ns1" } }
hang = { inject = { hang = "resolver", on = "ns1" }, only = { resolver = ["bind@9.18"], as = ["internal"] } }

[axis.as]
internal = {}
external = { why = "eBGP", patch = { nodes.router.asn = 64600 } }

[[step]]
name   = "serves"
expect = { serving = ["ns1"] }

[[step]]
inject = "failure"

[mutants.blind]
why   = "nobody looks"
patch = { nodes.ns1.watchdog.rise = 2 }
cell  = "failure=hang"
fails = "serves"
"#;

/// The error that a change of the scenario or the topology gives; the folder's name is left out.
fn error(folder: &Path, change: (&str, &str)) -> String {
    error_in(GOOD, folder, change)
}

fn error_in(good: &str, folder: &Path, change: (&str, &str)) -> String {
    let (old, new) = change;
    let all = format!("{good}{TOPOLOGY}");
    assert_eq!(all.matches(old).count(), 1, "{old:?} must be there, once");
    fs::create_dir_all(folder.join("topologies")).expect("a folder");
    fs::write(folder.join("scenario.toml"), good.replace(old, new)).expect("a file");
    fs::write(folder.join("topologies/lab.toml"), TOPOLOGY.replace(old, new)).expect("a file");
    let request = Request {
        file: folder.join("scenario.toml"),
        mutant: None,
        cell: None,
        records: folder.to_owned(),
        files: BTreeMap::new(),
        record_files: false,
    };
    match request.plan() {
        Ok(_) => "no error".to_owned(),
        Err(error) => {
            let hint = error.hint.as_ref().map(|hint| format!("\nhint: {hint}"));
            format!("{error}{}", hint.unwrap_or_default()).replace(&format!("{}/", folder.display()), "")
        }
    }
}

#[test]
fn every_mistake_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    let changes = [
        ("not TOML", ("title    = \"a good one\"", "title    = a good one")),
        ("unknown key", ("name   = \"serves\"", "nmae   = \"serves\"")),
        ("a key of a later version", ("name   = \"serves\"", "exec   = \"ls\"")),
        ("unknown key of a node", ("gateway = \"router\"", "gatway  = \"router\"")),
        ("two verbs", ("inject = {", "hold = \"1s\"\ninject = {")),
        ("nothing asserted", ("expect = { serving = [\"ns1\"] }", "hold = \"1s\"")),
        ("no topology", ("topology = \"lab\"", "topology = \"lib\"")),
        ("unknown role", ("\"speaker\", \"watchdog\"]\nserves", "\"speeker\", \"watchdog\"]\nserves")),
        ("unknown kind", ("resolver = [\"bind@9.20\"]", "resolver = [\"bnid@9.20\"]")),
        ("unknown version", ("resolver = [\"bind@9.20\"]", "resolver = [\"bind@9.11\"]")),
        ("wrong role", ("resolver = [\"bind@9.20\"]", "resolver = [\"bird@2.17\"]")),
        ("unknown fault", ("kill = \"resolver\"", "freeze = \"node\"")),
        ("two faults", ("kill = \"resolver\"", "kill = \"resolver\", hang = \"resolver\"")),
        ("unknown protocol", ("kill = \"resolver\"", "drop = { port = 53, protocol = \"sctp\" }")),
        ("fault on what another daemon starts", ("kill = \"resolver\"", "kill = \"watchdog\"")),
        ("fault on a node without the daemon", ("on = \"ns1\" }", "on = \"router\" }")),
        ("MD5 key toward a stranger", ("kill = \"resolver\"", "md5 = \"sesame\", peer = \"client\"")),
        ("MD5 key toward nobody", ("kill = \"resolver\"", "md5 = \"sesame\"")),
        ("a command that the daemon lacks", ("kill = \"resolver\"", "shutdown = \"router\"")),
        ("a link that is not there", ("kill = \"resolver\"", "cut = \"clients\"")),
        ("a server that is not programmable", ("kill = \"resolver\"", "answers = \"mute\"")),
        ("address outside its network", ("servers = [\"10.1.53.11\"]", "servers = [\"10.1.54.11\"]")),
        ("duplicate address", ("servers = [\"10.1.53.11\"]", "servers = [\"10.1.53.254\"]")),
        ("service address taken", ("addresses = [\"198.51.100.1\"]", "addresses = [\"10.1.53.254\"]")),
        ("not an address", ("servers = [\"10.1.53.11\"]", "servers = [\"10.1.53.256\"]")),
        ("host bits", ("\"10.1.53.0/24\"", "\"10.1.53.7/24\"")),
        ("unknown network", ("on      = { clients =", "on      = { client =")),
        ("unknown service", ("service = \"one\"", "service = \"two\"")),
        ("gateway that is not there", ("gateway = \"router\"", "gateway = \"rooter\"")),
        ("gateway out of reach", ("gateway = \"router\"", "gateway = \"ns1\"")),
        ("no way to what it asks", ("gateway = \"router\"\n", "")),
        ("hold time", ("hold-time = \"10s\"", "hold-time = \"2s\"")),
        ("time span", ("hold-time = \"10s\"", "hold-time = \"10\"")),
        ("a key with a quote", ("hold-time = \"10s\"", "md5 = 'sec\"ret', hold-time = \"9s\"")),
        ("a key that is no text", ("hold-time = \"10s\"", "md5 = 4711")),
        ("a key beside another mistake", ("hold-time = \"10s\"", "md5 = \"secret\", hold-time = \"2s\"")),
        ("two kinds of TTL", ("hold-time = \"10s\"", "multihop = 2, ttl-security = 1")),
        ("no hops", ("hold-time = \"10s\"", "multihop = 0")),
        (
            "ends that disagree",
            (
                "[matrix]",
                "[patch]\nnodes.router.peers.ns1.sessions = \"per-family\"\nnodes.ns1.peers.router.sessions = \"one\"\n\n[matrix]",
            ),
        ),
        ("restart time", ("hold-time = \"10s\"", "graceful-restart = \"1.5s\"")),
        (
            "preference of what is not announced",
            ("gateway = \"router\"", "gateway = \"router\"\nlocal-pref = { one = 200 }"),
        ),
        ("peer without AS", ("serves       = [\"one\"]\nasn          = 64601\n", "serves       = [\"one\"]\n")),
        ("unknown node", ("serving = [\"ns1\"]", "serving = [\"ns9\"]")),
        ("two subjects", ("serving = [\"ns1\"]", "serving = [\"ns1\"], unanswered = true")),
        ("no subject", ("serving = [\"ns1\"]", "lost = 3")),
        ("unknown key of an expectation", ("serving = [\"ns1\"]", "serving = [\"ns1\"], flasp = 1")),
        ("a session without a state", ("serving = [\"ns1\"]", "session = [\"router\", \"ns1\"]")),
        ("unknown state", ("serving = [\"ns1\"]", "session = [\"router\", \"ns1\"], state = \"up\"")),
        ("a session that is not there", ("serving = [\"ns1\"]", "session = [\"client\", \"ns1\"], state = \"down\"")),
        (
            "never without a time",
            ("serving = [\"ns1\"]", "session = [\"router\", \"ns1\"], state = \"never-established\""),
        ),
        ("nothing that happens", ("serving = [\"ns1\"]", "ordered = [\"detected ns1\", \"fib changed\"]")),
        ("detected by nobody", ("serving = [\"ns1\"]", "ordered = [\"detected router\", \"fib without ns1\"]")),
        ("nothing in order", ("serving = [\"ns1\"]", "ordered = []")),
        (
            "a client of a session",
            ("serving = [\"ns1\"]", "session = [\"router\", \"ns1\"], state = \"established\", client = \"client\""),
        ),
        (
            "a service of a session",
            ("serving = [\"ns1\"]", "session = [\"router\", \"ns1\"], state = \"established\", service = \"one\""),
        ),
        (
            "a family of which there is no session",
            ("serving = [\"ns1\"]", "session = [\"router\", \"ns1\"], state = \"established\", family = \"v6\""),
        ),
        ("a family of nothing", ("serving = [\"ns1\"]", "ordered = [\"detected ns1\"], family = \"v6\"")),
        ("a router of no table", ("serving = [\"ns1\"]", "ordered = [\"detected ns1\"], at = \"router\"")),
        ("answers to nobody", ("serving = [\"ns1\"]", "answered-by = [\"ns1\"], client = \"ns1\"")),
        ("sticky without flows", ("serving = [\"ns1\"]", "serving = [\"ns1\"], sticky = true")),
        ("unknown invariant", ("[matrix]", "[always]\nbright = \"3s\"\n\n[matrix]")),
        ("unknown flow", ("per-second = 200", "per-second = 200, flow = \"two\"")),
        ("asks twice", ("asks    = [{", "asks    = [{ service = \"one\", per-second = 5 }, {")),
        (
            "missing file",
            (
                "serves       = [\"one\"]",
                "serves       = [\"one\"]\nfiles = { \"/etc/exabgp/exabgp.conf\" = \"mine.conf\" }",
            ),
        ),
        ("mutant of no step", ("fails = \"serves\"", "fails = \"serve\"")),
        ("mutant without a step that there is not", ("fails = \"serves\"", "fails = \"serves\"\ndrop-step = 9")),
        ("mutant without the step that must fail", ("fails = \"serves\"", "fails = \"serves\"\ndrop-step = 1")),
        ("watchdog without speaker", ("\"speaker\", \"watchdog\"]\nserves", "\"watchdog\"]\nserves")),
        (
            "watchdog that cannot tell the speaker",
            ("resolver = [\"bind@9.20\"]", "resolver = [\"bind@9.20\"]\nwatchdog = [\"anycast-healthchecker@0.9.10\"]"),
        ),
        (
            "script that nobody knows how to start",
            ("resolver = [\"bind@9.20\"]", "resolver = [\"bind@9.20\"]\nwatchdog = [\"script\"]"),
        ),
        (
            "no release has both",
            ("resolver = [\"bind@9.20\"]", "resolver = [\"bind@9.18\"]\nspeaker = [\"exabgp@4.2.25\"]"),
        ),
    ];
    let told: Vec<String> =
        changes.into_iter().map(|(what, change)| format!("## {what}\n{}\n", error(folder.path(), change))).collect();
    assert!(!told.iter().any(|told| told.contains("secret") || told.contains("4711") || told.contains("sec\"ret")));
    assert!(!told.iter().any(|told| told.contains("no error")), "{}", told.join("\n"));
    insta::assert_snapshot!(told.join("\n"));
}

#[test]
fn the_good_one_is_good_and_its_patch_is_checked() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(error(folder.path(), ("a good one", "still a good one")), "no error");
    let patched = ("[[step]]\nname ", "[patch]\nnodes.ns1.on.servers = [\"10.9.9.9\"]\n\n[[step]]\nname ");
    insta::assert_snapshot!(error(folder.path(), patched), @"
    10.9.9.9 lies outside network `servers`: it has 10.1.53.0/24 and 2001:db8:53::/64
        --> scenario.toml:8:25
       8 | nodes.ns1.on.servers = [\"10.9.9.9\"]
         |                         ^^^^^^^^^^
    ");
}

#[test]
fn every_mistake_about_axes_is_told_with_its_place() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(error_in(AXES, folder.path(), ("a good one", "still a good one")), "no error");
    let changes = [
        ("named like a role", ("[axis.as]", "[axis.speaker]")),
        ("no name", ("[axis.as]", "[axis.AS]")),
        ("no name of a value", ("external =", "Ext =")),
        ("no values", ("[axis.as]", "[axis.nothing]\n\n[axis.as]")),
        ("unknown key of a value", ("why = \"eBGP\"", "whi = \"eBGP\"")),
        ("unknown axis", ("inject = \"failure\"", "inject = \"failures\"")),
        ("axis without faults", ("inject = \"failure\"", "inject = \"as\"")),
        ("fault that no step injects", ("inject = \"failure\"", "hold = \"1s\"")),
        ("neither fault nor axis", ("inject = \"failure\"", "inject = 3")),
        (
            "fault on no node",
            ("inject = { kill = \"resolver\", on = \"ns1\"", "inject = { kill = \"resolver\", on = \"ns3\""),
        ),
        (
            "fault on what does not run there",
            ("kill = \"resolver\", on = \"ns1\"", "kill = \"resolver\", on = \"router\""),
        ),
        ("fault on no role", ("hang = \"resolver\"", "hang = \"resolvers\"")),
        ("patch of another type", ("nodes.router.asn = 64600", "nodes.router.asn = \"64600\"")),
        (
            "patch out of range",
            ("nodes.router.asn = 64600", "nodes.client.asks = [{ service = \"one\", per-second = 0 }]"),
        ),
        ("patch that takes what a step expects", ("nodes.router.asn = 64600", "nodes.ns1.serves = []")),
        ("only for what is nothing", ("as = [\"internal\"] }", "at = [\"internal\"] }")),
        ("only for no value", ("as = [\"internal\"] }", "as = [\"inner\"] }")),
        ("only for none at all", ("as = [\"internal\"] }", "as = [] }")),
        ("only for no kind", ("only = { resolver = [\"bind@9.18\"]", "only = { resolver = [\"bund\"]")),
        ("only for no version", ("only = { resolver = [\"bind@9.18\"]", "only = { resolver = [\"bind@9.11\"]")),
        ("only for another role's", ("only = { resolver = [\"bind@9.18\"]", "only = { resolver = [\"bird\"]")),
        (
            "nothing together",
            (
                "[axis.as]",
                "[axis.other]\none = { only = { other = [\"two\"] } }\ntwo = { only = { other = [\"one\"] } }\n\n[axis.as]",
            ),
        ),
        ("mutant in no cell", ("cell  = \"failure=hang\"", "cell  = \"failure\"")),
        ("mutant in a cell of no axis", ("cell  = \"failure=hang\"", "cell  = \"fault=hang\"")),
        ("mutant in a cell of no value", ("cell  = \"failure=hang\"", "cell  = \"failure=crash\"")),
        ("mutant that fails where axes say what breaks", ("fails = \"serves\"", "fails = \"failure\"")),
    ];
    let told: Vec<String> = changes
        .into_iter()
        .map(|(what, change)| format!("## {what}\n{}\n", error_in(AXES, folder.path(), change)))
        .collect();
    assert!(!told.iter().any(|told| told.contains("no error")), "{}", told.join("\n"));
    insta::assert_snapshot!(told.join("\n"));
}
