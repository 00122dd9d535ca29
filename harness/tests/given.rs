//! A configuration file that a scenario brings is held against its topology.

use std::collections::BTreeMap;
use std::path::Path;

use harness::run::Request;

/// What is said of the scenario of the article when its file is changed so.
fn planned(from: &str, to: &str) -> Result<(), String> {
    let scenarios = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios");
    let text = std::fs::read_to_string(scenarios.join("anycasting-dns/exabgp.conf.j2")).expect("the article's file");
    assert!(text.contains(from), "{from}");
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("exabgp.conf.j2");
    std::fs::write(&file, text.replacen(from, to, 1)).expect("a file");
    let request = Request {
        file: scenarios.join("anycasting-dns.toml"),
        mutant: None,
        cell: None,
        records: folder.path().to_owned(),
        files: BTreeMap::from([("/etc/exabgp/exabgp.conf".to_owned(), file)]),
        record_files: false,
    };
    request.plan().map(drop).map_err(|error| error.to_string())
}

#[test]
fn a_file_that_fits_is_taken() {
    assert_eq!(planned("hold-time 10;", "hold-time 12;"), Ok(()));
}

#[test]
fn a_misfit_names_both_places() {
    let cases = [
        ("peer-as 64601;", "peer-as 64602;", "the peer's AS is 64602, and `router` is AS 64601"),
        ("neighbor 10.1.53.254", "neighbor 10.1.53.253", "none of them is 10.1.53.254, `router`'s address"),
        ("local-as 64601;", "local-as 64777;", "its own AS is 64777, and `router` expects AS 64601"),
    ];
    for (from, to, expected) in cases {
        let error = planned(from, to).expect_err(to);
        assert!(error.contains(expected), "{error}");
        assert!(error.contains("exabgp.conf.j2:") && error.contains("-->"), "{error}");
    }
}
