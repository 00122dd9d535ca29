//! A key in each place that a scenario has for one, in each daemon's syntax: none is in what is shown or recorded.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use harness::plan::Plan;
use harness::report::RunFolder;
use harness::run::Request;

/// In every key; no key is anything else.
const MARKER: &str = "S3same";

const SCENARIO: &str = r#"title = "keys everywhere"

[topology.networks]
servers = ["10.1.53.0/24"]

[topology.services.one]
addresses = ["198.51.100.1"]
zone = "example.test"

[topology.nodes.router]
on = { servers = ["10.1.53.254"] }
runs = ["router"]
asn = 64601

[topology.nodes.ns1]
on = { servers = ["10.1.53.11"] }
runs = ["resolver", "speaker", "watchdog"]
serves = ["one"]
asn = 64601
peers.router = { md5 = "S3same-session" }
env = { CHECKER_TOKEN = "S3same-env", checker_url = "http://10.0.0.1/?password=S3same-url" }
vars = { bgp_password = "S3same-var", nested = { key = "S3same-nested" }, pin_key = 4711 }
script = "/opt/checker --api-key=S3same-script --secret S3same-word"

[topology.nodes.ns1.files]
"/opt/named.conf" = "named.conf"
"/opt/bird.conf" = "bird.conf"
"/opt/frr.conf" = "frr.conf"
"/opt/exabgp.conf" = "exabgp.conf"
"/opt/keepalived.conf" = "keepalived.conf"
"/opt/dnsdist.conf" = "dnsdist.conf"
"/opt/pdns.conf" = "pdns.conf"
"/opt/key.pem" = "key.pem"
"/opt/template.conf" = "template.conf.j2"

[topology.nodes.client]
on = { servers = ["10.1.53.99"] }

[matrix]
watchdog = ["script"]
speaker = ["exabgp@5.0.15", "frr@10.3", "bird@2.17"]

[[step]]
name = "serves"
expect = { serving = ["ns1"] }

[[step]]
inject = { md5 = "S3same-fault", on = "ns1", peer = "router" }
"#;

const FILES: [(&str, &str); 9] = [
    ("named.conf", "key \"k\" { algorithm hmac-sha256; secret \"S3same-tsig\"; };\nkey r { secret S3same-rndc; };\n"),
    (
        "bird.conf",
        "protocol bgp { password \"S3same-bird\"; authentication ao; keys { key { secret \"S3same-ao\"; }; }; }\n",
    ),
    ("frr.conf", "password S3same-vty\nrouter bgp 1\n neighbor 10.0.0.1 password S3same frr;key\n"),
    (
        "exabgp.conf",
        "neighbor 10.0.0.1 { md5 \"S3same-3\"; md5-password 'S3same-4'; }\n md5-password\n  \"S3same-5\";\n",
    ),
    ("keepalived.conf", "authentication {\n auth_type PASS\n auth_pass S3same-vrrp\n}\n"),
    (
        "dnsdist.conf",
        "setKey(\"S3same-console\")\nnewServer({address='10.0.0.1', key='S3same-tls'})\nwebserver('127.0.0.1:1', 'S3same-a', 'S3same-b')\nsetWebserverConfig({password=\"S3same-c\", apiKey=\"S3same-d\"})\n",
    ),
    ("pdns.conf", "api-key=S3same-api\nwebserver-password=S3same-web\ngmysql-password=S3same-db\n"),
    ("key.pem", "-----BEGIN EC PRIVATE KEY-----\nS3sameS3same\nS3same==\n-----END EC PRIVATE KEY-----\n"),
    ("template.conf.j2", "x {{ bgp_password }} y {{ nested.key }}\n"),
];

fn request(folder: &Path, scenario: &str, cell: &str, record_files: bool) -> Request {
    fs::write(folder.join("keys.toml"), scenario).expect("a file");
    for (name, text) in FILES {
        fs::write(folder.join(name), text).expect("a file");
    }
    Request {
        file: folder.join("keys.toml"),
        mutant: None,
        cell: Some(cell.to_owned()),
        records: folder.join("records"),
        files: BTreeMap::new(),
        record_files,
    }
}

