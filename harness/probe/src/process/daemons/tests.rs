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
    let (killed, detail, _) = daemons.signal("d", protocol::Signal::SigKill).unwrap();
    assert!(detail.ends_with(", SIGKILL"), "{detail}");

    let (pid, ended) = running.wait().await.unwrap();
    assert_eq!(ended.exit, Exit::Signal(9));
    assert!(ended.at >= killed);
    assert_eq!(
        error(daemons.signal("d", protocol::Signal::SigKill)),
        "d is not running: it was killed by signal 9; its last line: hello"
    );

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
        let stopping = daemons.stop("d").unwrap();
        let (_, detail) = daemons.stopped("d", stopping).await.unwrap();
        assert!(detail.ends_with(", killed by signal 15"), "{detail}");
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

/// A daemon that starts a child in its group, one in a session of its own, and one that lost its parent, too.
const FAMILY: &str = "sleep 60 & setsid sleep 60 & (setsid sleep 60 &) ; echo ready; wait";

async fn of_family(name: &'static str, script: &str) -> (Daemons, Running) {
    let seen = Shared::default();
    let reporter = Reporter::writing_to(seen).unwrap();
    let argv = ["/bin/sh", "-c", script].map(String::from).to_vec();
    let daemon = Daemon { name: name.into(), argv, env: BTreeMap::new() };
    let daemons = Daemons::new(vec![daemon], children(), reporter).unwrap();
    daemons.start(name).unwrap();
    let running = daemons.find(name).unwrap();
    until(|| daemons.accounts()[0].lines == ["ready"]).await;
    until(|| tree::of(name, running.pid).len() == 4).await;
    (daemons, running)
}

async fn until(mut holds: impl FnMut() -> bool) {
    let mut pace = tokio::time::interval(Duration::from_millis(10));
    for _ in 0..1000 {
        if holds() {
            return;
        }
        pace.tick().await;
    }
    panic!("it does not come to hold");
}

fn states(pids: &std::collections::BTreeSet<i32>) -> String {
    tree::all().iter().filter(|process| pids.contains(&process.pid)).map(|process| process.state).collect()
}

#[tokio::test]
async fn a_kill_reaches_every_process_of_a_daemon() {
    let (daemons, running) = of_family("killed-family", FAMILY).await;
    let (_, detail, _) = daemons.signal("killed-family", protocol::Signal::SigKill).unwrap();
    assert_eq!(detail, format!("pid {} and 3 more, SIGKILL", running.pid));
    let main = running.pid;
    Daemons::killed("killed-family", running).await.unwrap();
    until(|| tree::of("killed-family", main).is_empty()).await;
}

#[tokio::test]
async fn a_hang_stops_every_process_and_a_stop_still_ends_them() {
    let (daemons, running) = of_family("hung-family", FAMILY).await;
    let pids = tree::of("hung-family", running.pid);
    daemons.signal("hung-family", protocol::Signal::SigStop).unwrap();
    until(|| states(&pids) == "TTTT").await;
    let stopping = daemons.stop("hung-family").unwrap();
    let (_, detail) = daemons.stopped("hung-family", stopping).await.unwrap();
    assert!(detail.ends_with("killed by signal 15"), "{detail}");
    until(|| tree::of("hung-family", running.pid).is_empty()).await;
}

#[tokio::test]
async fn what_ignores_sigterm_is_killed_with_the_main_process_and_a_main_process_that_does_is_an_error() {
    let deaf = "trap '' TERM; setsid sleep 60 & trap 'exit 3' TERM; (setsid sleep 60 &) ; sleep 60 & echo ready; wait";
    let (daemons, running) = of_family("deaf-family", deaf).await;
    let stopping = daemons.stop("deaf-family").unwrap();
    let (_, detail) = daemons.stopped("deaf-family", stopping).await.unwrap();
    assert!(detail.ends_with("exited with status 3"), "{detail}");
    until(|| tree::of("deaf-family", running.pid).is_empty()).await;

    let (daemons, running) = of_family("deaf", &format!("trap '' TERM; {FAMILY}")).await;
    let stopping = daemons.stop("deaf").unwrap();
    let error = error(daemons.stopped("deaf", stopping).await);
    let expected = format!("deaf did not end within 8 s of SIGTERM: pid {} (sh, state S) still runs", running.pid);
    assert_eq!(error, expected);
    daemons.signal("deaf", protocol::Signal::SigKill).unwrap();
}

#[tokio::test]
async fn a_daemon_that_runs_is_not_started_twice_by_a_heal() {
    let (daemons, _) = daemons("exec sleep 60");
    let (_, first) = daemons.revive("d").unwrap();
    let (_, second) = daemons.revive("d").unwrap();
    assert_eq!(second, format!("{first}, which runs already"));
    daemons.signal("d", protocol::Signal::SigKill).unwrap();
}
