//! From a scenario and a cell to a plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use ipnet::IpNet;
use protocol::{Bytes, File, Train};

use super::broken::Broken;
use super::deadline::{self, Since};
use super::{
    Action, Expectation, Files, Mutant, NodePlan, Plan, ServiceAddress, SessionPlan, StepPlan, Switch, addresses,
    given, hide, products, routes, sessions,
};
use crate::fault::{Breaks, Fault, Md5};
use crate::image::Recipe;
use crate::kind::{self, Session, Site};
use crate::secret::{Secret, is_secret};
use crate::spec::{
    Ask, Cell, Family, KeyPath, Node, Product, Role, Scenario, SpecError, Strike, Subject, Topology, Verb, list,
};
use crate::value::{FileError, NodePath, Regular};

impl Plan {
    /// Works a scenario out for one cell of its matrix.
    ///
    /// # Errors
    /// Whatever keeps a node from being made: daemons of no common release, a file that cannot be read, a client without a way
    /// to what it asks.
    pub fn new(scenario: &Scenario, cell: Cell) -> Result<Self, SpecError> {
        let scenario = &scenario.in_cell(&cell)?;
        let topology = &scenario.topology;
        let nodes = topology
            .nodes
            .iter()
            .enumerate()
            .map(|(nth, (name, node))| plan_node(scenario, &cell, nth, name, node))
            .collect::<Result<Vec<NodePlan>, _>>()?;
        let nodes = without_each_others_keys(nodes, scenario);
        if let Some(path) =
            scenario.brought.keys().find(|path| !nodes.iter().any(|node| node.given.contains_key(*path)))
        {
            let all = nodes.iter().flat_map(|node| node.given.keys()).collect::<BTreeSet<_>>();
            let all: Vec<&String> = all.into_iter().collect();
            return Err(SpecError::new(format!("no node is given a file {path}: nodes are given {}", list(&all))));
        }
        let mutant = scenario.mutant.as_ref().and_then(|name| {
            let declared = scenario.mutants.get(name)?;
            let (why, fails) = (declared.why.clone(), declared.fails.clone());
            Some(Mutant { name: name.clone(), why, fails })
        });
        let plan = Self {
            scenario: scenario.name.clone(),
            mutant,
            title: scenario.title.clone(),
            why: scenario.why.clone(),
            source: scenario.source.clone(),
            cell,
            networks: topology.networks.clone(),
            services: services(topology),
            steps: steps(scenario, &nodes)?,
            nodes,
            always: scenario.always.clone(),
            owners: addresses::owners(topology),
            topology: topology.clone(),
            sessions: sessions::of(topology),
        };
        plan.check_faults(scenario)?;
        plan.check_families(scenario)?;
        Ok(plan)
    }

    /// Whether each session that is expected in one family can be there. What files of the user's say is not known.
    fn check_families(&self, scenario: &Scenario) -> Result<(), SpecError> {
        for step in &scenario.steps {
            let Verb::Expect(expect) = &step.verb else { continue };
            let (Subject::Session { between, .. }, Some(family)) = (&expect.subject, expect.family) else { continue };
            let of_the_two = |one: &&SessionPlan| between.iter().all(|end| one.ends.contains(end));
            let is_planned = |one: &SessionPlan| Family::of(one.addresses[0]) == family;
            let given = |end: &String| self.node(end).is_some_and(|node| !node.given.is_empty());
            if !self.sessions.iter().filter(of_the_two).any(is_planned) && !between.iter().any(given) {
                let [one, other] = between;
                let told = format!(
                    "{one} and {other} have no session over {family}; hint: without `sessions = \"per-family\"` one session \
                     carries both families"
                );
                return Err(scenario.wrong(&step.place.key("expect").key("family"), told));
            }
        }
        Ok(())
    }

    /// Whether each fault can be applied and mended where it is to strike.
    fn check_faults(&self, scenario: &Scenario) -> Result<(), SpecError> {
        let mut broken = Broken::default();
        for (nth, step) in scenario.steps.iter().enumerate() {
            let fault = match &step.verb {
                Verb::Inject(Strike::Fault(fault)) => fault,
                Verb::Heal(_) => {
                    broken.heal();
                    continue;
                }
                _ => continue,
            };
            let possible = self.apply(fault).and_then(|_| self.heal(fault));
            if let Err(error) = possible.and_then(|_| broken.inject(nth + 1, fault)) {
                let path = step.place.key("inject").key(fault.breaks.key());
                return Err(scenario.wrong(&path, format!("{fault}: {error}")));
            }
        }
        Ok(())
    }
}

