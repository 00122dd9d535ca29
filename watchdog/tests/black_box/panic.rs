//! A panic withdraws the routes. The test starts itself anew as the program that panics.

use std::process::Command;
use std::{env, thread};

use watchdog::announcer::Announcer;
use watchdog::journal::Journal;

const CHILD: &str = "ANYCAST_WATCHDOG_TEST_PANICS";

#[test]
fn a_panic_in_any_thread_withdraws() {
    if env::var_os(CHILD).is_some() {
        let announcer = Announcer::to_stdout("anycastdns", Journal::to_stderr().unwrap(), drop).unwrap();
        announcer.withdraw_on_panic();
        thread::spawn(|| panic!("a bug")).join().ok();
        unreachable!("the process ends with the panic");
    }
    let this = ["--exact", "panic::a_panic_in_any_thread_withdraws", "--nocapture"];
    let child = Command::new(env::current_exe().unwrap()).args(this).env(CHILD, "").output().unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&child.stdout), String::from_utf8_lossy(&child.stderr));
    assert_eq!(child.status.code(), Some(101), "{stderr}");
    assert!(stdout.lines().any(|line| line.ends_with("withdraw watchdog anycastdns")), "{stdout}");
    assert!(stderr.contains("anycast-watchdog: withdraw anycastdns: panicked at "), "{stderr}");
    assert!(stderr.contains("a bug"), "{stderr}");
}
