use std::io::Write;

use tokio::io::AsyncReadExt;

use super::super::orders::{Desk, desk};
use super::super::status::tests::example;
use super::super::status::{Confirmed, Operator, State};
use super::super::visitors::CLIENTS;
use super::*;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

/// Says something, and gives what is said until the watchdog hangs up.
async fn say(path: &Path, text: &str) -> String {
    let mut client = UnixStream::connect(path).await.unwrap();
    // Who was hung up on cannot say the rest.
    client.write_all(text.as_bytes()).await.ok();
    client.shutdown().await.ok();
    let mut said = String::new();
    client.read_to_string(&mut said).await.ok();
    said
}

/// Answers as often as asked, and gives the orders.
async fn answer(desk: &mut Desk, times: usize) -> Vec<Order> {
    let mut orders = Vec::new();
    for _ in 0..times {
        let asked = desk.next().await;
        orders.push(asked.order.clone());
        asked.answer(Answer::Refused("as the test wants".to_owned()));
    }
    orders
}

#[tokio::test]
async fn orders_are_handed_over_and_answered() {
    let folder = folder();
    let path = folder.path().join("control.sock");
    let (mut desk, orders) = desk();
    let control = Control::open(&path, orders).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, MODE);
    let text = "{\"order\":\"status\"}\n{\"order\":\"drain\",\"service\":\"a\"}\n{\"order\":\"resume\"}\n";
    let (said, orders) = tokio::join!(say(&path, text), answer(&mut desk, 3));
    assert_eq!(said, "{\"refused\":\"as the test wants\"}\n".repeat(3));
    let drain = Order::Drain { service: Some("a".to_owned()), reason: None };
    assert_eq!(orders, [Order::Status, drain, Order::Resume { service: None }]);
    drop(control);
    assert!(!path.exists());
}

#[tokio::test]
async fn nonsense_is_answered_with_what_is_expected() {
    let folder = folder();
    let path = folder.path().join("control.sock");
    let (_desk, orders) = desk();
    let _control = Control::open(&path, orders).unwrap();
    let long = "x".repeat(2 * usize::try_from(LINE).unwrap());
    for nonsense in ["halt\n", "{\"order\":\"dance\"}\n", "{}\n", "\n", &long] {
        let said = say(&path, nonsense).await;
        // What is left of a line that is too long is not read, so the answer may be lost with the connection.
        assert!(said.starts_with("{\"refused\":\"expected one JSON object a line") || nonsense == long, "{said}");
    }
}

#[tokio::test]
async fn a_dead_predecessors_socket_is_replaced_and_a_live_ones_is_not() {
    let folder = folder();
    let path = folder.path().join("control.sock");
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    let (_desk, orders) = desk();
    let first = Control::open(&path, orders.clone()).unwrap();
    let second = Control::open(&path, orders.clone()).unwrap_err();
    assert!(matches!(&second, ControlError::Alive(at) if *at == path), "{second}");
    drop(first);
    fs::File::create(&path).unwrap().write_all(b"precious").unwrap();
    assert!(matches!(Control::open(&path, orders).unwrap_err(), ControlError::NoSocket(_)));
    assert_eq!(fs::read(&path).unwrap(), b"precious");
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// As that of a watchdog that hangs while its operators ask and ask.
#[test]
fn a_full_queue_is_told_at_once() {
    let folder = folder();
    let path = folder.path().join("control.sock");
    let hangs = socket::socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None).unwrap();
    socket::bind(hangs.as_raw_fd(), &UnixAddr::new(&path).unwrap()).unwrap();
    socket::listen(&hangs, socket::Backlog::new(0).unwrap()).unwrap();
    let _fills_the_queue = connect(&path).unwrap();
    assert_eq!(connect(&path).unwrap_err().kind(), ErrorKind::WouldBlock);
    assert!(is_alive(&path));
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_hung_up_on() {
    let folder = folder();
    let path = folder.path().join("control.sock");
    let (_desk, orders) = desk();
    let _control = Control::open(&path, orders).unwrap();
    let mut silent: Vec<UnixStream> = Vec::new();
    for _ in 0..=CLIENTS {
        silent.push(UnixStream::connect(&path).await.unwrap());
    }
    for client in &mut silent {
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_wait_ends_with_the_withdrawal() {
    let folder = folder();
    let path = folder.path().join("control.sock");
    let (mut desk, orders) = desk();
    let _control = Control::open(&path, orders).unwrap();
    let mut status = example();
    status.services.truncate(1);
    status.services[0].operator = Operator::Drained;
    let run_loop = async {
        for state in [State::Drained, State::Drained, State::Down] {
            status.services[0].state = state;
            desk.decided();
            desk.next().await.answer(Answer::Status(status.clone()));
        }
    };
    let (said, ()) = tokio::join!(say(&path, "{\"order\":\"drain\",\"wait\":true}\n"), run_loop);
    assert!(said.contains("\"state\":\"down\""), "{said}");
}

#[test]
fn a_drain_is_over_when_withdrawn_or_called_off() {
    let mut status = example();
    assert!(is_over(&status, Some("anycastdns")).unwrap().is_err());
    status.services[0].operator = Operator::Drained;
    assert_eq!(is_over(&status, Some("anycastdns")), None);
    status.services[0].state = State::Down;
    assert_eq!(is_over(&status, Some("anycastdns")), Some(Ok(())));
    assert_eq!(is_over(&status, None), None);
    status.services[1].confirmed = Confirmed { is: super::super::status::Answer::Yes, detail: String::new() };
    assert_eq!(is_over(&status, None), Some(Ok(())));
}
