use super::super::orders::{Desk, desk};
use super::super::status::tests::example;
use super::super::visitors::CLIENTS;
use super::*;

async fn opened() -> (Scrape, Desk) {
    let (desk, orders) = desk();
    (Scrape::open("127.0.0.1:0".parse().unwrap(), orders).await.unwrap(), desk)
}

/// Sends this, and gives all that comes until the connection is closed.
async fn say(scrape: &Scrape, request: &[u8]) -> String {
    let mut client = TcpStream::connect(scrape.address()).await.unwrap();
    client.write_all(request).await.unwrap();
    let mut said = String::new();
    client.read_to_string(&mut said).await.unwrap();
    said
}

#[tokio::test]
async fn a_scrape() {
    let (scrape, mut desk) = opened().await;
    let request = b"GET /metrics?x=1 HTTP/1.1\r\nHost: localhost\r\nAccept: */*\r\n\r\n";
    let run_loop = async { desk.next().await.answer(Answer::Status(example())) };
    let (said, ()) = tokio::join!(say(&scrape, request), run_loop);
    let (head, body) = said.split_once("\r\n\r\n").unwrap();
    let length = body.len();
    assert_eq!(
        head,
        format!(
            "HTTP/1.1 200 OK\r\nContent-Type: {}\r\nContent-Length: {length}\r\nConnection: close",
            metrics::CONTENT_TYPE
        )
    );
    assert_eq!(body, metrics::text(&example()));
}

#[tokio::test]
async fn everything_else_is_refused() {
    let (scrape, _desk) = opened().await;
    let long = [b"GET /metrics HTTP/1.1\r\nX: ".as_slice(), &vec![b'x'; 2 * HEAD]].concat();
    for (request, status) in [
        (b"GET / HTTP/1.1\r\n\r\n".as_slice(), "404 "),
        (b"GET /metrics/ HTTP/1.1\r\n\r\n", "404 "),
        (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc", "405 "),
        (b"HEAD /metrics HTTP/1.1\r\n\r\n", "405 "),
        (b"GET /metrics HTTP/2.0\r\n\r\n", "505 "),
        (b"GET /metrics\r\n\r\n", "400 "),
        (b"\r\n\r\n", "400 "),
        (b"\xff\xfe\r\n\r\n", "400 "),
        (b"\n\n", "400 "),
        (&long, "431 "),
    ] {
        let said = say(&scrape, request).await;
        assert!(said.starts_with(&format!("HTTP/1.1 {status}")), "{said}");
    }
    assert!(say(&scrape, b"PUT /metrics HTTP/1.1\r\n\r\n").await.contains("\r\nAllow: GET\r\n"));
}

#[tokio::test]
async fn a_watchdog_that_ends_says_so() {
    let (scrape, desk) = opened().await;
    drop(desk);
    let said = say(&scrape, b"GET /metrics HTTP/1.1\r\n\r\n").await;
    assert!(said.starts_with("HTTP/1.1 503 "), "{said}");
}

#[tokio::test(start_paused = true)]
async fn who_says_nothing_is_hung_up_on() {
    let (scrape, _desk) = opened().await;
    let mut silent = Vec::new();
    for _ in 0..=CLIENTS {
        silent.push(TcpStream::connect(scrape.address()).await.unwrap());
    }
    for client in &mut silent {
        assert_eq!(client.read(&mut [0]).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let (scrape, _desk) = opened().await;
    let (_, orders) = desk();
    let error = Scrape::open(scrape.address(), orders).await.unwrap_err().to_string();
    assert!(
        error.starts_with(&format!("--metrics {}: expected to listen there, found: ", scrape.address())),
        "{error}"
    );
}
