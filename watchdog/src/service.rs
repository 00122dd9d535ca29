//! A service: what is checked, how it is judged, and what its neighbours are to know. All sources of configuration end here.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use hickory_proto::rr::{Name, RecordType};
use serde::{Deserialize, Serialize};

/// One anycast service: its addresses are announced and withdrawn together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Service {
    /// The name: ExaBGP's `watchdog NAME`, BIRD's protocols `NAME*`, and in the journal.
    pub name: String,
    /// The addresses, each a route of its own: a /32 or a /128.
    pub addresses: Vec<IpAddr>,
    /// What must pass.
    pub checks: Vec<Check>,
    /// When outcomes count.
    pub judging: Judging,
    /// Who announces.
    pub through: Through,
    /// What the routes carry while all is well.
    pub up: Attributes,
    /// What they carry while drained.
    pub drained: Attributes,
    /// A drain that was asked for ends in a withdrawal after this time.
    pub drain: Duration,
    /// Whose business it is that the addresses are on `lo`.
    pub binding: Binding,
}

/// One thing that must pass.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Check {
    /// What is done.
    pub what: What,
    /// Whose failure it would be.
    pub scope: Scope,
    /// From one to the next while all is well; `None`: the service's.
    pub interval: Option<Duration>,
    /// The limit for one; `None`: the service's.
    pub timeout: Option<Duration>,
}

/// The kinds of checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum What {
    /// A question to a name server.
    Dns(Box<Dns>),
    /// A TCP connection is accepted.
    Tcp {
        /// By whom.
        address: IpAddr,
        /// On which port.
        port: u16,
    },
    /// A command ends with status 0.
    Command(Vec<String>),
}

/// A question to a name server, and what its answer must be like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dns {
    /// The server: by default also the address that the question comes from.
    pub address: IpAddr,
    /// Its port.
    pub port: u16,
    /// The name asked for.
    pub name: Name,
    /// The type asked for.
    pub kind: RecordType,
    /// Over UDP.
    pub udp: bool,
    /// Over TCP.
    pub tcp: bool,
    /// The question comes from this address; `None`: the kernel's choice.
    pub source: Option<IpAddr>,
    /// What the answer must be like.
    pub expect: Expectation,
}

/// What an answer must be like. Everything that is not said is not looked at.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    /// The RCODE; `None`: NOERROR.
    pub rcode: Option<String>,
    /// The answer must be authoritative (RFC 1035, section 4.1.1).
    pub aa: bool,
    /// NOERROR and no records of the type.
    pub nodata: bool,
    /// Among the records of the type asked for is one with exactly this data, as in a zone file.
    pub answer: Option<String>,
    /// The zone's serial may be this much older than the primary's.
    pub serial: Option<Freshness>,
    /// The signatures over the answer are valid for at least so long from now (RFC 4034, section 3.1.5).
    pub rrsig: Option<Duration>,
}

/// How far a zone's serial may be behind its primary's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Freshness {
    /// The primary, and its port.
    pub primary: (IpAddr, u16),
    /// For this long a serial behind the primary's (RFC 1982) is no failure.
    pub age: Duration,
}

/// Whose failure a failing check means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// This machine's: others do better, so the routes are withdrawn.
    #[default]
    Local,
    /// Perhaps everybody's: if all withdrew nobody would serve, so the routes are drained.
    Shared,
}

/// When outcomes count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judging {
    /// From one question to the next while all is well.
    pub interval: Duration,
    /// The same while something is amiss.
    pub fast_interval: Duration,
    /// A question is asked earlier than its interval says, by up to so many percent.
    pub jitter: u8,
    /// No answer at all for this long, to at least `fall` questions, is a failure. It grows with the server's own latency.
    pub timeout: Duration,
    /// Passes in a row, of every check, before announcing.
    pub rise: u32,
    /// Bad answers in a row before withdrawing. A refused connection is enough by itself.
    pub fall: u32,
    /// So many failures among so many outcomes are as bad.
    pub window: Window,
    /// How a service that flaps is held back.
    pub hold_down: HoldDown,
}

/// k of n.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Window {
    /// So many failures...
    pub failed: u32,
    /// ...among the last so many outcomes.
    pub of: u32,
}

/// A service that was withdrawn again and again must be healthy for longer before it is announced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HoldDown {
    /// Withdrawals within this time count. The first is free.
    pub within: Duration,
    /// For the second; each further one doubles it.
    pub first: Duration,
    /// It never is longer.
    pub ceiling: Duration,
}

/// What a route carries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Attributes {
    /// MULTI_EXIT_DISC (RFC 4271, section 5.1.4).
    pub med: Option<u32>,
    /// LOCAL_PREF (RFC 4271, section 5.1.5).
    pub local_pref: Option<u32>,
    /// COMMUNITIES (RFC 1997), as `65535:0`.
    #[serde(default)]
    pub communities: Vec<String>,
    /// Our AS so many times more in AS_PATH.
    #[serde(default)]
    pub prepend: u8,
}

/// Who announces, and how it is spoken to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Through {
    /// ExaBGP, whose helper process this is.
    Exabgp {
        /// `None`: ExaBGP's own static routes, by their watchdog's name. Else the routes are said in full.
        next_hop: Option<String>,
        /// Which ExaBGP's commands.
        dialect: ExabgpDialect,
    },
    /// BIRD, by its control socket: protocols named `NAME*` are enabled and disabled.
    Bird {
        /// The control socket.
        socket: PathBuf,
    },
    /// FRR's bgpd, by its terminal socket.
    Frr {
        /// The terminal socket.
        socket: PathBuf,
        /// As in `router bgp ASN`.
        asn: u32,
        /// What is done to announce and withdraw.
        by: FrrBy,
    },
    /// A bgpd that is started while all is well, and killed when not.
    Bgpd {
        /// The command that starts it.
        start: Vec<String>,
        /// The name of its process.
        process: String,
    },
}

/// Whose commands: they differ from version to version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ExabgpDialect {
    /// 3.4: no acknowledgements, and other questions.
    #[serde(rename = "3.4")]
    V3,
    /// 4.x and 5.x; or 3.4, if it says so when it is asked.
    #[default]
    #[serde(rename = "4")]
    V4,
    /// 6: commands begin with the peer.
    #[serde(rename = "6")]
    V6,
}

/// What is done at bgpd.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FrrBy {
    /// `network` statements come and go.
    #[default]
    Network,
    /// All neighbours are shut down and brought up.
    NeighborShutdown,
}

/// Whose business it is that the addresses are on `lo`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Binding {
    /// Nobody looks.
    Ignored,
    /// Somebody else's: an address that is not there is not announced.
    #[default]
    Required,
    /// Ours: bound before announcing; unbound a while after withdrawing.
    Managed,
}

impl Default for Judging {
    fn default() -> Self {
        Self {
            interval: Duration::from_millis(200),
            fast_interval: Duration::from_millis(50),
            jitter: 10,
            timeout: Duration::from_millis(250),
            rise: 1,
            fall: 3,
            window: Window { failed: 6, of: 30 },
            hold_down: HoldDown::default(),
        }
    }
}

impl Default for HoldDown {
    fn default() -> Self {
        Self { within: Duration::from_secs(300), first: Duration::from_secs(1), ceiling: Duration::from_secs(60) }
    }
}
