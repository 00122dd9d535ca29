//! DAEMONS: what each one needs and says; pure. A new daemon is one file here and one folder in images/, or a part by `images/pypi/`.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use ipnet::IpNet;
use protocol::{Action, ControlSocket, Daemon};

use crate::history::RibRoute;
use crate::image::catalog;
use crate::spec::{Announces, Family, Node, Product, Role, Topology, Watchdog, list};

mod anycast_healthchecker;
mod anycastd;
mod bind;
mod bird;
mod check;
mod exabgp;
mod exabgp_healthcheck;
mod frr;
mod hickory;
mod script;
mod session;
mod template;
mod watchdog;

pub use session::{Session, sessions};
pub(crate) use template::fill_given;

/// How long a watchdog takes at the most to decide.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notices {
    /// From a server's failure to the withdrawal.
    pub fall: Duration,
    /// From its return to the announcement.
    pub rise: Duration,
}

impl Notices {
    /// Of what is no watchdog.
    pub const NONE: Self = Self { fall: Duration::ZERO, rise: Duration::ZERO };
}

/// A daemon.
pub trait Kind: Sync {
    /// Its name in scenario files, such as `bind`; also the name of its part of an image.
    fn name(&self) -> &'static str;

    /// The roles that it can play.
    fn plays(&self) -> &'static [Role];

    /// Its files, generated: path -> contents.
    ///
    /// # Errors
    /// What it would need and the node does not have.
    fn files(&self, site: &Site<'_>) -> Result<BTreeMap<String, String>, String>;

    /// How it is started in the foreground: the program that bears the role's name, and what it needs beside it; none when
    /// another daemon starts it.
    fn daemons(&self, site: &Site<'_>) -> Vec<Daemon>;

    /// Where it is asked for its RIB, if it can be.
    fn control(&self, _site: &Site<'_>) -> Option<ControlSocket> {
        None
    }

    /// Reads the answer to that question.
    ///
    /// # Errors
    /// The line that was not understood.
    fn routes(&self, answer: &str) -> Result<Vec<RibRoute>, String> {
        Err(format!("{} was not asked for routes, and answered {answer:?}", self.name()))
    }

    /// What the watchdog is told, beside its timers, to reach this speaker; none when the speaker starts it.
    fn through(&self, _site: &Site<'_>) -> Option<Vec<String>> {
        None
    }

    /// Whether, as a watchdog, it can tell a speaker of that kind.
    fn tells(&self, _speaker: &str) -> bool {
        self.plays().contains(&Role::Watchdog)
    }

    /// What a speaker that it tells has of the routes.
    fn leaves(&self) -> Leaves {
        Leaves::Switches
    }

    /// What ExaBGP starts to be told by, each with its name and its command line; none when that is our own watchdog.
    ///
    /// # Errors
    /// As [`Kind::files`].
    fn helpers(&self, _site: &Site<'_>) -> Result<Option<Vec<(String, String)>>, String> {
        Ok(None)
    }

    /// What takes the session with a peer down, or up again: commands of the daemon's own, run in the node, if it has any.
    fn session(&self, _site: &Site<'_>, _peer: &str, _up: bool) -> Option<Vec<Vec<String>>> {
        None
    }

    /// What makes it take in a configuration file that has changed, if anything does.
    fn reload(&self, _site: &Site<'_>) -> Option<Action> {
        None
    }

    /// The command, run in the node, that tells a programmable daemon how to behave; none when it is not programmable.
    fn behave(&self, _how: &str) -> Option<Vec<String>> {
        None
    }

    /// How long it takes at the most, as a watchdog with these timers, to see that a server has failed, or is back.
    ///
    /// Of a checker about which nothing else is known: it asks at one pace, waits for each answer, and counts.
    fn notices(&self, timers: &Watchdog) -> Notices {
        let round = timers.interval.0 + timers.timeout.0;
        Notices { fall: timers.interval.0 + round * timers.fall, rise: timers.interval.0 + round * timers.rise }
    }

    /// Whether it may stop and start the speaker beside it, as scripts do: then the speaker's end is no failure of its own.
    fn restarts_speaker(&self) -> bool {
        false
    }

    /// Whether a line of its log says that it withdraws.
    fn gives_up(&self, _line: &str) -> bool {
        false
    }

    /// The text of a log line that is this watchdog's own, though the process of the speaker that started it wrote it.
    fn spoke<'l>(&self, _line: &'l str) -> Option<&'l str> {
        None
    }
}

