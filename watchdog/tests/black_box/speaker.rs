//! The program beside BIRD and FRR: sockets that answer as these do.

use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::server::{Manner, PATIENCE, Server};

/// The program, killed when dropped; its journal.
struct Watchdog(Child, Receiver<String>);

impl Watchdog {
    fn of(server: &Server, folder: &Path, options: &[&str]) -> Self {
        let conf = folder.join("watchdog.conf");
        std::fs::write(&conf, format!("{}:example.test", server.ip())).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_anycast-watchdog"))
            .args(["--port", &server.address.port().to_string(), "--interval", "50ms", "--fast-interval", "20ms"])
            .arg("--conf")
            .arg(conf)
            .args(options)
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let (sender, journal) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        thread::spawn(move || stderr.lines().map_while(Result::ok).try_for_each(|line| sender.send(line)));
        Self(child, journal)
    }

    /// Waits for an entry of the journal that contains this.
    fn entry(&self, part: &str) -> String {
        self.entries(&[part])
    }

    /// Waits until each of these is in an entry, in whatever order; returns the last one.
    fn entries(&self, parts: &[&str]) -> String {
        let mut seen: Vec<String> = Vec::new();
        while let Ok(line) = self.1.recv_timeout(PATIENCE) {
            seen.push(line.clone());
            if parts.iter().all(|part| seen.iter().any(|line| line.contains(part))) {
                return line;
            }
        }
        panic!("expected entries with {parts:?}, found: {seen:?}");
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

/// BIRD, as far as it goes; each command that it was given is sent on. It answers what `say` says.
fn bird(socket: &Path, say: fn(&str) -> &'static str) -> Receiver<String> {
    let listener = UnixListener::bind(socket).unwrap();
    let (sender, commands) = channel();
    thread::spawn(move || {
        // One connection only: as a BIRD that is killed after it.
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"0001 BIRD 2.17.1 ready.\n").unwrap();
        let lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
        for line in lines {
            stream.write_all(say(&line).as_bytes()).unwrap();
            let last = line == "show protocols \"anycastdns*\"" && say(&line).contains("up");
            if sender.send(line).is_err() || last {
                return;
            }
        }
    });
    commands
}

fn next(commands: &Receiver<String>) -> String {
    commands.recv_timeout(PATIENCE).expect("a command")
}

#[test]
fn bird_is_brought_to_what_was_decided_and_again_when_it_comes_back() {
    let (server, folder) = (Server::start(Manner::Serial(1)), tempfile::tempdir().unwrap());
    let socket = folder.path().join("bird.ctl");
    let options = ["--through", "bird", "--socket", socket.to_str().unwrap()];
    let watchdog = Watchdog::of(&server, folder.path(), &options);
    // The announcement was decided while BIRD was not there: that is what it is brought to.
    watchdog.entries(&["BIRD cannot be reached, and is tried again", "announce anycastdns"]);
    let up = |command: &str| match command {
        "enable \"anycastdns*\"" => "0011-anycastdns_one: enabled\n anycastdns_two: enabled\n0000 \n",
        _ => {
            "2002-Name       Proto      Table      State  Since         Info\n\
             1002-anycastdns_one Static     master4    up     07:12:33.123  \n\
             1002-anycastdns_two Static     master6    up     07:12:33.123  \n0000 \n"
        }
    };
    let commands = bird(&socket, up);
    assert_eq!(next(&commands), "enable \"anycastdns*\"");
    watchdog.entry("BIRD has it: 2 protocols up");

    watchdog.entry("BIRD has closed the connection");
    std::fs::remove_file(&socket).unwrap();
    let commands = bird(&socket, up);
    assert_eq!(next(&commands), "enable \"anycastdns*\"", "a BIRD that was restarted is brought there again");
}

#[test]
fn a_name_that_bird_does_not_know_is_an_error() {
    let (server, folder) = (Server::start(Manner::Serial(1)), tempfile::tempdir().unwrap());
    let socket = folder.path().join("bird.ctl");
    let _commands = bird(&socket, |_| "8003 No protocols match\n");
    let watchdog = Watchdog::of(&server, folder.path(), &["--through", "bird", "--socket", socket.to_str().unwrap()]);
    let entry = watchdog.entry("ERROR");
    assert!(entry.contains("8003 No protocols match; hint:"), "{entry}");
}

#[test]
fn what_stays_up_though_it_was_disabled_is_an_error() {
    let (server, folder) = (Server::start(Manner::Serial(1)), tempfile::tempdir().unwrap());
    let socket = folder.path().join("bird.ctl");
    let _commands = bird(&socket, |command| match command {
        "show protocols \"anycastdns*\"" => "1002-anycastdns Static     master4    start  07:12:33.123  \n0000 \n",
        "enable \"anycastdns*\"" => "0011-anycastdns: enabled\n0000 \n",
        _ => "0009-anycastdns: disabled\n0000 \n",
    });
    let watchdog = Watchdog::of(&server, folder.path(), &["--through", "bird", "--socket", socket.to_str().unwrap()]);
    let entry = watchdog.entry("ERROR");
    assert!(entry.contains("expected each protocol"), "{entry}");
}

/// bgpd, as far as it goes: commands end with a NUL, replies with three and a status.
fn bgpd(socket: &Path, status: fn(&str) -> u8) -> Receiver<String> {
    let listener = UnixListener::bind(socket).unwrap();
    let (sender, commands) = channel();
    thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut answers: UnixStream = stream.try_clone().unwrap();
        for command in BufReader::new(stream).bytes().map_while(Result::ok).collect_commands() {
            answers.write_all(&[0, 0, 0, status(&command)]).unwrap();
            if sender.send(command).is_err() {
                return;
            }
        }
    });
    commands
}

