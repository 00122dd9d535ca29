//! The ground on which faults strike: what the daemons of a planned node can be told.

use protocol::Action;

use super::{NodePlan, Plan, build};
use crate::fault::{Fault, Ground};
use crate::image::Release;
use crate::kind::{self, Kind, Session, Site};
use crate::secret::Secret;
use crate::spec::list;
use crate::value::Role;

/// What a command of a daemon is given to do what it is asked.
const PATIENCE_MS: u64 = 10_000;

impl Plan {
    /// What breaks a fault's node, as its daemons need it.
    ///
    /// # Errors
    /// There is no such node, or why it cannot be done there.
    pub fn apply(&self, fault: &Fault) -> Result<Vec<Action>, String> {
        fault.apply(&self.ground(fault)?)
    }

    /// What mends it.
    ///
    /// # Errors
    /// As [`Plan::apply`].
    pub fn heal(&self, fault: &Fault) -> Result<Vec<Action>, String> {
        fault.heal(&self.ground(fault)?)
    }

    fn ground<'p>(&'p self, fault: &'p Fault) -> Result<NodeGround<'p>, String> {
        let node = self.node(&fault.on).ok_or_else(|| format!("there is no node `{}`", fault.on))?;
        Ok(NodeGround { plan: self, node, peer: fault.peer.as_deref() })
    }
}

struct NodeGround<'p> {
    plan: &'p Plan,
    node: &'p NodePlan,
    peer: Option<&'p str>,
}

impl NodeGround<'_> {
    /// What the daemon that speaks BGP here says of a session.
    fn speaker<T>(&self, peer: &str, of: impl Fn(&dyn Kind, &Site<'_>) -> Option<T>) -> Result<T, String> {
        let name = &self.node.name;
        let node = self.plan.topology.nodes.get(name).ok_or("a plan that was read from a file cannot be run")?;
        let sessions: Vec<Session> = kind::sessions(&self.plan.topology, name);
        if !sessions.iter().any(|session| session.peer == peer) {
            let peers: Vec<&str> = sessions.iter().map(|session| session.peer.as_str()).collect();
            return Err(format!("it has no session with `{peer}`: it has sessions with {}", list(&peers)));
        }
        let (topology, runs) = (&self.plan.topology, &self.node.runs);
        let (role, product) = self.node.runs.iter().find(|(role, _)| role.speaks_bgp()).ok_or("it speaks no BGP")?;
        let site = Site { name, node, topology, runs, sessions: &sessions, role: *role };
        let kind = kind::named(&product.kind).ok_or_else(|| format!("there is no kind {}", product.kind))?;
        of(kind, &site).ok_or_else(|| format!("{} has no command for it", product.kind))
    }
}

impl Ground for NodeGround<'_> {
    fn daemon(&self, role: Role) -> Result<String, String> {
        let name = role.to_string();
        if self.node.daemons.iter().any(|daemon| daemon.name == name) {
            return Ok(name);
        }
        let others: Vec<&str> = self.node.daemons.iter().map(|daemon| daemon.name.as_str()).collect();
        Err(format!(
            "its {role} is started by another daemon, and cannot be broken alone: expected {}",
            others.join(" or ")
        ))
    }

    fn session(&self, peer: &str, up: bool) -> Result<Vec<Action>, String> {
        // Says what is wrong when there is no such session.
        let product = self.speaker(peer, |kind, _| Some(kind.name()))?;
        let switch = self.node.switches.get(peer).ok_or_else(|| format!("{product} has no command for it"))?;
        Ok((if up { &switch.up } else { &switch.down }).iter().cloned().map(exec).collect())
    }

    /// The files that the other key changes, and the daemon's way to take them in.
    fn key(&self, peer: &str, key: Option<&str>) -> Result<Vec<Action>, String> {
        let mut topology = self.plan.topology.clone();
        if let Some(key) = key {
            // What an end declares itself wins there: the other end keeps its key.
            let kept = Session::between(&topology, peer, &self.node.name).into_iter().find_map(|theirs| theirs.md5);
            for (end, other, key) in [(&*self.node.name, peer, Some(Secret::from(key))), (peer, &self.node.name, kept)]
            {
                if let Some(node) = topology.nodes.get_mut(end) {
                    node.peers.entry(other.to_owned()).or_default().md5 = key;
                }
            }
        }
        let (name, runs) = (&self.node.name, &self.node.runs);
        let node = topology.nodes.get(name).ok_or("a plan that was read from a file cannot be run")?;
        let sessions = kind::sessions(&topology, name);
        let (files, reload) = self.speaker(peer, |kind, site| {
            let reload = self.node.reloads.get(&site.role)?.clone();
            Some((kind.files(&Site { topology: &topology, node, runs, sessions: &sessions, ..*site }), reload))
        })?;
        Ok(files?.into_iter().map(build::file).map(Action::Write).chain([reload]).collect())
    }

    fn behave(&self, how: &str) -> Result<Action, String> {
        let product = self.node.runs.get(&Role::Resolver).ok_or("it runs no resolver")?;
        let command = kind::named(&product.kind).and_then(|kind| kind.behave(how));
        command.map(exec).ok_or_else(|| format!("{} is not programmable: expected hickory", product.kind))
    }

    /// The netdev family's egress hook came with nftables 1.0.1; bullseye has 0.9.8.
    fn can_be_silent(&self) -> Result<(), String> {
        let release = self.node.image.release();
        if release != Release::Bullseye {
            return Ok(());
        }
        let parts = self.node.image.parts().iter().filter(|(_, version)| !version.on.contains(&Release::Bookworm));
        let parts: Vec<String> = parts.map(|(part, version)| format!("{} {}", part.name, version.version)).collect();
        Err(format!(
            "the nft(8) of {} cannot drop frames that leave (new in nftables 1.0.1), and {} is on no newer release: \
             expected another version",
            release.name(),
            list(&parts.iter().map(String::as_str).collect::<Vec<_>>())
        ))
    }

    fn is_on(&self, network: &str) -> bool {
        self.node.links.iter().any(|link| link.network == network)
    }

    fn peer(&self) -> Option<&str> {
        self.peer
    }
}

fn exec(argv: Vec<String>) -> Action {
    Action::Exec { argv, timeout_ms: PATIENCE_MS }
}
