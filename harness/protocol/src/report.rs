//! What a node saw.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use crate::Bytes;

/// One observation. Reports of one node are numbered without gaps from 0: a gap is a hole in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Position in the node's stream.
    pub seq: u64,
    /// When it happened, at the latest: nanoseconds of CLOCK_MONOTONIC.
    pub at: u64,
    /// When it happened, at the earliest, where it was noticed between two looks. None: `at` is the kernel's time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// What happened.
    pub saw: Observation,
}

/// What can happen on a node.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Observation {
    /// Addresses, routes and files are set, observers watch, and every daemon has been started.
    Ready,
    /// A daemon was started.
    Started {
        /// Its name.
        daemon: String,
        /// Its process number inside the node.
        pid: i32,
    },
    /// A daemon ended.
    Exited {
        /// Its name.
        daemon: String,
        /// Its process number inside the node.
        pid: i32,
        /// How.
        exit: Exit,
    },
    /// A daemon wrote a line.
    Line {
        /// Its name.
        daemon: String,
        /// Where it wrote it.
        stream: Stream,
        /// The line, without its end; octets that are not UTF-8 are replaced.
        text: String,
    },
    /// The main table's next hops for a prefix, after a change in the kernel (rtnetlink(7)).
    Fib {
        /// The prefix.
        prefix: IpNet,
        /// Who installed it (rtm_protocol), such as 12 for BIRD; 0 when it is gone.
        protocol: u8,
        /// Its next hops, sorted; empty when the route is gone.
        next_hops: Vec<NextHop>,
    },
    /// An address of `lo` came or went (rtnetlink(7)); those that are there at first are reported too.
    Address {
        /// The address.
        address: IpAddr,
        /// Whether `lo` has it from now on.
        present: bool,
    },
    /// A routing daemon's answer on its control socket, when it differs from the one before.
    Rib {
        /// The daemon.
        daemon: String,
        /// The answer; empty when the daemon does not answer.
        text: String,
    },
    /// A BGP message crossed the wire (RFC 4271, section 4), whole, header included.
    Bgp {
        /// Sender.
        src: SocketAddr,
        /// Receiver.
        dst: SocketAddr,
        /// Whether this node sent it.
        sent: bool,
        /// Whether its last segment was authenticated: by a TCP MD5 signature (RFC 2385), or by TCP-AO.
        signed: bool,
        /// Whether that was by TCP-AO (RFC 5925).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ao: bool,
        /// The message.
        message: Bytes,
    },
    /// A TCP segment on port 179 with SYN, FIN or RST crossed the wire.
    Tcp {
        /// Sender.
        src: SocketAddr,
        /// Receiver.
        dst: SocketAddr,
        /// Whether this node sent it.
        sent: bool,
        /// Whether it was authenticated: by a TCP MD5 signature (RFC 2385), or by TCP-AO.
        signed: bool,
        /// Whether that was by TCP-AO (RFC 5925).
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        ao: bool,
        /// Which flag.
        event: TcpEvent,
    },
    /// A query of a train has come to its end; `at` is when that was known.
    Query {
        /// The train.
        train: String,
        /// The query's number within (train, address), from 0.
        number: u64,
        /// Whom it asked.
        to: IpAddr,
        /// The UDP port that it was sent from.
        port: u16,
        /// Its DNS message ID.
        id: u16,
        /// When it was sent: nanoseconds of CLOCK_MONOTONIC.
        sent: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// This node answered a query: its own port 53 took the query, and the answer left it at `at`.
    Served {
        /// The address that was asked.
        to: IpAddr,
        /// Who asked.
        client: SocketAddr,
        /// The DNS message ID.
        id: u16,
    },
    /// A kernel queue ran over: some events of this observer are lost.
    Overflow {
        /// Which observer: `fib` or `bgp`.
        observer: String,
        /// How many, where the kernel says; else 0.
        lost: u64,
    },
    /// An observer ended: from here on the history has a hole.
    Broken {
        /// Which observer.
        observer: String,
        /// Why.
        error: String,
    },
    /// The action was carried out; `at` is the moment of its effect.
    Done {
        /// The command's number.
        id: u64,
        /// What an operator wants to know of it: a pid, a program's output.
        detail: String,
    },
    /// The action could not be carried out.
    Failed {
        /// The command's number.
        id: u64,
        /// Why.
        error: String,
    },
    /// The node could not be set up, and ends.
    Unusable {
        /// What was tried, and why it failed.
        error: String,
    },
}

/// How a process ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// With this exit status.
    Code(i32),
    /// By this signal, by number (signal(7)).
    Signal(i32),
}

/// Where a daemon wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum Stream {
    Stdout,
    Stderr,
}

/// One next hop of a route.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct NextHop {
    /// The gateway; none for a connected or unreachable route.
    pub via: Option<IpAddr>,
    /// The interface, or the route's type (`unreachable`, `blackhole`, `prohibit`) when it has none.
    pub dev: String,
}

/// A connection's turning points on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[expect(missing_docs, reason = "the names are RFC 9293's")]
pub enum TcpEvent {
    Syn,
    SynAck,
    Fin,
    Rst,
}

/// What came of a query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// An answer came.
    Answer {
        /// Which instance answered: the NSID option's text (RFC 5001); empty when there was none.
        instance: String,
        /// RCODE (RFC 1035, section 4.1.1; RFC 6895).
        rcode: u16,
        /// Records in the answer section.
        answers: u16,
        /// Nanoseconds from query to answer.
        rtt: u64,
    },
    /// Nothing came in time.
    Timeout,
    /// ICMP said that nobody can be reached there, or the kernel had no route; the kernel's words.
    Refused(String),
    /// The client itself could not ask, for want of a socket, a port or memory; the kernel's words. It says nothing of any server.
    Unasked(String),
}
