//! The program as ExaBGP sees it: commands on stdout, answers on stdin, signals.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::server::{Manner, PATIENCE, Server};

const BRISK: [&str; 2] = ["--interval", "50ms"];

const ANNOUNCE: &str = "announce watchdog anycastdns";
const WITHDRAW: &str = "withdraw watchdog anycastdns";

/// The program, killed when dropped.
struct Watchdog {
    child: Child,
    stdin: Option<ChildStdin>,
    commands: Receiver<String>,
    journal: Receiver<String>,
    _folder: TempDir,
}

impl Watchdog {
    fn start(targets: &str, port: u16, options: &[&str]) -> Self {
        let (folder, conf) = conf(targets);
        let mut command = Command::new(env!("CARGO_BIN_EXE_anycast-watchdog"));
        command.args(["--conf", conf.to_str().unwrap(), "--port", &port.to_string(), "--timeout", "20s"]);
        command.args(["--fast-interval", "20ms"]).args(options);
        Self::of_command(command, folder)
    }

    fn of_toml(text: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let conf = folder.path().join("watchdog.toml");
        fs::write(&conf, text).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_anycast-watchdog"));
        command.args(["--conf", conf.to_str().unwrap()]);
        Self::of_command(command, folder)
    }

    fn of_command(mut command: Command, folder: TempDir) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Self {
            stdin: child.stdin.take(),
            commands: lines(child.stdout.take().unwrap()),
            journal: lines(child.stderr.take().unwrap()),
            child,
            _folder: folder,
        }
    }

    /// With one target, the server.
    fn of(server: &Server, options: &[&str]) -> Self {
        Self::start(&format!("{}:example.test", server.ip()), server.address.port(), options)
    }

    /// The next command about the routes that are not the drained ones: those are withdrawn at the start, for a predecessor.
    fn command(&self) -> String {
        self.command_within(PATIENCE).expect("a command")
    }

    /// The same, if there is one so soon. That ExaBGP is asked for its version is no command.
    fn command_within(&self, limit: Duration) -> Option<String> {
        let end = Instant::now() + limit;
        let next = || self.commands.recv_timeout(end.saturating_duration_since(Instant::now())).ok();
        std::iter::from_fn(next).find(|command| command != "version" && !command.ends_with("-drained"))
    }

    fn entry(&self) -> String {
        self.journal.recv_timeout(PATIENCE).expect("a journal entry")
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", signal, &pid]).status().unwrap().success());
    }

    fn end(&mut self) -> ExitStatus {
        // Both channels end with the process.
        while self.journal.recv_timeout(PATIENCE).is_ok() {}
        self.child.wait().unwrap()
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn conf(targets: &str) -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("nameserver_watchdog.conf");
    fs::write(&conf, targets).unwrap();
    (folder, conf)
}

fn lines(source: impl Read + Send + 'static) -> Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || BufReader::new(source).lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
    receiver
}

#[test]
fn announces_and_withdraws_with_the_server() {
    let server = Server::start(Manner::Serial(1));
    let address = server.address;
    let watchdog = Watchdog::of(&server, &BRISK);
    assert_eq!(watchdog.command(), WITHDRAW);
    assert_eq!(watchdog.entry(), "anycast-watchdog: withdraw anycastdns: start: withdrawn until proven healthy");
    assert_eq!(watchdog.command(), ANNOUNCE);
    let expected = "anycast-watchdog: announce anycastdns: all 2 checks pass (127.0.0.1 ";
    assert!(watchdog.entry().starts_with(expected));

    drop(server);
    assert_eq!(watchdog.command(), WITHDRAW);
    // It may have died in the midst of a check.
    assert!(watchdog.entry().starts_with("anycast-watchdog: withdraw anycastdns: "));

    let _server = Server::start_at(address, Manner::Serial(2));
    assert_eq!(watchdog.command(), ANNOUNCE);
}

#[test]
fn a_closed_connection_is_checked_at_once() {
    let server = Server::start(Manner::Serial(1));
    // Only the connection can tell: the next question is a day away, and one failure would not trip.
    let watchdog = Watchdog::of(&server, &["--interval", "86400s", "--fall", "1000"]);
    assert_eq!([watchdog.command(), watchdog.command()], [WITHDRAW, ANNOUNCE]);
    assert!(watchdog.entry().contains(" withdraw ") && watchdog.entry().contains(" announce "));
    drop(server);
    assert_eq!(watchdog.command(), WITHDRAW);
    let expected = "anycast-watchdog: withdraw anycastdns: 127.0.0.1 TCP: connection closed, re-check refused";
    assert_eq!(watchdog.entry(), expected);
}

