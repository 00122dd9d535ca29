//! A daemon with a control socket, as far as the watchdog sees it: BIRD or FRR's bgpd, with replies as they were recorded.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread;
use std::{fs, io};

use crate::server::PATIENCE;

/// How the daemon answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Bird,
    /// A BIRD without any of the protocols.
    BirdWithoutProtocols,
    /// Answers commands with success, and changes nothing.
    BirdThatLies,
    /// Something else that listens there.
    NoBird,
    /// Welcomes, and then says nothing more.
    BirdThatHangs,
    Frr,
    /// A bgpd without `router bgp`.
    FrrWithoutInstance,
}

/// Listens until dropped; then all its connections are closed, and its state is lost.
pub(crate) struct Daemon {
    pub(crate) commands: Receiver<String>,
    stop: UnixStream,
    thread: Option<thread::JoinHandle<()>>,
}

impl Daemon {
    pub(crate) fn start(kind: Kind, socket: &Path) -> Self {
        fs::remove_file(socket).ok();
        let listener = UnixListener::bind(socket).unwrap();
        let (heard, commands) = mpsc::channel();
        let (stop, stopped) = UnixStream::pair().unwrap();
        let thread = thread::spawn(move || listen(kind, &listener, &heard, &stopped));
        Self { commands, stop, thread: Some(thread) }
    }

    /// The next command that changes something.
    pub(crate) fn command(&self) -> String {
        loop {
            let command = self.commands.recv_timeout(PATIENCE).expect("a command");
            if ["enable \"", "disable", "network", "no network"].iter().any(|verb| command.starts_with(verb)) {
                return command;
            }
        }
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        self.stop.write_all(b"x").ok();
        self.thread.take().map(thread::JoinHandle::join);
    }
}

/// Serves one connection after the other, as the watchdog has only one.
fn listen(kind: Kind, listener: &UnixListener, heard: &Sender<String>, mut stopped: &UnixStream) {
    listener.set_nonblocking(true).unwrap();
    stopped.set_nonblocking(true).unwrap();
    let mut state = BTreeSet::new();
    let mut connection: Option<(UnixStream, Vec<u8>)> = None;
    while stopped.read(&mut [0]).is_err() {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).unwrap();
            connection = Some((stream, Vec::new()));
            let welcome = match kind {
                Kind::Frr | Kind::FrrWithoutInstance => "",
                Kind::NoBird => "220 mail.example.test ESMTP\r\n",
                _ => "0001 BIRD 2.17.5 ready.\n",
            };
            answer(&mut connection, welcome.as_bytes());
        }
        let end = if matches!(kind, Kind::Frr | Kind::FrrWithoutInstance) { 0 } else { b'\n' };
        for command in read_commands(&mut connection, end) {
            let reply = reply(kind, &mut state, &command);
            heard.send(command).ok();
            answer(&mut connection, &reply);
        }
        thread::park_timeout(std::time::Duration::from_millis(1));
    }
}

fn read_commands(connection: &mut Option<(UnixStream, Vec<u8>)>, end: u8) -> Vec<String> {
    let Some((stream, received)) = connection else {
        return Vec::new();
    };
    let mut buffer = [0; 4096];
    match stream.read(&mut buffer) {
        Ok(length) => received.extend_from_slice(&buffer[..length]),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
        Err(_) => *received = Vec::new(),
    }
    let mut commands = Vec::new();
    while let Some(length) = received.iter().position(|&byte| byte == end) {
        let command: Vec<u8> = received.drain(..=length).collect();
        commands.push(String::from_utf8(command[..length].to_vec()).unwrap());
    }
    commands
}

fn answer(connection: &mut Option<(UnixStream, Vec<u8>)>, reply: &[u8]) {
    if let Some((stream, _)) = connection {
        stream.write_all(reply).ok();
    }
}

