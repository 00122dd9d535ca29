//! Starting, ending, and being told what makes no sense.

use std::io::Read;
use std::net::UdpSocket;
use std::time::{Duration, Instant};

use hickory_proto::rr::RecordType;

use crate::ask::{Tcp, query, udp};
use crate::program::{Program, command, folder};

/// What it says when it does not start.
fn refusal(lines: &str) -> String {
    let output = command(&folder(lines)).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

#[test]
fn a_command_that_makes_no_sense_changes_nothing() {
    let program = Program::start();
    program.tell("serial 7");
    let output = program.try_tell("mutte udp");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("anycast-hickory: cannot read `mutte udp`: there is no `mutte`: expected "), "{error}");
    assert!(error.contains("hint: "), "{error}");
    assert_eq!(program.tell("show"), "in force: serial 7\n");
}

#[test]
fn nobody_there_is_an_error() {
    let mut program = Program::start();
    program.signal("TERM");
    assert!(program.child.wait().unwrap().success());
    assert!(!program.socket().exists());
    let output = program.try_tell("mute");
    assert_eq!(output.status.code(), Some(1));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.contains("no server listens at /") && error.contains("hint: "), "{error}");
}

#[test]
fn death_closes_connections_and_leaves_no_obstacle() {
    let mut program = Program::start();
    let mut idle = Tcp::connect(program.at[0]);
    udp(program.at[0], &query("example.test.", RecordType::SOA));
    program.signal("KILL");
    assert!(idle.is_closed_within(crate::ask::PATIENCE));
    program.child.wait().unwrap();
    assert!(program.socket().exists());
    // The same configuration at the same port: what is left of the old one is in nobody's way.
    let config = program.folder.path().join("hickory.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, text.replace("127.0.0.1:0", &program.at[0].to_string())).unwrap();
    let mut again = command(&program.folder).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = [0; 16];
    again.stderr.as_mut().unwrap().read_exact(&mut first).unwrap();
    assert_eq!(program.tell("show"), "in force: nothing\n");
    udp(program.at[0], &query("example.test.", RecordType::SOA));
    again.kill().unwrap();
    again.wait().unwrap();
}

#[test]
fn what_cannot_be_served_is_said() {
    let taken = UdpSocket::bind("127.0.0.1:0").unwrap();
    let at = taken.local_addr().unwrap();
    for (lines, expected) in [
        (format!("listen = [\"{at}\"]"), format!("cannot listen at {at}\nhint: ")),
        ("listen = [\"192.0.2.1\"]".to_owned(), "cannot listen at 192.0.2.1:53".to_owned()),
        ("listen = []".to_owned(), "names no address".to_owned()),
        ("listen = [\"0.0.0.0\"]".to_owned(), "name each address".to_owned()),
    ] {
        let error = refusal(&lines);
        assert!(error.starts_with("anycast-hickory: ") && error.contains(&expected), "{error}");
    }
}

#[test]
fn two_do_not_share_a_socket() {
    let program = Program::start();
    let output = command(&program.folder).output().unwrap();
    assert!(String::from_utf8(output.stderr).unwrap().contains("another server listens at "));
    assert_eq!(program.tell("show"), "in force: nothing\n");
}

/// The limits are far from what it does, so that they hold on a busy machine too.
#[test]
fn it_is_quick() {
    let started = Instant::now();
    let program = Program::start();
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.connect(program.at[0]).unwrap();
    socket.set_read_timeout(Some(crate::ask::PATIENCE)).unwrap();
    let octets = query("example.test.", RecordType::SOA).to_vec().unwrap();
    let started = Instant::now();
    let (queries, window) = (5_000, 50);
    for _ in 0..queries / window {
        for _ in 0..window {
            socket.send(&octets).unwrap();
        }
        for _ in 0..window {
            socket.recv(&mut [0; 4096]).unwrap();
        }
    }
    eprintln!("{:.0} queries a second", f64::from(queries) / started.elapsed().as_secs_f64());
    assert!(started.elapsed() < Duration::from_secs(10), "{:?}", started.elapsed());
}