/// All that is below a folder.
fn texts(folder: &Path) -> Vec<(String, String)> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder").flatten() {
        let path = entry.path();
        if path.is_dir() {
            all.extend(texts(&path));
        } else {
            let text = fs::read(&path).expect("a file");
            all.push((path.display().to_string(), String::from_utf8_lossy(&text).into_owned()));
        }
    }
    all
}

#[test]
fn no_key_is_in_the_plan_or_in_its_record() {
    let folder = tempfile::tempdir().expect("a folder");
    for cell in ["speaker=exabgp@5.0.15", "speaker=frr@10.3", "speaker=bird@2.17"] {
        for record_files in [false, true] {
            let request = request(folder.path(), SCENARIO, cell, record_files);
            let plan = request.plan().unwrap_or_else(|error| panic!("{cell}: {error}"));
            let records = tempfile::tempdir().expect("a folder");
            let (record, _) = RunFolder::create(records.path(), "run", &plan).expect("a record");
            // In JSON, contents are base64.
            let read: Plan = record.plan().expect("a plan");
            let inside = read.nodes.iter().flat_map(|node| node.files.whole());
            let inside = inside.map(|file| String::from_utf8_lossy(&file.content.0).into_owned()).collect();
            let mut all = texts(records.path());
            assert_eq!(all.iter().any(|(path, _)| path.ends_with("ns1/opt/bird.conf")), record_files);
            assert!(all.iter().any(|(path, _)| path.ends_with("plan.json")));
            all.extend([("terminal".to_owned(), plan.to_string()), ("plan.json, decoded".to_owned(), inside)]);
            for (path, text) in all {
                assert!(!text.contains(MARKER) && !text.contains("4711"), "{cell}, {path}:\n{text}");
            }
            // The nodes have them; and what a daemon of either end quotes is hidden.
            let whole = plan.node("ns1").expect("ns1").files.whole();
            assert!(
                whole.iter().filter(|file| String::from_utf8_lossy(&file.content.0).contains(MARKER)).count() >= 10
            );
            for node in &plan.nodes {
                for (_, text) in FILES {
                    let keys = text
                        .split(|c: char| !(c.is_alphanumeric() || c == '-'))
                        .filter(|word| word.starts_with(MARKER));
                    for key in keys.filter(|key| key.len() > MARKER.len()) {
                        let line = node.files.redact(&format!("line 3: unexpected {key} here"));
                        // FRR's key has blanks: only the whole is a key.
                        assert!(!line.contains(key), "{}: {line}", node.name);
                    }
                }
                for key in
                    ["S3same-session", "S3same-fault", "S3same-env", "S3same-var", "S3same-nested", "S3same-script"]
                {
                    let line = node.files.redact(&format!("unknown: {key}"));
                    assert_eq!(line, "unknown: •••", "{}", node.name);
                }
            }
        }
    }
}

#[test]
fn no_key_is_in_an_error() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines: Vec<&str> = SCENARIO.lines().filter(|line| line.contains(MARKER)).collect();
    assert_eq!(lines.len(), 5);
    for line in lines {
        // A mistake in the same line, and one of the key itself.
        let wrong = if line.starts_with("inject") {
            line.replace("on = \"ns1\"", "on = \"nobody\"")
        } else if line.contains('}') {
            line.replace(" }", ", nothing = [] }")
        } else {
            line.replace("\"/opt/checker", "[] # \"/opt/checker")
        };
        let of_the_key = line.replace("= \"S3same", "= 1 # \"S3same");
        for wrong in [wrong, of_the_key, line.replacen("= ", "= = ", 1)] {
            let scenario = SCENARIO.replace(line, &wrong);
            let request = request(folder.path(), &scenario, "speaker=exabgp@5.0.15", false);
            let Err(error) = request.plan() else { continue };
            assert!(!error.to_string().contains(MARKER), "{wrong}\n{error}");
        }
    }
}
