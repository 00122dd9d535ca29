use std::collections::BTreeMap;

use protocol::Exit;

use super::super::children;
use super::*;
use crate::report::tests::Shared;

fn daemons(script: &str) -> (Daemons, Shared) {
    let seen = Shared::default();
    let reporter = Reporter::writing_to(seen.clone()).unwrap();
    let argv = ["/bin/sh", "-c", script].map(String::from).to_vec();
    let daemon = Daemon { name: "d".into(), argv, env: BTreeMap::from([("SAY".into(), "hello".into())]) };
    (Daemons::new(vec![daemon], children(), reporter).unwrap(), seen)
}

fn error<T>(result: anyhow::Result<T>) -> String {
    format!("{:#}", result.err().unwrap())
}

#[tokio::test]
async fn a_daemon_is_started_once_and_its_end_is_exact() {
    let (daemons, seen) = daemons("echo $SAY; exec sleep 60");
    daemons.start_all().unwrap();
    assert!(error(daemons.start("d")).starts_with("d is running already, as pid "));
    let running = daemons.find("d").unwrap();
    let (killed, detail) = daemons.signal("d", protocol::Signal::SigKill).unwrap();
    assert!(detail.ends_with(", SIGKILL"), "{detail}");

    let (pid, ended) = running.wait().await.unwrap();
    assert_eq!(ended.exit, Exit::Signal(9));
    assert!(ended.at >= killed);
    assert_eq!(error(daemons.signal("d", protocol::Signal::SigKill)), "d is not running");

    daemons.0.reporter.flush();
    let observations = seen.observations();
    assert_eq!(observations[0], Observation::Started { daemon: "d".into(), pid });
    assert!(observations.contains(&Observation::Exited { daemon: "d".into(), pid, exit: Exit::Signal(9) }));
}

#[tokio::test]
async fn a_daemon_that_was_stopped_starts_again() {
    let (daemons, _) = daemons("exec sleep 60");
    for _ in 0..2 {
        daemons.start("d").unwrap();
        let (_, ended) = daemons.stop("d").unwrap().wait().await.unwrap();
        assert_eq!(ended.exit, Exit::Signal(15));
    }
}

#[tokio::test]
async fn its_lines_are_reported_with_their_stream() {
    let (daemons, seen) = daemons("echo $SAY; printf oops >&2");
    daemons.start("d").unwrap();
    let line = |stream, text: &str| Observation::Line { daemon: "d".into(), stream, text: text.into() };
    let mut expected = vec![line(Stream::Stdout, "hello"), line(Stream::Stderr, "oops")];
    while !expected.is_empty() {
        tokio::task::yield_now().await;
        daemons.0.reporter.flush();
        let observations = seen.observations();
        expected.retain(|line| !observations.contains(line));
    }
}

#[tokio::test]
async fn an_unknown_name_is_answered_with_the_known_ones() {
    let (daemons, _) = daemons("");
    assert_eq!(error(daemons.stop("x")), "no daemon `x` on this node; there is: d");
}