#[test]
fn all_targets_must_pass() {
    let first = Server::start(Manner::Serial(7));
    let port = first.address.port();
    let second_address = SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2), port));
    let watchdog = Watchdog::start("127.0.0.1:example.test\n127.0.0.2:example.test\n", port, &BRISK);
    assert_eq!(watchdog.command(), WITHDRAW);
    assert!(watchdog.entry().contains("start"));
    let failing = watchdog.entry();
    assert!(failing.starts_with("anycast-watchdog: failing anycastdns: 127.0.0.2 "), "{failing}");
    assert!(failing.ends_with(": refused"), "{failing}");

    let _second = Server::start_at(second_address, Manner::Serial(7));
    assert_eq!(watchdog.command(), ANNOUNCE);
    let announced = std::iter::from_fn(|| Some(watchdog.entry())).find(|entry| !entry.contains(" failing ")).unwrap();
    assert!(announced.starts_with("anycast-watchdog: announce anycastdns: all 4 checks pass ("), "{announced}");
    assert!(announced.ends_with(": SOA example.test: serial 7)"), "{announced}");
}

#[test]
fn a_server_that_closes_every_connection_is_healthy() {
    for manner in [Manner::ClosesTcp, Manner::ClosesIdleTcp] {
        let server = Server::start(manner);
        let mut watchdog = Watchdog::of(&server, &BRISK);
        assert_eq!([watchdog.command(), watchdog.command()], [WITHDRAW, ANNOUNCE]);
        // Many questions later it has said nothing more.
        assert_eq!(watchdog.command_within(Duration::from_millis(300)), None);
        watchdog.signal("TERM");
        assert_eq!(watchdog.command(), WITHDRAW);
        assert!(watchdog.end().success());
    }
}

/// One lost segment stalls a connection for longer than the timeout.
#[test]
fn a_stalled_connection_is_no_silent_server() {
    let server = Server::start(Manner::StallsTcp);
    let watchdog = Watchdog::of_toml(&impatient(&server));
    assert_eq!([watchdog.command(), watchdog.command()], [WITHDRAW, ANNOUNCE]);
    // Several connections later.
    assert_eq!(watchdog.command_within(Duration::from_secs(1)), None);
}

#[test]
fn a_server_that_is_silent_on_a_second_connection_too_is_withdrawn() {
    let server = Server::start(Manner::FallsSilentOverTcp);
    let watchdog = Watchdog::of_toml(&impatient(&server));
    assert_eq!([watchdog.command(), watchdog.command(), watchdog.command()], [WITHDRAW, ANNOUNCE, WITHDRAW]);
    let withdrawn = std::iter::from_fn(|| Some(watchdog.entry())).filter(|entry| entry.contains(" withdraw ")).nth(1);
    let withdrawn = withdrawn.unwrap();
    assert!(withdrawn.contains(" TCP: SOA example.test: no answer within "), "{withdrawn}");
}

/// A configuration that takes 100 ms for silence.
fn impatient(server: &Server) -> String {
    format!(
        r#"
        [service.anycastdns]
        through = "exabgp"
        addresses = ["192.0.2.1"]
        binding = "ignored"
        interval = "50ms"
        timeout = "100ms"
        [[service.anycastdns.check]]
        dns = {{ name = "example.test", address = "{}", port = {} }}
        "#,
        server.ip(),
        server.address.port()
    )
}

#[test]
fn a_bad_answer_is_told_once() {
    let server = Server::start(Manner::ServFail);
    let watchdog = Watchdog::of(&server, &["--name", "other", "--interval", "50ms"]);
    assert_eq!(watchdog.command(), "withdraw watchdog other");
    assert!(watchdog.entry().contains("start"));
    // Once for each way in which it is asked.
    let mut told = [watchdog.entry(), watchdog.entry()];
    told.sort();
    let expected = ["TCP", "UDP"]
        .map(|way| format!("anycast-watchdog: failing other: 127.0.0.1 {way}: SOA example.test: SERVFAIL"));
    assert_eq!(told, expected);
    assert!(watchdog.journal.recv_timeout(Duration::from_millis(300)).is_err());
}

#[test]
fn withdraws_on_signals() {
    for signal in ["TERM", "INT"] {
        let server = Server::start(Manner::Serial(1));
        let mut watchdog = Watchdog::of(&server, &BRISK);
        assert_eq!([watchdog.command(), watchdog.command()], [WITHDRAW, ANNOUNCE]);
        watchdog.signal(signal);
        assert_eq!(watchdog.command(), WITHDRAW);
        assert_eq!(watchdog.end().code(), Some(0));
    }
}

