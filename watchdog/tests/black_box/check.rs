//! The check of one target, against servers good and bad.

use std::net::Ipv4Addr;
use std::time::Duration;

use watchdog::check::{Checker, Failure, Passed};
use watchdog::target::Target;

use crate::server::{Manner, Server};

/// Long enough for a loaded host, where the server answers.
const AMPLE: Duration = Duration::from_secs(20);
/// For servers that never answer.
const SHORT: Duration = Duration::from_millis(200);

async fn check(server: &Server, limit: Duration) -> Result<Passed, Failure> {
    let checker = Checker { port: server.address.port(), limit };
    checker.check(&Target { address: server.ip(), domain: "example.test".parse().unwrap() }).await
}

async fn failure(manner: Manner, limit: Duration) -> String {
    check(&Server::start(manner), limit).await.unwrap_err().to_string()
}

#[tokio::test]
async fn passes_with_the_serial() {
    let server = Server::start(Manner::Serial(2_026_112_101));
    let passed = check(&server, AMPLE).await.unwrap();
    assert_eq!(passed.serial, 2_026_112_101);
    assert_eq!(passed.connection.peer_addr().unwrap(), server.address);
}

#[tokio::test]
async fn passes_over_what_does_not_answer_the_question() {
    assert_eq!(check(&Server::start(Manner::NoiseFirst), AMPLE).await.unwrap().serial, 1);
}

#[tokio::test]
async fn a_server_may_close_its_connections() {
    assert_eq!(check(&Server::start(Manner::ClosesTcp), AMPLE).await.unwrap().serial, 1);
}

#[tokio::test]
async fn refused_is_told_apart() {
    // A port that was just given up is nobody's.
    let server = Server::start(Manner::Silent);
    let port = server.address.port();
    drop(server);
    let target = Target { address: Ipv4Addr::LOCALHOST.into(), domain: "example.test".parse().unwrap() };
    let failure = Checker { port, limit: AMPLE }.check(&target).await.unwrap_err();
    assert!(matches!(failure, Failure::Refused), "{failure:?}");
    assert_eq!(failure.to_string(), "TCP connect: refused");
}

#[tokio::test]
async fn a_death_during_the_lookup_is_a_refusal() {
    let server = Server::start(Manner::Silent);
    let port = server.address.port();
    let target = Target { address: server.ip(), domain: "example.test".parse().unwrap() };
    let checker = Checker { port, limit: AMPLE };
    let check = tokio::spawn(async move { checker.check(&target).await });
    // The server's thread serves; it may die before the check reaches it, or after.
    tokio::task::yield_now().await;
    drop(server);
    let failure = check.await.unwrap().unwrap_err();
    assert!(matches!(failure, Failure::Refused | Failure::Udp { .. }), "{failure:?}");
}

#[tokio::test]
async fn silence() {
    assert_eq!(failure(Manner::Silent, SHORT).await, "SOA example.test: no answer within 200 ms");
}

#[tokio::test]
async fn answers_of_another_id_are_silence() {
    assert_eq!(failure(Manner::WrongId, SHORT).await, "SOA example.test: no answer within 200 ms");
}

#[tokio::test]
async fn servfail() {
    assert_eq!(failure(Manner::ServFail, AMPLE).await, "SOA example.test: SERVFAIL");
}

#[tokio::test]
async fn no_record() {
    assert_eq!(failure(Manner::Empty, AMPLE).await, "SOA example.test: the answer section is empty");
}

#[tokio::test]
async fn another_record() {
    let expected = "SOA example.test: expected an SOA record first in the answer section, found A";
    assert_eq!(failure(Manner::Address, AMPLE).await, expected);
}
