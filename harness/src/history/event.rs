//! One thing that happened.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;
use protocol::{Exit, NextHop, Outcome, Stream, TcpEvent};
use serde::{Deserialize, Serialize};

use super::name::Name;
use crate::fault::Fault;

/// One thing that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// When, at the latest: nanoseconds of the engine's kernel's CLOCK_MONOTONIC, which all nodes share.
    pub at: u64,
    /// When, at the earliest, where it was noticed between two looks. None: `at` is exact.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<u64>,
    /// Where; none for what the harness itself did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub node: Option<Name>,
    /// What.
    pub saw: Seen,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seen {
    /// The run began; versions of all that took part.
    Begin {
        /// The run's name.
        run: String,
        /// What took part, in which version: this program, the engine, the kernel, daemons and their packages.
        versions: BTreeMap<String, String>,
        /// The identifier of each node's image (`sha256:...`); empty in records of format 0.
        #[serde(default)]
        images: BTreeMap<String, String>,
        /// What was drawn: the number in the run's name. The numbers of queries, which are drawn too, are in [`Seen::Query`].
        #[serde(default)]
        seed: u64,
    },
    /// Every node is ready and every train runs.
    Up,
    /// The run is over: the nodes are taken down, and what they still see is not recorded.
    Down,
    /// A step began.
    Step {
        /// Its number, from 0.
        number: usize,
        /// Its name.
        name: String,
    },
    /// A step that asserts nothing is over: it was played to its end.
    Over {
        /// Its number.
        number: usize,
    },
    /// A fault took effect.
    Injected {
        /// The step.
        number: usize,
        /// The fault, in words.
        fault: String,
        /// The fault itself; none in records from before this field. A key in it is not recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<Box<Fault>>,
        /// What the node said of it.
        detail: String,
    },
    /// A fault was mended.
    Healed {
        /// The step.
        number: usize,
        /// The fault, in words.
        fault: String,
        /// The fault itself; none in records from before this field. A key in it is not recorded.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        what: Option<Box<Fault>>,
        /// What the node said of it.
        detail: String,
    },
    /// The node is set up and its daemons are started.
    Ready,
    /// A daemon was started.
    Started {
        /// Its name.
        daemon: String,
        /// Its process number in the node.
        pid: i32,
    },
    /// A daemon ended.
    Exited {
        /// Its name.
        daemon: String,
        /// Its process number in the node.
        pid: i32,
        /// How.
        exit: Exit,
    },
    /// A daemon wrote a line.
    Line {
        /// Its name; a program that it started itself speaks under its own name.
        daemon: String,
        /// Where it wrote it.
        stream: Stream,
        /// The line.
        text: String,
    },
    /// The kernel's route for a prefix changed.
    Fib {
        /// The prefix.
        prefix: IpNet,
        /// Who installed it (`rtm_protocol`, rtnetlink(7)), such as 12 for BIRD. 0 when it is gone, or where the record does not say.
        #[serde(default, skip_serializing_if = "is_zero")]
        protocol: u8,
        /// Its next hops; empty when the route is gone.
        next_hops: Vec<NextHop>,
    },
    /// An address of `lo` came or went.
    Address {
        /// The address.
        address: IpAddr,
        /// Whether `lo` has it from now on.
        present: bool,
    },
    /// A routing daemon's table changed.
    Rib {
        /// The daemon.
        daemon: String,
        /// All its routes, or none when it does not answer.
        routes: Option<Vec<RibRoute>>,
    },
    /// A BGP message crossed the wire.
    Bgp {
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
        /// The message.
        message: BgpMessage,
    },
    /// A connection on port 179 began or ended.
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
        /// How.
        event: TcpEvent,
    },
    /// A query came to its end.
    Query {
        /// The service asked.
        service: Name,
        /// Its number within (service, address), from 0.
        number: u64,
        /// The address asked.
        to: IpAddr,
        /// The UDP port that it was sent from; 0 in records of format 0.
        #[serde(default)]
        port: u16,
        /// Its DNS message ID; 0 in records of format 0.
        #[serde(default)]
        id: u16,
        /// When it was sent, on the same clock as `at`.
        sent: u64,
        /// What came of it.
        outcome: Outcome,
    },
    /// The node answered a query: its own port 53 took the query, and the answer left it.
    Served {
        /// The address that was asked.
        to: IpAddr,
        /// Who asked.
        client: SocketAddr,
        /// The DNS message ID.
        id: u16,
    },
    /// From here on, or around here, the history is not whole: no check may pass.
    Hole {
        /// What was lost, and why.
        reason: String,
    },
    /// A processor of the machine came back to a thread that wanted to run: late. What else it was to run was late, too. It is the
    /// harness's own thread, or that of a node's probe.
    Stalled {
        /// How late, in nanoseconds, up to `at`.
        late: u64,
        /// Of these, for how many the thread waited for other ones of this machine; the rest its host took.
        waited: u64,
        /// Which processor; none where that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        processor: Option<u32>,
        /// Of how many that are watched; none where that is not known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        of: Option<u32>,
    },
    /// The harness's own clock was compared with the nodes': all times of this history are the nodes'.
    Clock {
        /// What was added to the harness's clock, in nanoseconds; 0 when both are the same.
        shift: i64,
        /// How far that may be from the truth, in nanoseconds.
        error: u64,
    },
    /// The verdict on a step, as it was given while the run went on.
    Judged {
        /// The step's number.
        number: usize,
        /// `Pass`, `Fail` or `Unknown`.
        verdict: String,
    },
}

/// A BGP message (RFC 4271, section 4; RFC 4760).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum BgpMessage {
    /// OPEN.
    Open {
        /// The sender's AS number, of four octets where it said so (RFC 6793).
        asn: u32,
        /// Seconds.
        hold_time: u16,
    },
    /// KEEPALIVE.
    Keepalive,
    /// UPDATE; an End-of-RIB marker (RFC 4724) has neither list.
    Update {
        /// Prefixes announced, with their next hops.
        announced: Vec<(IpNet, Option<IpAddr>)>,
        /// Prefixes withdrawn.
        withdrawn: Vec<IpNet>,
    },
    /// NOTIFICATION.
    Notification {
        /// Error code.
        code: u8,
        /// Error subcode.
        subcode: u8,
    },
    /// ROUTE-REFRESH or another type, by number.
    Other(u8),
    /// What could not be read, and why.
    Malformed(String),
}

/// One route of a routing daemon's table.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct RibRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// Its next hops.
    pub next_hops: Vec<IpAddr>,
    /// The protocol or peer that it came from, as the daemon names it.
    pub from: String,
}

fn is_zero(protocol: &u8) -> bool {
    *protocol == 0
}
