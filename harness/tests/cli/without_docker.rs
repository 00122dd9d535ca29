//! What needs no Docker, and what is said when it is not there.

use harness::cli::exit;
use rstest::rstest;

use crate::command::{Ended, end, kill_named, lab};

async fn run<A: AsRef<std::ffi::OsStr>>(args: &[A]) -> Ended {
    let mut command = lab(args);
    command.env("DOCKER_HOST", "unix:///nonexistent/docker.sock");
    end(command).await
}

#[rstest]
#[case::run("run")]
#[case::plan("plan")]
#[tokio::test]
async fn a_bad_scenario_is_shown_with_a_caret(#[case] verb: &str) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let file = folder.path().join("typo.toml");
    let text = "title = \"t\"\ntopology = { networks = {}, nodes = {} }\n\n[[step]]\nexpct = { serving = [] }\n";
    std::fs::write(&file, text).expect("there is room");
    let ended = run(&[verb.as_ref(), file.as_os_str()]).await;
    ended.must_exit(exit::BAD_SCENARIO);
    let lines: Vec<&str> = ended.stderr.lines().collect();
    let shown = lines.iter().position(|line| line.contains("expct = {")).expect("the line is shown");
    let caret = lines.get(shown + 1).expect("a line below it");
    assert_eq!(caret.find('^'), lines.get(shown).and_then(|line| line.find("expct")), "{ended:#?}");
    assert!(ended.stderr.contains("typo.toml:5"), "{ended:#?}");
}

#[rstest]
#[case::run("run")]
#[case::plan("plan")]
#[tokio::test]
async fn a_file_that_is_not_there_is_named(#[case] verb: &str) {
    let ended = run(&[verb, "/nonexistent/scenario.toml"]).await;
    ended.must_exit(exit::BAD_SCENARIO);
    assert!(ended.stderr.starts_with("error: there is no file /nonexistent/scenario.toml"), "{ended:#?}");
}

#[rstest]
#[case::run(&["run", concat!(env!("CARGO_MANIFEST_DIR"), "/../scenarios/kill-named.toml")])]
#[case::images(&["images"])]
#[case::clean(&["clean"])]
#[tokio::test]
async fn without_docker_it_says_where_it_looked_and_what_to_do(#[case] args: &[&str]) {
    let ended = run(args).await;
    ended.must_exit(exit::UNREACHABLE);
    ended.must_explain("no container engine at unix:///nonexistent/docker.sock", "DOCKER_HOST");
}

#[tokio::test]
async fn plan_needs_no_docker() {
    let file = kill_named();
    let ended = run(&["plan".as_ref(), file.as_os_str()]).await;
    ended.must_exit(exit::PASS);
    assert!(ended.stdout.contains("ns2 alone serves") && ended.stderr.is_empty(), "{ended:#?}");

    let ended = run(&["plan".as_ref(), "--cells".as_ref(), file.as_os_str()]).await;
    ended.must_exit(exit::PASS);
    let (cells, rest): (Vec<&str>, Vec<&str>) = ended.stdout.lines().partition(|line| !line.starts_with(['#', '(']));
    assert!(cells.len() > 1 && cells.iter().all(|cell| cell.contains(" · ")), "{ended:#?}");
    let summary = format!("# {} of ", cells.len());
    assert!(rest.iter().any(|line| line.starts_with(&summary)), "{summary}: {ended:#?}");
    assert!(rest.iter().any(|line| line.contains("no Debian release has all parts")), "{ended:#?}");

    let all = run(&["plan".as_ref(), "--cells".as_ref(), "--all".as_ref(), file.as_os_str()]).await;
    all.must_exit(exit::PASS);
    let count = |mark: &str| all.stdout.lines().filter(|line| line.starts_with(mark)).count();
    assert!(count("+ ") > 0 && count("  (") > 0 && cells.iter().all(|cell| all.stdout.contains(cell)), "{all:#?}");
}

#[tokio::test]
async fn a_plan_that_cannot_be_written_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let mut command = lab(&["plan".as_ref(), kill_named().as_os_str()]);
    let child = command.stdout(full).stderr(std::process::Stdio::piped()).spawn().expect("it can be started");
    let output = child.wait_with_output().await.expect("it ends");
    assert_eq!(output.status.code(), Some(98));
    assert!(
        String::from_utf8_lossy(&output.stderr).starts_with("error: cannot write the plan to stdout"),
        "{output:?}"
    );
}

#[rstest]
#[case::no_command(&[])]
#[case::no_file(&["run"])]
#[case::no_such_option(&["plan", "--nonsense", "x"])]
#[case::all_of_nothing(&["plan", "--all", "x"])]
#[tokio::test]
async fn bad_usage_is_2(#[case] args: &[&str]) {
    run(args).await.must_exit(2);
}