/// What a watchdog leaves to the speaker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leaves {
    /// The routes, off from the outset, under names by which they are turned on and off.
    Switches,
    /// The routes, but it exports those only that are on a list which the watchdog writes.
    Lists,
    /// Nothing: the watchdog says each route itself.
    Nothing,
}

/// All of them.
const KINDS: [&dyn Kind; 10] = [
    &anycast_healthchecker::AnycastHealthchecker,
    &anycastd::Anycastd,
    &bind::Bind,
    &bird::Bird,
    &exabgp::Exabgp,
    &exabgp_healthcheck::ExabgpHealthcheck,
    &frr::Frr,
    &hickory::Hickory,
    &script::Script,
    &watchdog::Watchdog,
];

/// The kind of that name.
#[must_use]
pub fn named(name: &str) -> Option<&'static dyn Kind> {
    KINDS.into_iter().find(|kind| kind.name() == name)
}

/// The name of the daemon that plays the watchdog, whoever started it.
const WATCHDOG: &str = "watchdog";

/// The daemon that a log line of `daemon` really comes from, and its text.
#[must_use]
pub fn speaker_of<'l>(daemon: &'l str, line: &'l str) -> (&'l str, &'l str) {
    let own = KINDS.into_iter().find_map(|kind| kind.spoke(line));
    own.map_or((daemon, line), |text| (WATCHDOG, text))
}

/// Whether a watchdog's log line says that it withdraws: in our own's words, or in another's.
#[must_use]
pub fn gives_up(line: &str) -> bool {
    line.starts_with("withdraw ") || KINDS.iter().any(|kind| kind.gives_up(line))
}

/// The product that plays a role when neither the matrix nor the node names one.
///
/// Our watchdog has one version only: this checkout's.
#[must_use]
pub fn default_product(role: Role) -> Product {
    let (kind, version) = match role {
        Role::Resolver => ("bind", "9.20"),
        Role::Speaker => ("exabgp", "5.0.15"),
        Role::Router => ("bird", "2.17"),
        Role::Watchdog => (Product::OUR_WATCHDOG, catalog::OURS),
    };
    Product { kind: kind.to_owned(), version: version.to_owned() }
}

/// Whether the watchdog can tell the speaker.
///
/// # Errors
/// It cannot, and which it can.
pub fn check_told(watchdog: &Product, speaker: &Product) -> Result<(), String> {
    let Some(kind) = named(&watchdog.kind).filter(|kind| !kind.tells(&speaker.kind)) else { return Ok(()) };
    let speakers = KINDS.iter().filter(|kind| kind.plays().contains(&Role::Speaker)).map(|kind| kind.name());
    let told: Vec<&str> = speakers.filter(|speaker| kind.tells(speaker)).collect();
    Err(format!("{} cannot tell {}: it tells {}", kind.name(), speaker.kind, list(&told)))
}

/// The role that a product plays: the one asked for, or its first.
///
/// # Errors
/// There is no such product, or it cannot play that role.
pub fn check_product(product: &Product, role: Option<Role>) -> Result<Role, String> {
    let Some(kind) = named(&product.kind) else {
        let known: Vec<&str> = KINDS.iter().map(|kind| kind.name()).collect();
        return Err(format!("there is no kind `{}`: there are {}", product.kind, list(&known)));
    };
    let versions = catalog::versions(kind.name());
    if !versions.contains(&product.version.as_str()) {
        let (kind, version) = (&product.kind, &product.version);
        if versions == [catalog::OURS] {
            return Err(format!("there is no {kind} {version}: there is this checkout's only, `{kind}`"));
        }
        return Err(format!("there is no {kind} {version}: there are {}", list(&versions)));
    }
    let plays = kind.plays().iter().copied().find(|plays| role.is_none_or(|role| role == *plays));
    plays.ok_or_else(|| {
        let roles: Vec<String> = kind.plays().iter().map(ToString::to_string).collect();
        let role = role.map_or_else(|| "any role".to_owned(), |role| role.to_string());
        format!("{} cannot play {role}: it plays {}", product.kind, list(&roles))
    })
}

/// Whether a node runs a router: by its role, or by a product that plays it unless it is told otherwise.
pub(crate) fn is_router(node: &Node) -> bool {
    let plays = |run: &String| match Role::named(run) {
        Some(role) => role == Role::Router,
        None => run.parse().ok().and_then(|product| check_product(&product, None).ok()) == Some(Role::Router),
    };
    node.runs.iter().any(plays)
}

/// A daemon's surroundings: all that its files are made from.
pub struct Site<'a> {
    /// The node's name.
    pub name: &'a str,
    /// The node.
    pub node: &'a Node,
    /// The whole lab.
    pub topology: &'a Topology,
    /// The daemons of this node, by role.
    pub runs: &'a BTreeMap<Role, Product>,
    /// Its BGP sessions.
    pub sessions: &'a [Session],
    /// The role that is being asked about.
    pub role: Role,
}