fn services(topology: &Topology) -> Vec<ServiceAddress> {
    let one = |(name, service): (&String, &crate::spec::Service)| {
        let serves = |(_, node): &(&String, &Node)| node.serves.contains(name);
        let served_by: Vec<String> = topology.nodes.iter().filter(serves).map(|(node, _)| node.clone()).collect();
        let address = |address: &std::net::IpAddr| ServiceAddress {
            service: name.clone(),
            address: *address,
            served_by: served_by.clone(),
        };
        service.addresses.iter().map(address).collect::<Vec<_>>()
    };
    topology.services.iter().flat_map(one).collect()
}

fn steps(scenario: &Scenario, nodes: &[NodePlan]) -> Result<Vec<StepPlan>, SpecError> {
    let mut since = (Since::Start, "the start".to_owned());
    let mut sessions_down = false;
    let mut steps = Vec::new();
    for step in &scenario.steps {
        let action = match &step.verb {
            Verb::Expect(expect) => {
                let (deadline, because) = deadline::derive(&scenario.topology, nodes, expect, &since.0);
                Action::Expect(Box::new(Expectation {
                    expect: expect.clone(),
                    deadline,
                    because,
                    since: since.1.clone(),
                }))
            }
            Verb::Inject(Strike::Axis(axis)) => {
                return Err(SpecError::new(format!("the cell has no value for axis `{axis}`")));
            }
            Verb::Inject(Strike::Fault(inject)) => {
                sessions_down |= inject.ends_sessions();
                since = (Since::Fault(inject), inject.to_string());
                Action::Inject(inject.clone())
            }
            Verb::Heal(_) => {
                since = (Since::Heal(std::mem::take(&mut sessions_down)), "heal all".to_owned());
                Action::HealAll
            }
            Verb::Hold(span) => Action::Hold(*span),
        };
        steps.push(StepPlan { name: step.name.clone(), action });
    }
    Ok(steps)
}

fn plan_node(scenario: &Scenario, cell: &Cell, nth: usize, name: &str, node: &Node) -> Result<NodePlan, SpecError> {
    let topology = &scenario.topology;
    let runs = products::of(scenario, cell, name, node)?;
    let sessions = kind::sessions(topology, name);
    let mut files = BTreeMap::new();
    let (mut daemons, mut ribs) = (Vec::new(), Vec::new());
    let (mut switches, mut reloads) = (BTreeMap::new(), BTreeMap::new());
    for (role, product) in &runs {
        let kind =
            kind::named(&product.kind).ok_or_else(|| SpecError::new(format!("there is no kind {}", product.kind)))?;
        let site = Site { name, node, topology, runs: &runs, sessions: &sessions, role: *role };
        let generated =
            kind.files(&site).map_err(|error| SpecError::new(format!("node `{name}`, {product}: {error}")))?;
        files.extend(generated.into_iter().map(|file| (file.0.clone(), self::file(file))));
        daemons.extend(kind.daemons(&site));
        ribs.extend(kind.control(&site));
        reloads.extend(kind.reload(&site).map(|action| (*role, action)));
        for Session { peer, .. } in &sessions {
            if let (Some(down), Some(up)) = (kind.session(&site, peer, false), kind.session(&site, peer, true)) {
                switches.insert(peer.clone(), Switch { down, up });
            }
        }
    }
    let mut given = BTreeMap::new();
    for (path, beside) in &node.files {
        let brought = scenario.brought.get(path.as_str());
        let from = brought.cloned().unwrap_or_else(|| scenario.folder.join(beside.to_string()));
        let key = KeyPath::of(&["nodes", name, "files", path.as_str()]);
        let wrong = |error: String| {
            scenario.wrong_in_topology(&key, format!("node `{name}`, {path}: {}: {error}", from.display()))
        };
        // A file that the user brings may be anywhere; one that the scenario names lies in its folder.
        let opened = brought.map_or_else(|| beside.open(&scenario.folder), |brought| Regular::open(brought));
        let mut file = opened.and_then(|from| read(path, from)).map_err(|error| wrong(error.to_string()))?;
        if from.extension().is_some_and(|extension| extension == "j2") {
            let template = String::from_utf8(file.content.0).map_err(|error| wrong(error.to_string()))?;
            let filled = kind::fill_given(&template, node.vars.clone().into()).map_err(wrong)?;
            file.content = Bytes(filled.into_bytes());
        }
        if files.contains_key(path.as_str()) {
            given::check(scenario, name, &from, &file)?;
        }
        files.insert(path.to_string(), file);
        given.insert(path.to_string(), from);
    }
    check_files(scenario, name, &files, &given)?;
    check_script(scenario, name, node, &files)?;
    let plan = NodePlan {
        name: name.to_owned(),
        image: recipe(name, &runs)?,
        links: addresses::links(topology, nth, node),
        loopback: loopback(topology, node),
        routes: routes::of(topology, name, node),
        sysctls: sysctls(node),
        files: Files::new(files.into_values().collect(), secrets(node, sessions), given.keys()),
        given,
        daemons,
        ribs,
        trains: trains(topology, node),
        switches,
        reloads,
        runs,
    };
    check_routes(scenario, node, &plan)?;
    check_client(scenario, &plan)?;
    Ok(plan)
}

