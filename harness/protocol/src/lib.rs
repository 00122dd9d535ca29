//! What the harness and the probe say to each other.
//!
//! The probe is PID 1 of a node. It reads JSON Lines on stdin: first one [`Setup`], then any number of [`Command`]s; end of
//! file means that the harness is gone, and the node with it. It writes JSON Lines on stdout: [`Report`]s, each stamped with
//! the kernel's monotonic clock, which all containers of one host share.

mod bytes;
mod command;
mod inspection;
mod report;
mod setup;

pub use bytes::Bytes;
pub use command::{Action, Command, Signal};
pub use inspection::{DaemonState, Inspection, SentPacket, SocketState};
pub use report::{Exit, NextHop, Observation, Outcome, Report, Stream, TcpEvent};
pub use setup::{ControlSocket, Daemon, File, Flow, Link, Route, Setup, Train};

/// The first two octets of the hardware address of every interface of every lab (locally administered, unicast).
///
/// A node drops frames that come from any other address: that keeps the host, whose bridge has a link-local IPv6 address
/// on every Docker network, out of the lab.
pub const MAC_PREFIX: [u8; 2] = [0xae, 0x53];

/// The daemon under which a node tells a log line whose writer it does not know.
pub const SYSLOG: &str = "syslog";
