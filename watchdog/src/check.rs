//! One check of one target: a TCP connection, and an SOA lookup over UDP.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use hickory_proto::rr::Name;
use tokio::net::{TcpStream, UdpSocket};
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, timeout_at};

use crate::connect;
use crate::duration::in_words;
use crate::soa::{BadAnswer, Question};
use crate::standing;
use crate::target::Target;

/// A connection that closes during the check is opened again, at most this often.
const RECONNECT: Duration = Duration::from_millis(5);

/// Without EDNS an answer has at most 512 bytes (RFC 1035, section 2.3.4); there are servers that send more.
const DATAGRAM: usize = 1232;

/// How to check any target.
#[derive(Debug, Clone, Copy)]
pub struct Checker {
    /// The port, TCP and UDP.
    pub port: u16,
    /// The limit for a whole check.
    pub limit: Duration,
}

/// What a passed check leaves.
#[derive(Debug)]
pub struct Passed {
    /// The zone's serial (RFC 1035, section 3.3.13).
    pub serial: u32,
    /// The TCP connection, open and idle.
    pub connection: TcpStream,
}

/// Why a check failed.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Nothing listens on the TCP port: the process is gone.
    #[error("TCP connect: refused")]
    Refused,
    /// The TCP connection did not come about.
    #[error("TCP connect: {}", in_short(.0))]
    Connect(io::Error),
    /// The TCP connection did not come about in time.
    #[error("TCP connect: no answer within {}", in_words(*.0))]
    ConnectTimeout(Duration),
    /// The query could not be sent, or the server's host refused it.
    #[error("SOA {domain}: UDP: {}", in_short(.error))]
    Udp {
        /// The domain asked for.
        domain: Name,
        /// What the operating system says.
        error: io::Error,
    },
    /// No matching answer in time.
    #[error("SOA {domain}: no answer within {}", in_words(*.limit))]
    NoAnswer {
        /// The domain asked for.
        domain: Name,
        /// The limit for the whole check.
        limit: Duration,
    },
    /// An answer, and a bad one.
    #[error("SOA {domain}: {reason}")]
    Bad {
        /// The domain asked for.
        domain: Name,
        /// What is bad about it.
        reason: BadAnswer,
    },
}

impl Checker {
    /// Checks a target: it accepts a TCP connection, and answers an SOA query over UDP, both within the limit.
    ///
    /// A process that is being killed closes its sockets one by one, so it may still accept a connection that it can no
    /// longer serve. Therefore the connection is watched during the lookup, and opened anew when it closes.
    ///
    /// # Errors
    /// When the target fails.
    pub async fn check(&self, target: &Target) -> Result<Passed, Failure> {
        let deadline = Instant::now() + self.limit;
        // Its first tick is at once.
        let mut pace = interval(RECONNECT);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut connection = self.connect(target, &mut pace, deadline).await?;
        let mut lookup = pin!(self.look_up(target, deadline));
        loop {
            tokio::select! {
                biased;
                serial = &mut lookup => return Ok(Passed { serial: serial?, connection }),
                () = standing::closed(&connection) => {
                    pace.tick().await;
                    connection = self.connect(target, &mut pace, deadline).await?;
                }
            }
        }
    }

    /// Where the target listens.
    #[must_use]
    pub fn server(&self, target: &Target) -> SocketAddr {
        SocketAddr::new(target.address, self.port)
    }

    async fn connect(&self, target: &Target, pace: &mut Interval, deadline: Instant) -> Result<TcpStream, Failure> {
        let server = self.server(target);
        let connect = async {
            loop {
                match connect::connect(server).await {
                    // Closed before we saw it accepted.
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => pace.tick().await,
                    connected => return connected,
                };
            }
        };
        match timeout_at(deadline, connect).await {
            Ok(Ok(connection)) => Ok(connection),
            Ok(Err(error)) if error.kind() == ErrorKind::ConnectionRefused => Err(Failure::Refused),
            Ok(Err(error)) => Err(Failure::Connect(error)),
            Err(_) => Err(Failure::ConnectTimeout(self.limit)),
        }
    }

    async fn look_up(&self, target: &Target, deadline: Instant) -> Result<u32, Failure> {
        let domain = target.domain.clone();
        match timeout_at(deadline, ask(self.server(target), &domain)).await {
            Ok(Ok(Ok(serial))) => Ok(serial),
            Ok(Ok(Err(reason))) => Err(Failure::Bad { domain, reason }),
            Ok(Err(error)) => Err(Failure::Udp { domain, error }),
            Err(_) => Err(Failure::NoAnswer { domain, limit: self.limit }),
        }
    }
}

/// Sends the query, and waits for an answer to it; datagrams that do not answer it are passed over.
async fn ask(server: SocketAddr, domain: &Name) -> io::Result<Result<u32, BadAnswer>> {
    let any: IpAddr = if server.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((any, 0)).await?;
    socket.connect(server).await?;
    let question = Question::new(domain);
    socket.send(&question.to_bytes().map_err(io::Error::other)?).await?;
    let mut datagram = [0; DATAGRAM];
    loop {
        let length = socket.recv(&mut datagram).await?;
        if let Some(verdict) = question.judge(&datagram[..length]) {
            return Ok(verdict);
        }
    }
}

/// The operating system's reason without its number.
fn in_short(error: &io::Error) -> String {
    let text = error.to_string();
    text.split_once(" (os error").map_or(text.clone(), |(reason, _)| reason.to_owned())
}