/// An address that a node announces.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
struct Announcement {
    service: String,
    v6: bool,
    prefix: IpNet,
    next_hop: IpAddr,
    local_pref: Option<u32>,
}

impl Site<'_> {
    /// The addresses of the services that the node serves, with their zones, in the order of the file.
    pub fn served(&self) -> impl Iterator<Item = (IpAddr, &str)> {
        self.node
            .serves
            .iter()
            .filter_map(|name| self.topology.services.get(name))
            .flat_map(|service| service.addresses.iter().map(|address| (*address, service.zone.as_str())))
    }

    /// What the node announces over a session: each address that it serves of a family that the session carries, with its next hop.
    ///
    /// # Errors
    /// An address without a next hop of its family.
    fn announcements(&self, session: &Session) -> Result<Vec<Announcement>, String> {
        let served = self.node.serves.iter().filter_map(|name| Some((name, self.topology.services.get(name)?)));
        let each = served.flat_map(|(name, service)| service.addresses.iter().map(move |address| (name, *address)));
        let each = each.filter(|(_, address)| session.carries(Family::of(*address)));
        let announce = |(service, address): (&String, IpAddr)| {
            let next_hop =
                session.next_hops.iter().find(|hop| hop.is_ipv4() == address.is_ipv4()).ok_or_else(|| {
                    format!(
                        "{address} has no next hop: `{}` has no address of that family toward `{}`",
                        self.name, session.peer
                    )
                })?;
            Ok(Announcement {
                service: service.clone(),
                v6: address.is_ipv6(),
                prefix: IpNet::from(address),
                next_hop: *next_hop,
                local_pref: self.node.local_pref.get(service).copied(),
            })
        };
        each.map(announce).collect()
    }

    /// What the node announces over any session: each address once, to however many peers.
    ///
    /// # Errors
    /// As [`Site::announcements`].
    fn announced(&self) -> Result<Vec<Announcement>, String> {
        let mut announced: Vec<Announcement> = Vec::new();
        for session in self.sessions {
            let mut more = self.announcements(session)?;
            more.retain(|new| announced.iter().all(|known| known.prefix != new.prefix));
            announced.append(&mut more);
        }
        Ok(announced)
    }

    /// Whether it passes on over a session what it has learned: as router, to another router. One that learned it within the AS
    /// reflects it (RFC 4456), with itself as the next hop.
    fn passes_on(&self, session: &Session) -> bool {
        self.role == Role::Router && self.topology.nodes.get(&session.peer).is_some_and(is_router)
    }

    /// Its end of the sessions with a peer.
    fn sessions_with(&self, peer: &str) -> impl Iterator<Item = &Session> {
        self.sessions.iter().filter(move |session| session.peer == peer)
    }

    /// The kind that plays the watchdog, when one runs here.
    fn watchdog(&self) -> Option<&'static dyn Kind> {
        self.runs.get(&Role::Watchdog).and_then(|product| named(&product.kind))
    }

    /// What the watchdog leaves to the speaker; without one there is nothing to wait for.
    fn leaves(&self) -> Leaves {
        self.watchdog().filter(|_| self.waits()).map_or(Leaves::Switches, |kind| kind.leaves())
    }

    /// Whether routes wait for the watchdog.
    #[must_use]
    pub fn waits(&self) -> bool {
        self.node.announces == Announces::WhenHealthy
    }

    /// An IPv4 address as BGP identifier (RFC 6286: any 32 bits that are unique in the AS will do).
    #[must_use]
    pub fn router_id(&self) -> IpAddr {
        let v4 = self.node.on.values().flatten().copied().find(IpAddr::is_ipv4);
        let nth = self.topology.nodes.get_index_of(self.name).unwrap_or(0);
        v4.unwrap_or_else(|| IpAddr::from([192, 0, 2, u8::try_from(nth + 1).unwrap_or(255)]))
    }

    /// The daemon of this role, run with `argv`.
    fn run(&self, argv: &[&str]) -> Daemon {
        self.run_as(&self.role.to_string(), argv)
    }

    /// A program called `name`, run with `argv`.
    fn run_as(&self, name: &str, argv: &[&str]) -> Daemon {
        Daemon {
            name: name.to_owned(),
            argv: argv.iter().map(|arg| (*arg).to_owned()).collect(),
            env: self.node.env.iter().map(|(key, value)| (key.clone(), value.clone())).collect(),
        }
    }
}
