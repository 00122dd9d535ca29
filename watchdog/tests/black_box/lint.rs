//! `anycast-watchdog lint`: what it prints, and how it ends.

use std::fs;
use std::process::{Command, Output};

use tempfile::TempDir;

const GOOD: &str = "protocol device { }\n";
const SHUT: &str = "router bgp 64601\n neighbor 10.0.0.1 shutdown\n";

/// Runs it in a folder with these files.
fn lint(files: &[(&str, &str)], arguments: &[&str]) -> (Option<i32>, String, String) {
    let folder = TempDir::new().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    let Output { status, stdout, stderr } = Command::new(env!("CARGO_BIN_EXE_anycast-watchdog"))
        .current_dir(folder.path())
        .arg("lint")
        .args(arguments)
        .output()
        .unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn nothing_found() {
    assert_eq!(lint(&[("bird.conf", GOOD)], &["bird.conf"]), (Some(0), String::new(), String::new()));
}

/// Notes alone are no reason to fail.
#[test]
fn notes_only() {
    let (code, stdout, _) = lint(&[("a", "neighbor 10.0.0.1 {\n}\n")], &["a"]);
    assert_eq!(code, Some(0));
    assert!(stdout.starts_with("a:1: note[long-hold-time]: "), "{stdout}");
}

#[test]
fn findings_in_one_of_two_files() {
    let (code, stdout, stderr) = lint(&[("bird.conf", GOOD), ("frr.conf", SHUT)], &["frr.conf", "bird.conf"]);
    assert_eq!((code, stderr.as_str()), (Some(1), ""));
    assert!(stdout.contains("frr.conf:2: warning[shutdown]: neighbor 10.0.0.1 is shut down\n    "), "{stdout}");
    let (code, stdout, _) = lint(&[("frr.conf", SHUT)], &["--json", "frr.conf"]);
    assert_eq!(code, Some(1));
    assert!(stdout.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{stdout}");
}

#[test]
fn what_cannot_be_read() {
    let (code, stdout, stderr) = lint(&[("frr.conf", SHUT)], &["missing.conf", "frr.conf"]);
    assert_eq!(code, Some(2));
    assert!(stdout.contains("warning[shutdown]"), "the others are read all the same: {stdout}");
    insta::assert_snapshot!(stderr, @r"
    anycast-watchdog: missing.conf: expected a readable file, found: No such file or directory (os error 2)
    hint: name the configuration file of ExaBGP, BIRD or FRR
    ");
}

#[test]
fn what_is_none_of_the_three() {
    let (code, _, stderr) = lint(&[("named.conf", "options { };\n")], &["named.conf"]);
    assert_eq!(code, Some(2));
    insta::assert_snapshot!(stderr, @r"
    anycast-watchdog: named.conf: expected a configuration of ExaBGP, BIRD or FRR, found no `neighbor`, `protocol` or `router bgp` in it
    hint: say whose it is: --as exabgp, --as bird or --as frr
    ");
    let (code, ..) = lint(&[("named.conf", "options { };\n")], &["--as", "exabgp", "named.conf"]);
    assert_eq!(code, Some(0));
}

#[test]
fn the_list_is_that_of_the_document() {
    let (code, stdout, _) = lint(&[], &["--list"]);
    assert_eq!(code, Some(0));
    let document = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../lint/LINT.md")).unwrap();
    let rows =
        document.lines().filter(|line| ["| exabgp", "| bird", "| frr"].iter().any(|daemon| line.starts_with(daemon)));
    let of_rows = rows.map(|row| {
        let cells = Vec::from_iter(row.split(" | "));
        [cells[0].trim_start_matches("| "), cells[2], cells[1].trim_matches('`')].map(str::to_owned)
    });
    let of_lines = stdout.lines().map(|line| {
        let words = Vec::from_iter(line.split_whitespace());
        [words[0], words[1], words[2]].map(str::to_owned)
    });
    assert_eq!(Vec::from_iter(of_lines), Vec::from_iter(of_rows));
}

#[test]
fn a_mistake_in_the_options() {
    let (code, _, stderr) = lint(&[], &[]);
    assert_eq!(code, Some(2));
    assert!(stderr.contains("<FILE>..."), "{stderr}");
}