/// No path is both a file and a folder.
fn check_files(
    scenario: &Scenario,
    name: &str,
    files: &BTreeMap<String, File>,
    given: &BTreeMap<String, PathBuf>,
) -> Result<(), SpecError> {
    for path in files.keys() {
        let parents = path.char_indices().filter(|(at, c)| *c == '/' && *at > 0).filter_map(|(at, _)| path.get(..at));
        let Some(parent) = parents.into_iter().find(|parent| files.contains_key(*parent)) else { continue };
        let at = if given.contains_key(parent) { parent } else { path };
        let error = format!("node `{name}`: {parent} is both a file and the folder of {path}");
        return Err(scenario.wrong_in_topology(&KeyPath::of(&["nodes", name, "files", at]), error));
    }
    Ok(())
}

/// No prefix has two routes: the kernel refuses the second.
fn check_routes(scenario: &Scenario, node: &Node, plan: &NodePlan) -> Result<(), SpecError> {
    let connected: Vec<IpNet> = plan.links.iter().flat_map(|link| &link.addresses).map(IpNet::trunc).collect();
    for to in node.routes.keys() {
        let derived = plan.routes.iter().filter(|route| route.to == *to).count() > 1;
        if derived || connected.contains(to) {
            let name = &plan.name;
            let path = KeyPath::of(&["nodes", name, "routes", &to.to_string()]);
            let why = if derived { "it follows from the networks or the gateway" } else { "it is connected" };
            let error = scenario.wrong_in_topology(&path, format!("`{name}` has a route to {to} already: {why}"));
            return Err(error.hint("take it out"));
        }
    }
    Ok(())
}

/// The keys of a node's sessions, and what its environment and the variables of its templates hold by keys' names.
fn secrets(node: &Node, sessions: Vec<Session>) -> Vec<Secret> {
    let mut secrets: Vec<Secret> = sessions.into_iter().filter_map(|session| session.md5).collect();
    let env = node.env.iter().filter(|(name, _)| is_secret(name));
    secrets.extend(env.map(|(_, value)| Secret::from(&**value)));
    let words: Vec<&str> = node.script.iter().flat_map(|script| script.split_whitespace()).collect();
    secrets.extend(hide::keys(&words));
    node.vars.iter().for_each(|(name, value)| add_secrets(is_secret(name), value, &mut secrets));
    secrets
}

fn add_secrets(secret: bool, value: &serde_json::Value, secrets: &mut Vec<Secret>) {
    use serde_json::Value as V;
    match value {
        V::String(text) if secret => secrets.push(Secret::from(&**text)),
        V::Number(number) if secret => secrets.push(Secret::from(&*number.to_string())),
        V::Array(values) => values.iter().for_each(|value| add_secrets(secret, value, secrets)),
        V::Object(values) => {
            values.iter().for_each(|(name, value)| add_secrets(secret || is_secret(name), value, secrets));
        }
        V::Null | V::Bool(_) | V::Number(_) | V::String(_) => {}
    }
}

/// Each node's files hide the keys of the whole lab: a daemon may quote its peer's, and that which a fault gives it.
fn without_each_others_keys(mut nodes: Vec<NodePlan>, scenario: &Scenario) -> Vec<NodePlan> {
    let of_faults = scenario.steps.iter().filter_map(|step| match &step.verb {
        Verb::Inject(Strike::Fault(Fault { breaks: Breaks::Md5(Md5(key)), .. })) => Some(key.clone()),
        _ => None,
    });
    let all: Vec<Secret> = nodes.iter().flat_map(|node| node.files.secrets().to_vec()).chain(of_faults).collect();
    for node in &mut nodes {
        node.files = std::mem::take(&mut node.files).hiding(&all);
    }
    nodes
}

/// A generated file.
pub(super) fn file((path, text): (String, String)) -> File {
    File { path, mode: 0o644, content: Bytes(text.into_bytes()) }
}

/// A file as it is here, byte for byte; a script stays executable.
fn read(path: &NodePath, from: Regular) -> Result<File, FileError> {
    Ok(File { path: path.to_string(), mode: from.mode, content: Bytes(from.read()?) })
}

