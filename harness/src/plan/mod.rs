//! PLAN: a scenario and one cell of its matrix, worked out to the last octet; pure and deterministic.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::PathBuf;

use indexmap::IndexMap;
use ipnet::IpNet;
use protocol::{ControlSocket, Daemon, Route, Train};
use serde::{Deserialize, Serialize};

use crate::image::Recipe;
use crate::spec::{Always, Cell, Expect, Family, Inject, Product, Role, Span, Topology};

mod addresses;
mod broken;
mod build;
mod cells;
mod deadline;
mod files;
mod given;
mod ground;
mod hide;
mod pairwise;
mod planned;
mod products;
mod routes;
mod sessions;
mod show;

pub use cells::{Cells, cells, choose, describe, test_name};
pub use files::{Files, Shown};
pub use planned::Planned;
pub use sessions::SessionPlan;

/// All that a run does, decided.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// The scenario's name, such as `kill-named`.
    pub scenario: String,
    /// The mutant, if it is one, and the step at which it must fail.
    pub mutant: Option<Mutant>,
    /// One line.
    pub title: String,
    /// Why it matters, in prose.
    pub why: Option<String>,
    /// Where it happened, or where it is specified.
    pub source: Option<String>,
    /// Which product plays which role.
    pub cell: Cell,
    /// The networks, with their prefixes.
    pub networks: IndexMap<String, Vec<IpNet>>,
    /// The service addresses that are looked at.
    pub services: Vec<ServiceAddress>,
    /// The nodes.
    pub nodes: Vec<NodePlan>,
    /// The steps.
    pub steps: Vec<StepPlan>,
    /// What holds all the time.
    #[serde(default)]
    pub always: Always,
    /// What it was made from: what faults need of it is worked out when they strike. Not in a plan that was read from a file.
    #[serde(skip)]
    pub topology: Topology,
    /// Which node has which address on a network: link-local ones included, which differ for every node.
    pub owners: BTreeMap<IpAddr, String>,
    /// The BGP sessions.
    #[serde(default)]
    pub sessions: Vec<SessionPlan>,
}

/// A mutant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mutant {
    /// Its name.
    pub name: String,
    /// What was taken away, and what that proves.
    pub why: String,
    /// The name of the step at which it must fail.
    pub fails: String,
}

/// One address of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAddress {
    /// The service.
    pub service: String,
    /// Its address.
    pub address: IpAddr,
    /// The nodes that serve it.
    pub served_by: Vec<String>,
}

/// A node.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodePlan {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: Recipe,
    /// Its daemons' products, by role.
    pub runs: BTreeMap<Role, Product>,
    /// Its interfaces, `eth0` first.
    pub links: Vec<LinkPlan>,
    /// Addresses on `lo`.
    pub loopback: Vec<IpAddr>,
    /// Static routes.
    pub routes: Vec<Route>,
    /// Kernel parameters.
    pub sysctls: BTreeMap<String, String>,
    /// Files, by path.
    pub files: Files,
    /// Where files came from that were not generated: path in the node -> path here.
    pub given: BTreeMap<String, PathBuf>,
    /// Daemons, in the order in which they start.
    #[serde(serialize_with = "hide::daemons")]
    pub daemons: Vec<Daemon>,
    /// Control sockets to watch.
    pub ribs: Vec<ControlSocket>,
    /// Queries that it asks.
    pub trains: Vec<Train>,
    /// What takes its session with a peer down, and up again, where its daemon has commands for that.
    #[serde(default)]
    pub switches: BTreeMap<String, Switch>,
    /// What makes the daemon of a role take in a configuration file that has changed.
    #[serde(default)]
    pub reloads: BTreeMap<Role, protocol::Action>,
}

/// Commands, run in the node, for one BGP session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switch {
    /// Take it down.
    pub down: Vec<Vec<String>>,
    /// Take it up again.
    pub up: Vec<Vec<String>>,
}

/// An interface.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkPlan {
    /// The network.
    pub network: String,
    /// Its hardware address.
    pub mac: String,
    /// Its addresses.
    pub addresses: Vec<IpNet>,
}

/// A step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepPlan {
    /// Its name.
    pub name: String,
    /// What it does.
    pub action: Action,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Action {
    /// Asserts.
    Expect(Box<Expectation>),
    /// Breaks something.
    Inject(Inject),
    /// Mends everything.
    HealAll,
    /// Watches.
    Hold(Span),
}

/// An assertion with its deadline.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    /// As written.
    pub expect: Expect,
    /// From the last inject or heal (or from the start) until it holds at the latest.
    pub deadline: Span,
    /// How the deadline came about.
    pub because: String,
    /// What it is counted from, in words: `kill resolver on ns1`.
    pub since: String,
}

impl Plan {
    /// What is printed for the plan and names its run: `kill-named`, or `kill-named[no-watchdog]`.
    #[must_use]
    pub fn label(&self) -> String {
        match &self.mutant {
            Some(mutant) => format!("{}[{}]", self.scenario, mutant.name),
            None => self.scenario.clone(),
        }
    }

    /// The same with the contents of files that were given in what is shown and recorded of it, but for their keys.
    #[must_use]
    pub fn opened(mut self) -> Self {
        for node in &mut self.nodes {
            node.files = std::mem::take(&mut node.files).opened();
        }
        self
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&NodePlan> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The name of the node that an address on a network belongs to.
    #[must_use]
    pub fn owner_of(&self, address: IpAddr) -> Option<&str> {
        self.owners.get(&address).map(String::as_str)
    }

    /// The nodes that play the router.
    pub fn routers(&self) -> impl Iterator<Item = &NodePlan> {
        self.nodes.iter().filter(|node| node.runs.contains_key(&Role::Router))
    }

    /// The nodes that ask.
    pub fn clients(&self) -> impl Iterator<Item = &NodePlan> {
        self.nodes.iter().filter(|node| !node.trains.is_empty())
    }

    /// The families that the services have.
    pub fn families(&self) -> impl Iterator<Item = Family> {
        Family::ALL.into_iter().filter(|family| self.services.iter().any(|s| Family::of(s.address) == *family))
    }
}

/// The prefix of one host.
#[must_use]
pub fn host(address: IpAddr) -> IpNet {
    IpNet::from(address)
}
