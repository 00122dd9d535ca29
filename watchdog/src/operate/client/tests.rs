use std::path::Path;
use std::thread;

use clap::{CommandFactory, Parser};

use super::super::control::Control;
use super::super::orders::desk;
use super::super::status::tests::{NOW, example};
use super::*;

#[derive(Debug, Parser)]
struct Program {
    #[command(subcommand)]
    talk: Talk,
}

fn talk(line: &str, socket: &Path) -> Talk {
    let words = ["anycast-watchdog"].into_iter().chain(line.split(' '));
    Program::parse_from(words.chain(["--socket", socket.to_str().unwrap()])).talk
}

/// What is printed or complained about, and the orders that came, when a watchdog answers everything with its status.
async fn with_watchdog(line: &str) -> (Result<String, TalkError>, Vec<Order>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let (mut desk, orders) = desk();
    let _control = Control::open(&path, orders).unwrap();
    let talk = talk(line, &path);
    let said = tokio::task::spawn_blocking(move || {
        let mut out = Vec::new();
        talk.say(NOW, &mut out).map(|()| String::from_utf8(out).unwrap())
    });
    let mut asked = Vec::new();
    tokio::pin!(said);
    loop {
        tokio::select! {
            said = &mut said => return (said.unwrap(), asked),
            one = desk.next() => {
                asked.push(one.order.clone());
                one.answer(Answer::Status(example()));
            }
        }
    }
}

#[test]
fn the_command_line_is_consistent() {
    Program::command().debug_assert();
}

#[tokio::test]
async fn status_is_printed_for_people_and_programs() {
    let (said, asked) = with_watchdog("status").await;
    assert_eq!(said.unwrap(), example().for_people(NOW));
    assert_eq!(asked, [Order::Status]);
    let (said, _) = with_watchdog("status --json").await;
    assert_eq!(serde_json::from_str::<Status>(&said.unwrap()).unwrap(), example());
    let (said, _) = with_watchdog("status anycastdns").await;
    assert!(!said.unwrap().contains("second"));
}

#[tokio::test]
async fn orders_name_the_service() {
    let (said, asked) = with_watchdog("drain anycastdns --reason update").await;
    assert!(said.is_ok());
    assert_eq!(asked, [Order::Drain { service: Some("anycastdns".to_owned()), reason: Some("update".to_owned()) }]);
    let (_, asked) = with_watchdog("resume").await;
    assert_eq!(asked, [Order::Resume { service: None }]);
}

#[tokio::test]
async fn a_service_that_is_not_there_is_refused() {
    let (said, _) = with_watchdog("status nosuch").await;
    let error = said.unwrap_err();
    assert_eq!(error.exit_code(), 1);
    insta::assert_snapshot!(error, @r#"
    expected the name of a service, found `nosuch`
    hint: there are `anycastdns`, `second "dns"`
    "#);
}

#[tokio::test]
async fn who_waits_is_told_when_somebody_resumes() {
    // The example's service is up, and no operator wants it drained.
    let (said, _) = with_watchdog("drain anycastdns --wait").await;
    let expected = "anycastdns: expected to be withdrawn, found that somebody resumed it";
    assert_eq!(said.unwrap_err().to_string(), expected);
}

#[test]
fn nobody_there_and_nobody_who_answers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("control.sock");
    let missing = talk("status", &path).say(NOW, &mut io::sink()).unwrap_err();
    assert!(matches!(missing, TalkError::NoWatchdog { .. }), "{missing}");
    let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
    let other = thread::spawn(move || listener.accept().unwrap().0.write_all(b"220 smtp.example.test\n").unwrap());
    let strange = talk("status", &path).say(NOW, &mut io::sink()).unwrap_err();
    other.join().unwrap();
    assert!(matches!(strange, TalkError::NoAnswer { .. }), "{strange}");
    assert_eq!((missing.exit_code(), strange.exit_code()), (3, 3));
}