#[test]
fn withdraws_when_exabgp_shuts_down() {
    let server = Server::start(Manner::Serial(1));
    let mut watchdog = Watchdog::of(&server, &BRISK);
    assert_eq!([watchdog.command(), watchdog.command()], [WITHDRAW, ANNOUNCE]);
    watchdog.stdin.as_mut().unwrap().write_all(b"shutdown 4711 1\n").unwrap();
    assert_eq!(watchdog.command(), WITHDRAW);
    assert_eq!(watchdog.end().code(), Some(0));
}

#[test]
fn ends_with_stdin() {
    let server = Server::start(Manner::Silent);
    let mut watchdog = Watchdog::of(&server, &BRISK);
    assert_eq!(watchdog.command(), WITHDRAW);
    drop(watchdog.stdin.take());
    assert_eq!(watchdog.command(), WITHDRAW);
    assert_eq!(watchdog.end().code(), Some(0));
}

#[test]
fn ends_with_stdout() {
    let server = Server::start(Manner::Serial(1));
    let (_folder, conf) = conf(&format!("{}:example.test", server.ip()));
    let mut child = Command::new(env!("CARGO_BIN_EXE_anycast-watchdog"))
        .args(["--conf", conf.to_str().unwrap(), "--port", &server.address.port().to_string()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let stdin = child.stdin.take();
    assert_eq!(child.wait().unwrap().code(), Some(1));
    drop(stdin);
}

#[test]
fn reads_what_exabgp_writes() {
    let server = Server::start(Manner::Serial(1));
    let mut watchdog = Watchdog::of(&server, &BRISK);
    assert_eq!([watchdog.command(), watchdog.command()], [WITHDRAW, ANNOUNCE]);
    // Three pipes full: this would block for ever if nobody read.
    let answers = "done\n".repeat(3 * 65_536 / 5);
    watchdog.stdin.as_mut().unwrap().write_all(answers.as_bytes()).unwrap();
    watchdog.stdin.as_mut().unwrap().write_all(b"error\n").unwrap();
    let error = std::iter::from_fn(|| Some(watchdog.entry())).find(|entry| entry.contains("ERROR"));
    assert!(error.unwrap().contains("hint: "));
}

/// An ExaBGP that understands all and has no such route.
#[test]
fn done_is_not_believed() {
    let server = Server::start(Manner::Serial(1));
    let mut watchdog = Watchdog::of_toml(&format!(
        r#"
        [service.anycastdns]
        through = "exabgp"
        addresses = ["192.0.2.1"]
        binding = "ignored"
        [[service.anycastdns.check]]
        dns = {{ name = "example.test", address = "{}", port = {} }}
        "#,
        server.ip(),
        server.address.port()
    ));
    let mut stdin = watchdog.stdin.take().unwrap();
    let commands = std::mem::replace(&mut watchdog.commands, mpsc::channel().1);
    let exabgp = thread::spawn(move || commands.iter().filter(|_| stdin.write_all(b"done\n").is_ok()).count());
    let entries = std::iter::from_fn(|| Some(watchdog.entry()));
    let error = entries.into_iter().find(|entry| entry.contains("ERROR")).unwrap();
    let expected =
        "anycast-watchdog: ERROR: anycastdns: ExaBGP was told, and adj-RIB-out has no route to 192.0.2.1/32; ";
    assert!(error.starts_with(expected), "{error}");
    watchdog.signal("TERM");
    assert_eq!(watchdog.end().code(), Some(0));
    // It was asked now and then, not all the time.
    assert!(exabgp.join().unwrap() < 100);
}

#[test]
fn a_bad_configuration_withdraws_and_ends() {
    let mut watchdog = Watchdog::start("10.1.53.1\n", 53, &BRISK);
    assert_eq!(watchdog.command(), WITHDRAW);
    let entries: Vec<_> = std::iter::from_fn(|| watchdog.journal.recv_timeout(PATIENCE).ok()).collect();
    let entries = entries.join("\n");
    assert!(
        entries.contains("nameserver_watchdog.conf:1: expected `address:domain`, found `10.1.53.1`\nhint: "),
        "{entries}"
    );
    assert_eq!(watchdog.end().code(), Some(2));
}

#[test]
fn help_and_version_are_readable() {
    for (option, expected) in [("--help", "--fast-interval <DURATION>"), ("--version", env!("CARGO_PKG_VERSION"))] {
        let output = Command::new(env!("CARGO_BIN_EXE_anycast-watchdog")).arg(option).output().unwrap();
        assert!(output.status.success());
        assert!(String::from_utf8_lossy(&output.stdout).contains(expected));
    }
}
