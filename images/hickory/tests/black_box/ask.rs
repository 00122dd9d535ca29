//! A client for DNS.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use hickory_proto::op::{Edns, Message, Query};
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption, NSIDPayload};
use hickory_proto::rr::{Name, RData, RecordType};

/// How long to wait for what is to come; far more than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How long to wait for what is not to come.
pub(crate) const SILENCE: Duration = Duration::from_millis(200);

/// A query in class IN that asks for NSID.
pub(crate) fn query(name: &str, kind: RecordType) -> Message {
    let mut message = Message::query();
    message.add_query(Query::query(Name::from_ascii(name).unwrap(), kind));
    let mut edns = Edns::new();
    edns.options_mut().insert(EdnsOption::NSID(NSIDPayload::new(Vec::new()).unwrap()));
    message.set_edns(edns);
    message
}

/// The answer over UDP, if one comes in time.
pub(crate) fn udp_within(server: SocketAddr, query: &Message, limit: Duration) -> Option<Message> {
    let socket = UdpSocket::bind((server.ip(), 0)).unwrap();
    // Only an answer from the very address that was asked is received.
    socket.connect(server).unwrap();
    socket.set_read_timeout(Some(limit)).unwrap();
    socket.send(&query.to_vec().unwrap()).unwrap();
    let mut datagram = [0; 4096];
    match socket.recv(&mut datagram) {
        Ok(length) => Some(checked(query, &datagram[..length])),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => None,
        Err(error) => panic!("{server}: {error}"),
    }
}

/// The answer over UDP.
pub(crate) fn udp(server: SocketAddr, query: &Message) -> Message {
    udp_within(server, query, PATIENCE).expect("an answer")
}

/// A connection over which one can ask more than once.
pub(crate) struct Tcp(TcpStream);

impl Tcp {
    pub(crate) fn connect(server: SocketAddr) -> Self {
        Self(TcpStream::connect_timeout(&server, PATIENCE).unwrap())
    }

    pub(crate) fn send(&mut self, query: &Message) {
        let octets = query.to_vec().unwrap();
        let length = u16::try_from(octets.len()).unwrap().to_be_bytes();
        self.0.write_all(&[&length, octets.as_slice()].concat()).unwrap();
    }

    /// The next answer, if one comes in time; panics when the connection is closed.
    pub(crate) fn receive_within(&mut self, query: &Message, limit: Duration) -> Option<Message> {
        self.0.set_read_timeout(Some(limit)).unwrap();
        let mut length = [0; 2];
        match self.0.read_exact(&mut length) {
            Ok(()) => {}
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => return None,
            Err(error) => panic!("{error}"),
        }
        let mut answer = vec![0; usize::from(u16::from_be_bytes(length))];
        self.0.read_exact(&mut answer).unwrap();
        Some(checked(query, &answer))
    }

    /// Whether the other end closes it in time.
    pub(crate) fn is_closed_within(&mut self, limit: Duration) -> bool {
        self.0.set_read_timeout(Some(limit)).unwrap();
        matches!(self.0.read(&mut [0; 1]), Ok(0))
    }
}

/// The answer over TCP.
pub(crate) fn tcp(server: SocketAddr, query: &Message) -> Message {
    let mut tcp = Tcp::connect(server);
    tcp.send(query);
    tcp.receive_within(query, PATIENCE).expect("an answer")
}

fn checked(query: &Message, octets: &[u8]) -> Message {
    let answer = Message::from_vec(octets).unwrap();
    assert_eq!(answer.metadata.id, query.metadata.id);
    assert_eq!(answer.queries, query.queries);
    answer
}

/// Who answered.
pub(crate) fn nsid(answer: &Message) -> Option<String> {
    match answer.edns.as_ref()?.option(EdnsCode::NSID)? {
        EdnsOption::NSID(payload) => String::from_utf8(payload.as_ref().to_vec()).ok(),
        _ => None,
    }
}

/// The serial of the first SOA record, wherever it is.
pub(crate) fn serial(answer: &Message) -> Option<u32> {
    answer.all_sections().find_map(|record| match &record.data {
        RData::SOA(soa) => Some(soa.serial),
        _ => None,
    })
}
