//! The program as a daemon of its own, beside BIRD or FRR.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};
use std::{fs, thread};

use tempfile::TempDir;

use crate::daemon::{Daemon, Kind};
use crate::server::{Manner, PATIENCE, Server};

const BIRD: [&str; 2] = ["--through", "bird"];
const FRR: [&str; 4] = ["--through", "frr", "--asn", "65001"];
const ENABLE: &str = "enable \"anycastdns\"";
const DISABLE: &str = "disable \"anycastdns\"";
const NETWORK: &str = "network 127.0.0.1/32";
const NO_NETWORK: &str = "no network 127.0.0.1/32";

/// The end takes a second at most; this leaves room for a slow machine.
const BOUND: Duration = Duration::from_secs(5);

/// The program, killed when dropped, and the folder with its socket.
struct Watchdog {
    child: Child,
    journal: Receiver<String>,
    _folder: TempDir,
}

fn folder() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control");
    (folder, socket)
}

impl Watchdog {
    fn start(folder: TempDir, options: &[&str], conf: &str, port: u16) -> Self {
        let path = folder.path().join("watchdog.conf");
        fs::write(&path, conf).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_anycast-watchdog"))
            .args(options)
            .args(["--conf", path.to_str().unwrap(), "--port", &port.to_string(), "--timeout", "20s"])
            .args(["--interval", "50ms", "--fast-interval", "20ms"])
            .args(["--socket", folder.path().join("control").to_str().unwrap()])
            // At its end already: means nothing to a daemon.
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, journal) = mpsc::channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self { child, journal, _folder: folder }
    }

    fn of(server: &Server, folder: TempDir, options: &[&str]) -> Self {
        Self::start(folder, options, &format!("{}:example.test\n", server.ip()), server.address.port())
    }

    /// The next entry with this text, and all before it.
    fn until(&self, text: &str) -> Vec<String> {
        let mut entries = Vec::new();
        let deadline = Instant::now() + PATIENCE;
        while !entries.last().is_some_and(|last: &String| last.contains(text)) {
            match self.journal.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(entry) => entries.push(entry),
                Err(_) => panic!("expected `{text}`, found {entries:#?}"),
            }
        }
        entries
    }

    fn terminate(&mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
        self.child.wait().unwrap()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// From start to end, through a daemon of the kind.
fn follows_the_server(kind: Kind, options: &[&str], [announce, withdraw]: [&str; 2]) {
    let (folder, socket) = folder();
    let daemon = Daemon::start(kind, &socket);
    let server = Server::start(Manner::Serial(1));
    let address = server.address;
    let mut watchdog = Watchdog::of(&server, folder, options);
    watchdog.until("anycast-watchdog: announce anycastdns: all 2 checks pass (127.0.0.1 ");
    watchdog.until("anycast-watchdog: confirmed anycastdns: announced: ");
    // The first withdrawal may have come to nobody yet, and then is of no use any more.
    let first = daemon.command();
    assert!(first == announce || first == withdraw && daemon.command() == announce);

    drop(server);
    watchdog.until("anycast-watchdog: withdraw anycastdns: ");
    assert_eq!(daemon.command(), withdraw);
    watchdog.until("anycast-watchdog: confirmed anycastdns: withdrawn: ");

    let _server = Server::start_at(address, Manner::Serial(2));
    assert_eq!(daemon.command(), announce);
    watchdog.until("anycast-watchdog: confirmed anycastdns: announced: ");

    assert!(watchdog.terminate().success());
    assert_eq!(daemon.command(), withdraw);
    watchdog.until("anycast-watchdog: withdraw anycastdns: SIGTERM received");
    watchdog.until("anycast-watchdog: confirmed anycastdns: withdrawn: ");
}

#[test]
fn bird_follows_the_server() {
    follows_the_server(Kind::Bird, &BIRD, [ENABLE, DISABLE]);
}

#[test]
fn frr_follows_the_server() {
    follows_the_server(Kind::Frr, &FRR, [NETWORK, NO_NETWORK]);
}

/// Absent at the start, then there, then started anew without what it was told.
fn reconnects(kind: Kind, options: &[&str], announce: &str) {
    let (folder, socket) = folder();
    let server = Server::start(Manner::Serial(1));
    let watchdog = Watchdog::of(&server, folder, options);
    watchdog.until("anycast-watchdog: announce anycastdns: ");
    let daemon = Daemon::start(kind, &socket);
    watchdog.until("anycast-watchdog: confirmed anycastdns: announced: ");
    assert_eq!(daemon.command(), announce);
    drop(daemon);
    watchdog.until("connection closed");
    let daemon = Daemon::start(kind, &socket);
    assert_eq!(daemon.command(), announce);
    watchdog.until("anycast-watchdog: confirmed anycastdns: announced: ");
}

#[test]
fn bird_may_come_later_and_start_anew() {
    reconnects(Kind::Bird, &BIRD, ENABLE);
}

#[test]
fn frr_may_come_later_and_start_anew() {
    reconnects(Kind::Frr, &FRR, NETWORK);
}

#[test]
fn leftovers_are_withdrawn_at_the_start() {
    let (folder, socket) = folder();
    let daemon = Daemon::start(Kind::Frr, &socket);
    let server = Server::start(Manner::ServFail);
    let watchdog = Watchdog::of(&server, folder, &FRR);
    assert_eq!(daemon.command(), NO_NETWORK);
    watchdog.until("anycast-watchdog: confirmed anycastdns: withdrawn: 127.0.0.1/32 absent");
}

/// With a daemon of this kind, the entry comes, and never a confirmation; the end is bounded.
fn never_confirms(kind: Kind, options: &[&str], expected: &str) {
    let (folder, socket) = folder();
    let _daemon = Daemon::start(kind, &socket);
    let server = Server::start(Manner::Serial(1));
    let mut watchdog = Watchdog::of(&server, folder, options);
    let before = watchdog.until(expected);
    assert!(before.last().unwrap().starts_with("anycast-watchdog: ERROR: "), "{before:#?}");
    let asked = Instant::now();
    assert!(watchdog.terminate().success());
    assert!(asked.elapsed() < BOUND);
    let after: Vec<_> = watchdog.journal.iter().collect();
    let confirmed = |entry: &&String| entry.contains("confirmed anycastdns: announced");
    assert_eq!(before.iter().chain(&after).find(confirmed), None);
}

#[test]
fn nothing_matches() {
    never_confirms(Kind::BirdWithoutProtocols, &BIRD, "no protocol is the service's; hint: ");
}

#[test]
fn success_without_effect_is_not_believed() {
    never_confirms(Kind::BirdThatLies, &BIRD, "asked to announce, and still: anycastdns down");
}

#[test]
fn a_stranger_is_not_believed() {
    never_confirms(Kind::NoBird, &BIRD, "reply not understood: expected a line with a four-digit code");
}

#[test]
fn silence_is_told_and_does_not_hold_up_the_end() {
    never_confirms(Kind::BirdThatHangs, &BIRD, "no answer within 1 s");
}

#[test]
fn frr_without_an_instance_is_left_alone() {
    never_confirms(Kind::FrrWithoutInstance, &FRR, "Default BGP instance not found");
}

#[test]
fn frr_in_another_as() {
    let other = ["--through", "frr", "--asn", "65002"];
    never_confirms(
        Kind::Frr,
        &other,
        "BGP is already running; AS is 65001 (status 13); hint: give that AS number as --asn",
    );
}

#[test]
fn a_bad_configuration_withdraws_and_ends() {
    for (options, kind, withdraw) in [(&BIRD[..], Kind::Bird, DISABLE), (&FRR[..], Kind::Frr, NO_NETWORK)] {
        let (folder, socket) = folder();
        let daemon = Daemon::start(kind, &socket);
        let mut watchdog = Watchdog::start(folder, options, "127.0.0.1:example.test\n10.1.53.1\n", 53);
        assert_eq!(daemon.command(), withdraw);
        watchdog.until("confirmed anycastdns: withdrawn: ");
        assert_eq!(watchdog.child.wait().unwrap().code(), Some(2));
    }
}

#[test]
fn without_any_target_frr_is_told_nothing_and_the_journal_says_so() {
    let (folder, _) = folder();
    let mut watchdog = Watchdog::start(folder, &FRR, "# nothing\n", 53);
    watchdog.until("no route is known, so none is withdrawn");
    assert_eq!(watchdog.child.wait().unwrap().code(), Some(2));
}

#[test]
fn the_end_does_not_wait_for_a_daemon_that_is_not_there() {
    let (folder, _) = folder();
    let server = Server::start(Manner::Serial(1));
    let mut watchdog = Watchdog::of(&server, folder, &BIRD);
    watchdog.until("cannot connect");
    assert!(watchdog.terminate().success());
    let entries: Vec<_> = watchdog.journal.iter().collect();
    assert!(!entries.iter().any(|entry| entry.contains("not confirmed within")), "{entries:#?}");
}