fn reply(kind: Kind, state: &mut BTreeSet<String>, command: &str) -> Vec<u8> {
    match kind {
        Kind::Frr => frr(state, command),
        Kind::FrrWithoutInstance if command.starts_with("show") => {
            b"{\n  \"warning\":\"Default BGP instance not found\"\n}\n\0\0\0\x01".to_vec()
        }
        Kind::FrrWithoutInstance => vec![0; 4],
        Kind::BirdWithoutProtocols => b"1002-anycastdns2 Static master4 down 07:01\n0000 \n".to_vec(),
        Kind::BirdThatHangs | Kind::NoBird => Vec::new(),
        Kind::Bird | Kind::BirdThatLies => bird(state, command, kind == Kind::BirdThatLies).into_bytes(),
    }
}

fn bird(state: &mut BTreeSet<String>, command: &str, lies: bool) -> String {
    let state_of = |state: &BTreeSet<String>| if state.is_empty() { "down" } else { "up" };
    match command {
        "show protocols" => {
            let state = state_of(state);
            format!(
                "2002-Name       Proto      Table      State  Since         Info\n1002-anycastdns Static     master4    \
                 {state}   07:01:16.297  \n to_r1      BGP        ---        up     07:01:16.297  Established\n0000 \n"
            )
        }
        "show route for 127.0.0.1/32 export 'to_r1'" => {
            "1007-Table master4:\n 127.0.0.1/32         blackhole [anycastdns 07:01:16.297] * (200)\n0000 \n".to_owned()
        }
        "enable \"anycastdns\"" if lies || state.insert(String::new()) => {
            "0011-anycastdns: enabled\n0000 \n".to_owned()
        }
        "enable \"anycastdns\"" => "0010-anycastdns: already enabled\n0000 \n".to_owned(),
        "disable \"anycastdns\"" if state.remove("") => "0009-anycastdns: disabled\n0000 \n".to_owned(),
        "disable \"anycastdns\"" => "0008-anycastdns: already disabled\n0000 \n".to_owned(),
        _ => "9001 syntax error, unexpected CF_SYM_UNDEFINED\n".to_owned(),
    }
}

/// Among the networks, while in `router bgp`.
const IN_ROUTER: &str = "router";

fn frr(networks: &mut BTreeSet<String>, command: &str) -> Vec<u8> {
    let words: Vec<_> = command.split(' ').collect();
    let (text, status) = match words.as_slice() {
        ["router", "bgp", "65001"] => {
            networks.insert(IN_ROUTER.to_owned());
            (String::new(), 0)
        }
        ["end"] => {
            networks.remove(IN_ROUTER);
            (String::new(), 0)
        }
        ["network", prefix] if networks.contains(IN_ROUTER) => {
            networks.insert((*prefix).to_owned());
            (String::new(), 0)
        }
        ["no", "network", prefix] if networks.contains(IN_ROUTER) && networks.remove(*prefix) => (String::new(), 0),
        ["no", "network", _] if networks.contains(IN_ROUTER) => {
            ("% Can't find static route specified\n".to_owned(), 13)
        }
        ["show", "bgp", _, "unicast", prefix, "json"] if networks.contains(*prefix) => (
            format!(
                "{{\"prefix\":\"{prefix}\",\"advertisedTo\":{{\"10.1.53.254\":{{}}}},\"paths\":[{{\"valid\":true,\"sourced\":true,\"local\":true}}]}}\n"
            ),
            0,
        ),
        ["show", ..] => ("{\n}\n".to_owned(), 0),
        ["enable" | "exit-address-family" | "exit"] | ["no", "route-map", _] => (String::new(), 0),
        ["configure", "terminal"] | ["address-family", "ipv4" | "ipv6", "unicast"] => (String::new(), 0),
        ["router", "bgp", _] => ("BGP is already running; AS is 65001\n".to_owned(), 13),
        _ => (format!("% [BGP] Unknown command: {command}\n"), 2),
    };
    [text.as_bytes(), &[0, 0, 0, status]].concat()
}
