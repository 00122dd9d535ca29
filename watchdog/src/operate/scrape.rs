//! The HTTP server for the metrics: as much of HTTP/1.1 (RFC 9112) as a scrape needs, `GET /metrics`.
//!
//! Whoever connects can take up a bounded number of connections, bytes and seconds, and nothing else.

use std::io;
use std::net::SocketAddr;
use std::task::Context;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::metrics;
use super::orders::{Answer, Order, Orders};
use super::visitors::receive;

#[cfg(test)]
mod tests;

/// No request's head is longer, in bytes.
const HEAD: usize = 8192;

/// A whole exchange takes no longer; longer than the run loop has to answer.
const LIMIT: Duration = Duration::from_secs(5);

/// Why there are no metrics.
#[derive(Debug, thiserror::Error)]
#[error(
    "--metrics {address}: expected to listen there, found: {error}\nhint: name a local address and a port that is free"
)]
pub struct ScrapeError {
    address: SocketAddr,
    error: io::Error,
}

/// Serves metrics until it is dropped.
#[derive(Debug)]
pub struct Scrape {
    address: SocketAddr,
    server: tokio::task::JoinHandle<()>,
}

impl Scrape {
    /// Listens. Needs a runtime.
    ///
    /// # Errors
    /// When nobody can listen there.
    pub async fn open(address: SocketAddr, orders: Orders) -> Result<Self, ScrapeError> {
        let refused = |error| ScrapeError { address, error };
        let listener = TcpListener::bind(address).await.map_err(refused)?;
        let address = listener.local_addr().map_err(refused)?;
        Ok(Self { address, server: tokio::spawn(serve(listener, orders)) })
    }

    /// Where it listens: the port, if none was named.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }
}

impl Drop for Scrape {
    fn drop(&mut self) {
        self.server.abort();
    }
}

async fn serve(listener: TcpListener, orders: Orders) {
    let accept = |cx: &mut Context<'_>| listener.poll_accept(cx).map_ok(|(client, _)| client);
    let serve = |client| {
        let orders = orders.clone();
        async move {
            // Whoever is too slow is hung up on: there is nobody to tell.
            timeout(LIMIT, talk(client, &orders)).await.ok();
        }
    };
    receive(accept, serve).await;
}

async fn talk(mut client: TcpStream, orders: &Orders) -> io::Result<()> {
    let mut head = Vec::new();
    let mut piece = [0; 1024];
    while !is_whole(&head) && head.len() < HEAD {
        match client.read(&mut piece).await? {
            0 => return Ok(()),
            length => head.extend_from_slice(&piece[..length]),
        }
    }
    let response = respond(&head, orders).await;
    client.write_all(response.as_bytes()).await?;
    client.shutdown().await?;
    // A connection that is closed with bytes unread is reset, and the response lost with it.
    while client.read(&mut piece).await? > 0 {}
    Ok(())
}

fn is_whole(head: &[u8]) -> bool {
    head.windows(4).any(|end| end == b"\r\n\r\n") || head.windows(2).any(|end| end == b"\n\n")
}

async fn respond(head: &[u8], orders: &Orders) -> String {
    if !is_whole(head) {
        return response("431 Request Header Fields Too Large", "", "the request's head is too long\n");
    }
    let line = head.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let words: Vec<&str> = std::str::from_utf8(line).unwrap_or_default().split(' ').collect();
    let [method, target, version] = words[..] else {
        return response("400 Bad Request", "", "expected `GET /metrics HTTP/1.1`\n");
    };
    if !version.starts_with("HTTP/1.") {
        return response("505 HTTP Version Not Supported", "", "expected HTTP/1.1\n");
    }
    if target.split('?').next() != Some("/metrics") {
        return response("404 Not Found", "", "there is /metrics\n");
    }
    if method != "GET" {
        return response("405 Method Not Allowed", "Allow: GET\r\n", "expected GET\n");
    }
    match orders.ask(Order::Status).await {
        Ok(Answer::Status(status)) => response("200 OK", "", &metrics::text(&status)),
        Ok(Answer::Refused(reason)) => response("503 Service Unavailable", "", &format!("{reason}\n")),
        Err(error) => response("503 Service Unavailable", "", &format!("{error}\n")),
    }
}

fn response(status: &str, header: &str, body: &str) -> String {
    let kind = if status == "200 OK" { metrics::CONTENT_TYPE } else { "text/plain; charset=utf-8" };
    format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n{header}Connection: close\r\n\r\n{body}",
        body.len()
    )
}
