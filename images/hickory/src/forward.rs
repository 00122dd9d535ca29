//! Asks another server, over the transport on which the query came.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use hickory_proto::op::{DEFAULT_MAX_PAYLOAD_LEN, Edns, Message, Metadata, Query, ResponseCode};
use hickory_server::net::xfer::Protocol;
use hickory_server::server::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};

/// How long the other server has.
const PATIENCE: Duration = Duration::from_secs(4);

/// The other server's answer; SERVFAIL when there is none.
pub(crate) async fn ask(upstream: SocketAddr, request: &Request, query: &Query) -> Message {
    let mut question = Message::query();
    question.metadata.recursion_desired = request.metadata.recursion_desired;
    question.metadata.checking_disabled = request.metadata.checking_disabled;
    question.add_query(query.clone());
    if let Some(asked) = &request.edns {
        let mut edns = Edns::new();
        edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN).set_dnssec_ok(asked.flags().dnssec_ok);
        question.set_edns(edns);
    }
    let exchange = async {
        let octets = question.to_vec().map_err(io::Error::other)?;
        match request.protocol() {
            Protocol::Udp => udp(upstream, &octets, &question).await,
            _ => tcp(upstream, &octets, &question).await,
        }
    };
    let answer = tokio::time::timeout(PATIENCE, exchange).await.unwrap_or(Err(io::ErrorKind::TimedOut.into()));
    let mut mine = Message::query();
    mine.metadata = Metadata::response_from_request(&request.metadata);
    match answer {
        Ok(answer) => {
            let theirs = answer.metadata;
            mine.metadata.recursion_available = theirs.recursion_available;
            mine.metadata.truncation = theirs.truncation;
            mine.metadata.authentic_data = theirs.authentic_data;
            mine.metadata.response_code = theirs.response_code;
            mine.answers = answer.answers;
            mine.authorities = answer.authorities;
            mine.additionals = answer.additionals;
        }
        Err(error) => {
            eprintln!("anycast-hickory: forwarding {query} to {upstream}: {error}");
            mine.metadata.response_code = ResponseCode::ServFail;
        }
    }
    mine
}

async fn udp(upstream: SocketAddr, octets: &[u8], question: &Message) -> io::Result<Message> {
    let any: SocketAddr =
        if upstream.is_ipv4() { (Ipv4Addr::UNSPECIFIED, 0).into() } else { (Ipv6Addr::UNSPECIFIED, 0).into() };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(upstream).await?;
    socket.send(octets).await?;
    let mut datagram = [0; 4096];
    loop {
        let length = socket.recv(&mut datagram).await?;
        // What is not the answer to this question is noise.
        if let Some(answer) = answer_to(question, &datagram[..length]) {
            return Ok(answer);
        }
    }
}

async fn tcp(upstream: SocketAddr, octets: &[u8], question: &Message) -> io::Result<Message> {
    let mut stream = TcpStream::connect(upstream).await?;
    let length = u16::try_from(octets.len()).map_err(io::Error::other)?;
    stream.write_all(&[&length.to_be_bytes(), octets].concat()).await?;
    let mut answer = vec![0; usize::from(stream.read_u16().await?)];
    stream.read_exact(&mut answer).await?;
    answer_to(question, &answer).ok_or_else(|| io::Error::other("what came is no answer to the question"))
}

fn answer_to(question: &Message, octets: &[u8]) -> Option<Message> {
    let answer = Message::from_vec(octets).ok()?;
    (answer.metadata.id == question.metadata.id && answer.queries == question.queries).then_some(answer)
}
