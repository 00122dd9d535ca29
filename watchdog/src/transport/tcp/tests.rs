//! Servers on this host that answer well, late, in pieces, or not at all.

use std::net::Ipv4Addr;
use std::time::Duration;

use socket2::SockRef;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::*;

const AMPLE: Duration = Duration::from_secs(10);

/// A connection, and the server's end of it.
async fn connected() -> (Standing, TcpStream) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let standing = Standing::connect(listener.local_addr().unwrap(), None).await.unwrap();
    (standing, listener.accept().await.unwrap().0)
}

async fn next(standing: &mut Standing) -> Result<Vec<u8>, Trouble> {
    timeout(AMPLE, standing.next()).await.unwrap().map(<[u8]>::to_vec)
}

async fn is_silent(standing: &mut Standing) -> bool {
    timeout(Duration::from_millis(5), standing.next()).await.is_err()
}

#[tokio::test]
async fn several_questions_are_answered_in_any_order() {
    let (mut standing, mut server) = connected().await;
    standing.send(b"one").unwrap();
    standing.send(b"three").unwrap();
    assert!(is_silent(&mut standing).await);
    let mut questions = [0; 12];
    server.read_exact(&mut questions).await.unwrap();
    assert_eq!(&questions, b"\0\x03one\0\x05three");
    server.write_all(b"\0\x053-bis\0\x011\0\0").await.unwrap();
    assert_eq!(next(&mut standing).await.unwrap(), b"3-bis");
    assert_eq!(next(&mut standing).await.unwrap(), b"1");
    assert_eq!(next(&mut standing).await.unwrap(), b"");
    assert!(is_silent(&mut standing).await);
}

#[tokio::test]
async fn pieces_are_put_together_however_often_nobody_waits_for_them() {
    let (mut standing, mut server) = connected().await;
    let answer: Vec<u8> = (0..=255).cycle().take(40_000).collect();
    let length = u16::try_from(answer.len()).unwrap().to_be_bytes();
    let (first, rest) = answer.split_at(2);
    for piece in [&length[..1], &length[1..], first] {
        server.write_all(piece).await.unwrap();
        assert!(is_silent(&mut standing).await);
    }
    server.write_all(rest).await.unwrap();
    server.write_all(b"\0\x01x").await.unwrap();
    assert_eq!(next(&mut standing).await.unwrap(), answer);
    assert_eq!(next(&mut standing).await.unwrap(), b"x");
}

#[tokio::test]
async fn the_end_is_an_event() {
    let (mut standing, mut server) = connected().await;
    assert!(is_silent(&mut standing).await);
    // What was said before it is heard.
    server.write_all(b"\0\x01x\0\x05yy").await.unwrap();
    drop(server);
    assert_eq!(next(&mut standing).await.unwrap(), b"x");
    for _ in 0..2 {
        assert!(matches!(next(&mut standing).await, Err(Trouble::Closed)));
    }
}

#[tokio::test]
async fn so_is_a_reset() {
    let (mut standing, server) = connected().await;
    // As the kernel does for a process that is killed with questions unread.
    SockRef::from(&server).set_linger(Some(Duration::ZERO)).unwrap();
    drop(server);
    assert!(matches!(next(&mut standing).await, Err(Trouble::Closed)));
    assert!(matches!(standing.send(b"question"), Err(Trouble::Closed)));
}

#[tokio::test]
async fn nobody_listens() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = listener.local_addr().unwrap();
    drop(listener);
    let refused = timeout(AMPLE, Standing::connect(server, None)).await.unwrap().unwrap_err();
    assert!(matches!(refused, Trouble::Refused), "{refused:?}");
}

#[tokio::test]
async fn the_source_may_be_chosen() {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let server = listener.local_addr().unwrap();
    let source = IpAddr::from([127, 9, 8, 7]);
    let _standing = Standing::connect(server, Some(source)).await.unwrap();
    assert_eq!(listener.accept().await.unwrap().1.ip(), source);
    let elsewhere = Standing::connect(server, Some(IpAddr::from([192, 0, 2, 1]))).await.unwrap_err();
    assert!(matches!(elsewhere, Trouble::Other(_)), "{elsewhere:?}");
}

#[tokio::test]
async fn a_server_that_does_not_read_ends_the_questions_not_the_memory() {
    let (mut standing, _server) = connected().await;
    let question = [0; 512];
    let most = 100_000_000 / question.len();
    let refused = (0..most).find_map(|_| standing.send(&question).err()).unwrap();
    assert_eq!(refused.to_string(), "the server does not read");
    assert!(standing.outgoing.len() <= UNREAD + PREFIX + question.len());
    assert!(is_silent(&mut standing).await);
}

#[tokio::test]
async fn what_was_not_taken_at_once_is_sent_later() {
    let (mut standing, mut server) = connected().await;
    while standing.outgoing.is_empty() {
        standing.send(&[7; 512]).unwrap();
    }
    let mut read = vec![0; 1 << 20];
    while !standing.outgoing.is_empty() {
        tokio::select! {
            length = server.read(&mut read) => assert_ne!(length.unwrap(), 0),
            _ = standing.next() => panic!("there is no answer"),
        }
    }
}