trait Commands: Iterator<Item = u8> + Sized {
    /// What stands before each NUL.
    fn collect_commands(mut self) -> impl Iterator<Item = String> {
        std::iter::from_fn(move || {
            let command: Vec<u8> = self.by_ref().take_while(|octet| *octet != 0).collect();
            (!command.is_empty()).then(|| String::from_utf8_lossy(&command).into_owned())
        })
    }
}

impl<I: Iterator<Item = u8>> Commands for I {}

#[test]
fn bgpd_gets_networks_and_loses_them_at_the_end() {
    let (server, folder) = (Server::start(Manner::Serial(1)), tempfile::tempdir().unwrap());
    let socket = folder.path().join("bgpd.vty");
    let commands = bgpd(&socket, |_| 0);
    let options = ["--through", "frr", "--socket", socket.to_str().unwrap(), "--asn", "64601"];
    let watchdog = Watchdog::of(&server, folder.path(), &options);
    let network = format!("network {}/32", server.ip());
    watchdog.entry("bgpd has it: 1 networks in");
    let pid = watchdog.0.id().to_string();
    assert!(Command::new("kill").args(["-s", "TERM", &pid]).status().unwrap().success());
    watchdog.entry("withdraw anycastdns: SIGTERM received");
    watchdog.entry("bgpd has it: 1 networks out");
    let said: Vec<String> = commands.iter().collect();
    let configure = ["configure terminal", "router bgp 64601", "address-family ipv4 unicast"];
    assert!(said.starts_with(&["enable".to_owned(), configure[0].to_owned()]), "{said:?}");
    let networks: Vec<&String> = said.iter().filter(|command| command.contains("network")).collect();
    assert_eq!(networks.first().map(|first| first.starts_with("no ")), Some(true), "withdrawn at the start: {said:?}");
    assert_eq!(networks.iter().rev().take(2).copied().collect::<Vec<_>>(), [&format!("no {network}"), &network]);
}

#[test]
fn what_bgpd_refuses_is_said() {
    let (server, folder) = (Server::start(Manner::Serial(1)), tempfile::tempdir().unwrap());
    let socket = folder.path().join("bgpd.vty");
    let _commands = bgpd(&socket, |command| if command.starts_with("router bgp") { 2 } else { 0 });
    let options = ["--through", "frr", "--socket", socket.to_str().unwrap(), "--asn", "1"];
    let watchdog = Watchdog::of(&server, folder.path(), &options);
    let entry = watchdog.entry("ERROR");
    assert!(entry.contains("`router bgp 1`: status 2"), "{entry}");
}
