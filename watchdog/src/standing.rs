//! Idle TCP connections to the name servers. They die with the server's process, and tell at once.

use std::future::poll_fn;
use std::io::{self, ErrorKind};
use std::task::{Context, Poll};

use tokio::net::TcpStream;

/// Waits until the other side has closed or reset the connection.
///
/// Dropping the future loses nothing: the next call sees the same end.
pub async fn closed(connection: &TcpStream) {
    poll_fn(|cx| poll_closed(connection, cx)).await;
}

/// [`closed`], for who watches several.
pub fn poll_closed(connection: &TcpStream, cx: &mut Context<'_>) -> Poll<()> {
    let mut unasked = [0; 64];
    while connection.poll_read_ready(cx).is_ready() {
        match connection.try_read(&mut unasked) {
            Ok(0) => return Poll::Ready(()),
            Ok(_) => {}
            Err(error) if is_passing(&error) => {}
            Err(_) => return Poll::Ready(()),
        }
    }
    Poll::Pending
}

fn is_passing(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}
