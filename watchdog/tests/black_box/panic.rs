//! A panic withdraws the routes. The test starts itself anew as the program that panics.

use std::process::{Command, Output};
use std::{env, thread};

use clap::Parser as _;
use watchdog::announcer::Announcer;
use watchdog::config;
use watchdog::journal::Journal;
use watchdog::options::Options;
use watchdog::service::Service;

use crate::daemon::{Daemon, Kind};

const CHILD: &str = "ANYCAST_WATCHDOG_TEST_PANICS";

#[test]
fn a_panic_in_any_thread_withdraws() {
    if env::var_os(CHILD).is_some() {
        let service = service(&["x"]);
        let (announcer, _) = Announcer::start(&service, &Journal::to_stderr().unwrap()).unwrap();
        announcer.withdraw_on_panic();
        thread::spawn(|| panic!("a bug")).join().ok();
        unreachable!("the process ends with the panic");
    }
    let child = child("panic::a_panic_in_any_thread_withdraws", "");
    let (stdout, stderr) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert_eq!(child.status.code(), Some(101), "{stderr}");
    assert!(stdout.lines().any(|line| line.ends_with("withdraw watchdog anycastdns")), "{stdout}");
    assert!(stderr.contains("anycast-watchdog: withdraw anycastdns: panicked at "), "{stderr}");
    assert!(stderr.contains("a bug"), "{stderr}");
}

#[test]
fn a_panic_withdraws_over_a_socket() {
    if let Some(socket) = env::var_os(CHILD) {
        let options = ["x", "--through", "bird", "--socket", socket.to_str().unwrap()];
        let journal = Journal::to_stderr().unwrap();
        let (announcer, _) = Announcer::start(&service(&options), &journal).unwrap();
        announcer.withdraw_on_panic();
        // Also in the thread that would have withdrawn.
        thread::Builder::new().name("announcer".to_owned()).spawn(|| panic!("a bug")).unwrap().join().ok();
        unreachable!("the process ends with the panic");
    }
    let folder = tempfile::tempdir().unwrap();
    let socket = folder.path().join("control");
    let daemon = Daemon::start(Kind::Bird, &socket);
    let child = child("panic::a_panic_withdraws_over_a_socket", socket.to_str().unwrap());
    let stderr = String::from_utf8_lossy(&child.stderr);
    assert_eq!(child.status.code(), Some(101), "{stderr}");
    assert_eq!(daemon.command(), "disable \"anycastdns\"");
    assert!(stderr.contains("anycast-watchdog: confirmed anycastdns: withdrawn: "), "{stderr}");
}

/// What the options make of a file that is no use otherwise.
fn service(options: &[&str]) -> Service {
    let folder = tempfile::tempdir().unwrap();
    let conf = folder.path().join("conf");
    std::fs::write(&conf, "127.0.0.1:example.test").unwrap();
    let mut options = Options::parse_from(options);
    options.conf = Some(conf);
    config::read(&options).unwrap().services.remove(0)
}

/// This test as a process of its own.
fn child(test: &str, value: &str) -> Output {
    let this = ["--exact", test, "--nocapture"];
    Command::new(env::current_exe().unwrap()).args(this).env(CHILD, value).output().unwrap()
}