fn recipe(name: &str, runs: &BTreeMap<Role, Product>) -> Result<Recipe, SpecError> {
    let parts: Vec<(&str, &str)> = runs.values().map(|p| (p.kind.as_str(), p.version.as_str())).collect();
    Recipe::of(&parts).map_err(|error| SpecError::new(format!("node `{name}` cannot be built: {error}")))
}

fn loopback(topology: &Topology, node: &Node) -> Vec<std::net::IpAddr> {
    let services = node.serves.iter().filter_map(|name| topology.services.get(name));
    services.flat_map(|service| service.addresses.iter().copied()).collect()
}

fn trains(topology: &Topology, node: &Node) -> Vec<Train> {
    let train = |ask: &Ask| {
        let service = topology.services.get(&ask.service)?;
        Some(Train {
            name: ask.service.clone(),
            to: service.addresses.clone(),
            per_second: ask.per_second,
            qname: service.zone.to_string(),
            timeout_ms: u64::try_from(ask.timeout.0.as_millis()).unwrap_or(u64::MAX),
            flow: ask.flow,
        })
    };
    node.asks.iter().filter_map(train).collect()
}

/// A client's ports: enough flows to balance, and twice as many as queries can be out. No more, because the host remembers each
/// flow for minutes (conntrack), and Docker reads all that it remembers whenever a container ends.
fn ports(node: &Node) -> String {
    const FIRST: u64 = 32_768;
    const LAST: u64 = 60_999;
    let out = |ask: &Ask| u64::from(ask.per_second) * (ask.timeout.0.as_secs() + 1);
    let flows = (2 * node.asks.iter().map(out).sum::<u64>()).clamp(1024, LAST - FIRST);
    format!("{FIRST} {}", FIRST + flows - 1)
}

fn sysctls(node: &Node) -> BTreeMap<String, String> {
    let ports = ports(node);
    let mut sysctls =
        BTreeMap::from([("net.ipv6.conf.all.disable_ipv6", "0"), ("net.ipv6.conf.default.disable_ipv6", "0")]);
    // Asymmetric paths are what anycast is made of.
    sysctls.extend([("net.ipv4.conf.all.rp_filter", "0"), ("net.ipv4.conf.default.rp_filter", "0")]);
    if !node.serves.is_empty() {
        // Nobody answers ARP for an address on lo.
        sysctls.extend([("net.ipv4.conf.all.arp_ignore", "1"), ("net.ipv4.conf.all.arp_announce", "2")]);
    }
    if !node.asks.is_empty() {
        sysctls.insert("net.ipv4.ip_local_port_range", ports.as_str());
    }
    if routes::forwards(node) {
        sysctls.extend([
            ("net.ipv4.ip_forward", "1"),
            ("net.ipv6.conf.all.forwarding", "1"),
            ("net.ipv6.conf.default.forwarding", "1"),
            // Addresses and ports decide: one flow keeps to one server.
            ("net.ipv4.fib_multipath_hash_policy", "1"),
            ("net.ipv6.fib_multipath_hash_policy", "1"),
        ]);
    }
    let mut sysctls: BTreeMap<String, String> =
        sysctls.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
    sysctls.extend(node.sysctl.iter().map(|(key, value)| (key.clone(), value.clone())));
    sysctls
}

/// A script that is brought and started by its own name must be executable.
fn check_script(scenario: &Scenario, name: &str, node: &Node, files: &BTreeMap<String, File>) -> Result<(), SpecError> {
    let program = node.script.as_deref().and_then(|script| script.split_whitespace().next());
    let Some((program, file)) = program.and_then(|program| files.get_key_value(program)) else { return Ok(()) };
    if file.mode & 0o111 != 0 {
        return Ok(());
    }
    let path = KeyPath::of(&["nodes", name, "script"]);
    let message =
        format!("{program} cannot be executed: expected a file with an execute bit, found mode {:03o}", file.mode);
    let hint = format!("`chmod +x` the file, or start it by its interpreter: \"python3 {program}\", say");
    Err(scenario.wrong_in_topology(&path, message).hint(hint))
}

/// A client that asks needs a way to everything that it asks.
fn check_client(scenario: &Scenario, node: &NodePlan) -> Result<(), SpecError> {
    for (i, train) in node.trains.iter().enumerate() {
        for address in &train.to {
            let connected = node.links.iter().flat_map(|link| &link.addresses).any(|net| net.contains(address));
            let routed = node.routes.iter().any(|route| route.to.contains(address));
            if !connected && !routed {
                let (name, service) = (&node.name, &train.name);
                let path = KeyPath::of(&["nodes", name, "asks"]).index(i);
                let message = format!("a route to nowhere: `{name}` asks {service} at {address} and has no way there");
                let error = scenario.wrong_in_topology(&path, message);
                return Err(error.hint(format!("give `{name}` a `gateway`")));
            }
        }
    }
    Ok(())
}
