//! A small name server that can misbehave and die.

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::SOA;
use hickory_proto::rr::{RData, Record};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UdpSocket};
use tokio::runtime::Builder;
use tokio::sync::oneshot;
use tokio::task::JoinSet;

/// How long to wait for what is to come; far more than it takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// As many ports from 20,000 on.
const PORTS: u32 = 12_000;

/// What the server does with a query.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Manner {
    /// Answers with an SOA record of this serial.
    Serial(u32),
    /// Never answers.
    Silent,
    ServFail,
    /// Answers with serial 1, and closes every TCP connection after one answer.
    ClosesTcp,
    /// Answers with serial 1, and closes every TCP connection over which nothing is asked for 30 ms.
    ClosesIdleTcp,
    /// Answers with serial 1; of what is asked over a TCP connection only the first.
    StallsTcp,
    /// Answers with serial 1; over TCP only the first question of the first connection.
    FallsSilentOverTcp,
}

/// A server on a port of its own, TCP and UDP; dies when dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    kill: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(manner: Manner) -> Self {
        let any_port = || (0..PORTS).find_map(|_| Self::bind((Ipv4Addr::LOCALHOST, next_port()).into(), manner).ok());
        any_port().expect("a free port")
    }

    /// For an address that another server had. A process being forked by another test may hold its sockets a little longer.
    pub(crate) fn start_at(address: SocketAddr, manner: Manner) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match Self::bind(address, manner) {
                Ok(server) => return server,
                Err(error) if Instant::now() > deadline => panic!("{address}: {error}"),
                Err(_) => thread::park_timeout(Duration::from_millis(5)),
            }
        }
    }

    fn bind(address: SocketAddr, manner: Manner) -> io::Result<Self> {
        let (kill, killed) = oneshot::channel();
        let (started, starts) = mpsc::channel::<io::Result<()>>();
        let thread = thread::spawn(move || {
            let runtime = Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let (tcp, udp) = match (TcpListener::bind(address).await, UdpSocket::bind(address).await) {
                    (Ok(tcp), Ok(udp)) => (tcp, udp),
                    (Err(error), _) | (_, Err(error)) => return started.send(Err(error)).unwrap(),
                };
                started.send(Ok(())).unwrap();
                tokio::select! {
                    () = accept(tcp, manner) => {}
                    () = answer(udp, manner) => {}
                    _ = killed => {}
                }
            });
        });
        starts.recv().unwrap()?;
        Ok(Self { address, kill: Some(kill), thread: Some(thread) })
    }

    pub(crate) fn ip(&self) -> IpAddr {
        self.address.ip()
    }
}

impl Drop for Server {
    /// All its sockets are closed afterwards.
    fn drop(&mut self) {
        drop(self.kill.take());
        self.thread.take().map(JoinHandle::join);
    }
}

/// A port that no other test has, in this process or in one beside it, and no client: the kernel gives clients higher ones.
fn next_port() -> u16 {
    const PER_PROCESS: u32 = 64;
    static GIVEN: AtomicU32 = AtomicU32::new(0);
    let offset = std::process::id().wrapping_mul(PER_PROCESS) + GIVEN.fetch_add(1, Ordering::Relaxed);
    20_000 + u16::try_from(offset % PORTS).unwrap()
}

async fn accept(tcp: TcpListener, manner: Manner) {
    // They are closed with the server.
    let mut connections = JoinSet::new();
    for earlier in 0_u32.. {
        let (connection, _) = tcp.accept().await.unwrap();
        let answered = match manner {
            Manner::StallsTcp => 1,
            Manner::FallsSilentOverTcp => u32::from(earlier == 0),
            _ => u32::MAX,
        };
        connections.spawn(serve(connection, manner, answered));
    }
}

/// Messages with their length before them (RFC 7766, section 8); so many of them are answered.
async fn serve(mut connection: TcpStream, manner: Manner, answered: u32) -> Option<()> {
    if matches!(manner, Manner::ClosesIdleTcp) {
        // Before anything was asked, now and then.
        tokio::time::timeout(Duration::from_millis(30), connection.readable()).await.ok()?.ok()?;
    }
    for earlier in 0_u32.. {
        let mut query = vec![0; usize::from(connection.read_u16().await.ok()?)];
        connection.read_exact(&mut query).await.ok()?;
        if earlier >= answered {
            continue;
        }
        for answer in answers(Message::from_vec(&query).unwrap(), manner) {
            let framed = [&u16::try_from(answer.len()).unwrap().to_be_bytes(), answer.as_slice()].concat();
            connection.write_all(&framed).await.ok()?;
        }
        if matches!(manner, Manner::ClosesTcp) {
            return None;
        }
    }
    None
}

async fn answer(udp: UdpSocket, manner: Manner) {
    let mut datagram = [0; 512];
    loop {
        let Ok((length, asker)) = udp.recv_from(&mut datagram).await else {
            continue;
        };
        for answer in answers(Message::from_vec(&datagram[..length]).unwrap(), manner) {
            udp.send_to(&answer, asker).await.ok();
        }
    }
}

fn answers(query: Message, manner: Manner) -> Vec<Vec<u8>> {
    let name = query.queries[0].name.clone();
    let soa = |serial| RData::SOA(SOA::new(name.clone(), name.clone(), serial, 60, 60, 60, 60));
    let with = |data: Option<RData>| {
        let mut answer = query.clone().into_response();
        answer.answers = data.into_iter().map(|data| Record::from_rdata(name.clone(), 60, data)).collect();
        answer
    };
    let messages = match manner {
        Manner::Serial(serial) => vec![with(Some(soa(serial)))],
        Manner::ClosesTcp | Manner::ClosesIdleTcp | Manner::StallsTcp | Manner::FallsSilentOverTcp => {
            vec![with(Some(soa(1)))]
        }
        Manner::Silent => vec![],
        Manner::ServFail => {
            let mut answer = with(None);
            answer.metadata.response_code = ResponseCode::ServFail;
            vec![answer]
        }
    };
    messages.iter().map(|message| message.to_vec().unwrap()).collect()
}
