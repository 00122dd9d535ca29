//! What the types cannot say: addresses lie in their networks, names name something, and every route leads somewhere.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;

use super::error::SpecError;
use super::layers::Layers;
use super::matrix::Strike;
use super::scenario::{Scenario, list};
use super::source::KeyPath;
use super::step::Verb;
use super::topology::{Node, Peer, Topology, session_addresses};
use crate::fault::{Answers, Breaks, Fault, Md5};
use crate::value::{Product, Role, Span, is_label};

mod axes;
mod expect;
mod values;

pub(super) use axes::axes;

/// The most steps of a scenario.
const MOST_STEPS: usize = 1000;

type Checked = Result<(), SpecError>;

pub(super) fn topology(topology: &Topology, folder: &Path, layers: &Layers) -> Checked {
    let check = Check { topology, layers };
    check.size()?;
    for (name, prefixes) in &topology.networks {
        check.name(&KeyPath::of(&["networks", name]), name)?;
        for (i, prefix) in prefixes.iter().enumerate() {
            let path = KeyPath::of(&["networks", name]).index(i);
            check.that(prefix.network() == prefix.addr(), &path, || {
                format!("{prefix} has host bits set: expected {}", prefix.trunc())
            })?;
            let same = prefixes.iter().filter(|other| other.addr().is_ipv4() == prefix.addr().is_ipv4()).count();
            check.that(same == 1, &path, || {
                format!("network `{name}` has {same} prefixes of one family: expected one")
            })?;
            check.prefix(*prefix, &path)?;
        }
    }
    for (name, service) in &topology.services {
        check.name(&KeyPath::of(&["services", name]), name)?;
        let path = KeyPath::of(&["services", name, "addresses"]);
        check.that(!service.addresses.is_empty(), &path, || format!("service `{name}` has no address"))?;
        for (i, address) in service.addresses.iter().enumerate() {
            check.host(*address, &path.index(i))?;
        }
    }
    for (name, node) in &topology.nodes {
        check.name(&KeyPath::of(&["nodes", name]), name)?;
        check.node(name, node, folder)?;
    }
    check.addresses_are_unique()
}

/// The steps of a scenario in a cell.
pub(super) fn steps(scenario: &Scenario, layers: &Layers) -> Checked {
    let check = Check { topology: &scenario.topology, layers };
    check.that(scenario.steps.len() <= MOST_STEPS, &KeyPath::of(&["step"]), || {
        format!("{} steps: expected {MOST_STEPS} at most", scenario.steps.len())
    })?;
    let asserts = scenario.steps.iter().any(|step| matches!(step.verb, Verb::Expect(_)));
    check.that(asserts, &KeyPath::of(&["step"]), || "nothing is asserted: no step has `expect`".to_owned())?;
    for step in &scenario.steps {
        match &step.verb {
            Verb::Expect(expect) => check.expect(expect, &step.place.key("expect"))?,
            Verb::Inject(Strike::Fault(fault)) => check.fault(fault, &step.place.key("inject"))?,
            Verb::Inject(Strike::Axis(_)) | Verb::Heal(_) | Verb::Hold(_) => {}
        }
    }
    Ok(())
}

/// The mutants that a scenario declares.
pub(super) fn mutants(scenario: &Scenario, layers: &Layers) -> Checked {
    let check = Check { topology: &scenario.topology, layers };
    for (name, mutant) in &scenario.mutants {
        check.name(&KeyPath::of(&["mutants", name]), name)?;
        scenario.pinned_by(name)?;
        let path = KeyPath::of(&["mutants", name, "drop-step"]);
        if let Some(number) = mutant.drop_step {
            let dropped = number.checked_sub(1).and_then(|nth| scenario.steps.get(nth));
            check.that(dropped.is_some(), &path, || {
                format!("there is no step {number}: there are 1 to {}", scenario.steps.len())
            })?;
            check.that(dropped.is_none_or(|step| step.name != mutant.fails), &path, || {
                format!("step {number} is the one that must fail: it cannot be left out")
            })?;
        }
        let takes_away = !mutant.patch.is_empty() || mutant.drop_step.is_some();
        check.that(takes_away, &KeyPath::of(&["mutants", name]), || {
            "a mutant takes something away: expected `patch` or `drop-step`".to_owned()
        })?;
        let path = KeyPath::of(&["mutants", name, "fails"]);
        let expectations: Vec<String> = scenario
            .steps
            .iter()
            // What must always hold can come to an end at any step whose name is one in every cell.
            .filter(|step| match &step.verb {
                Verb::Expect(_) => true,
                Verb::Inject(Strike::Axis(axis)) => !scenario.always.is_empty() && step.name != *axis,
                _ => !scenario.always.is_empty(),
            })
            .map(|step| format!("`{}`", step.name))
            .collect();
        check.that(expectations.contains(&format!("`{}`", mutant.fails)), &path, || {
            format!("no expectation is named `{}`: expected {}", mutant.fails, list(&expectations))
        })?;
    }
    Ok(())
}

struct Check<'a> {
    topology: &'a Topology,
    layers: &'a Layers,
}

impl Check<'_> {
    fn that(&self, holds: bool, path: &KeyPath, message: impl FnOnce() -> String) -> Checked {
        if holds { Ok(()) } else { Err(self.layers.error(path, message())) }
    }

    fn known<'t, T>(
        &self,
        what: &str,
        name: &str,
        all: &'t indexmap::IndexMap<String, T>,
        path: &KeyPath,
    ) -> Result<&'t T, SpecError> {
        all.get(name).ok_or_else(|| {
            let known: Vec<&String> = all.keys().collect();
            self.layers.error(path, format!("there is no {what} `{name}`: there are {}", list(&known)))
        })
    }

    /// Names become host names, container names and file names.
    fn name(&self, path: &KeyPath, name: &str) -> Checked {
        self.that(is_label(name), path, || {
            format!("`{name}` is not a name: expected lower-case letters, digits and `-`, a letter first, at most 40")
        })
    }

    fn node(&self, name: &str, node: &Node, folder: &Path) -> Checked {
        let at = KeyPath::of(&["nodes", name]);
        self.that(!node.on.is_empty(), &at.key("on"), || format!("node `{name}` is on no network"))?;
        for (network, addresses) in &node.on {
            let path = at.key("on").key(network);
            let prefixes = self.known("network", network, &self.topology.networks, &path)?;
            for (i, address) in addresses.iter().enumerate() {
                self.that(prefixes.iter().any(|prefix| prefix.contains(address)), &path.index(i), || {
                    let prefixes: Vec<String> = prefixes.iter().map(ToString::to_string).collect();
                    format!("{address} lies outside network `{network}`: it has {}", list(&prefixes))
                })?;
                self.host(*address, &path.index(i))?;
            }
        }
        self.asn(node.asn, &at.key("asn"))?;
        self.texts(node, &at)?;
        for (i, run) in node.runs.iter().enumerate() {
            self.run(run, &at.key("runs").index(i))?;
        }
        for (i, service) in node.serves.iter().enumerate() {
            self.known("service", service, &self.topology.services, &at.key("serves").index(i))?;
        }
        for (peer, session) in &node.peers {
            let path = at.key("peers").key(peer);
            let other = self.known("node", peer, &self.topology.nodes, &path)?;
            let merged = Peer::merged(Some(session), other.peers.get(name)).unwrap_or_default();
            let reachable = session_addresses(node, other, merged.multihop.is_some(), None).is_some();
            self.that(peer != name && reachable, &path, || {
                format!("`{name}` and `{peer}` share no network and family: a session without `multihop` needs both")
            })?;
            let believed = other.peers.get(name).and_then(|back| back.asn);
            for (end, asn) in [(name, node.asn.or(believed)), (peer.as_str(), other.asn.or(session.asn))] {
                self.that(asn.is_some(), &path, || {
                    format!("node `{end}` has no `asn`: a session needs one at both ends")
                })?;
            }
            let back = other.peers.get(name).and_then(|back| back.sessions);
            let agree = session.sessions.zip(back).is_none_or(|(mine, theirs)| mine == theirs);
            self.that(agree, &path.key("sessions"), || {
                format!("`{peer}` says otherwise: expected the same at both ends, or nothing at one of them")
            })?;
            self.session(session, &path)?;
        }
        for service in node.local_pref.keys() {
            let path = at.key("local-pref").key(service);
            self.known("service", service, &self.topology.services, &path)?;
            self.that(node.serves.contains(service), &path, || {
                format!("node `{name}` does not announce `{service}`: it serves {}", list(&node.serves))
            })?;
        }
        if let Some(gateway) = &node.gateway {
            let path = at.key("gateway");
            let other = self.known("node", gateway, &self.topology.nodes, &path)?;
            let reachable = node.toward(other, false).or_else(|| node.toward(other, true)).is_some();
            self.that(gateway != name && reachable, &path, || {
                format!("a route to nowhere: `{name}` shares no network with its gateway `{gateway}`")
            })?;
        }
        for (prefix, via) in &node.routes {
            let path = at.key("routes").key(&prefix.to_string());
            let other = self.known("node", via, &self.topology.nodes, &path)?;
            let v6 = prefix.addr().is_ipv6();
            self.that(prefix.trunc() == *prefix, &path, || {
                format!("{prefix} has host bits set: expected {}", prefix.trunc())
            })?;
            self.that(via != name && node.toward(other, v6).is_some(), &path, || {
                format!("a route to nowhere: `{name}` shares no network with `{via}` in the family of {prefix}")
            })?;
        }
        for (i, ask) in node.asks.iter().enumerate() {
            let path = at.key("asks").index(i);
            self.known("service", &ask.service, &self.topology.services, &path.key("service"))?;
            self.that((1..=10_000).contains(&ask.per_second), &path.key("per-second"), || {
                format!("{} queries a second: expected 1 to 10000", ask.per_second)
            })?;
            self.that(!ask.timeout.0.is_zero(), &path.key("timeout"), || {
                "a query needs time for its answer".to_owned()
            })?;
            // Answers are told apart by service and number.
            let same = node.asks.iter().filter(|other| other.service == ask.service).count();
            self.that(same == 1, &path.key("service"), || {
                format!("`{name}` asks service `{}` {same} times: expected once", ask.service)
            })?;
        }
        for (target, file) in &node.files {
            let path = at.key("files").key(target.as_str());
            file.open(folder).map_err(|error| self.layers.error(&path, error.to_string()))?;
        }
        let w = &node.watchdog;
        let positive =
            [w.interval, w.fast_interval, w.timeout].iter().all(|span| !span.0.is_zero()) && w.rise > 0 && w.fall > 0;
        self.that(positive, &at.key("watchdog"), || {
            "the watchdog's timers, `rise` and `fall` must be above 0".to_owned()
        })
    }

    fn fault(&self, fault: &Fault, path: &KeyPath) -> Checked {
        let node = self.known("node", &fault.on, &self.topology.nodes, &path.key("on"))?;
        if let Breaks::Md5(Md5(key)) = &fault.breaks {
            self.key(key, &path.key("md5"))?;
        }
        if let Breaks::Answers(Answers(how)) = &fault.breaks {
            let plain = |c: char| c.is_ascii_graphic() || c == ' ';
            self.that(how.len() <= 200 && how.chars().all(plain), &path.key("answers"), || {
                "not a way to answer: expected one line of at most 200 printable ASCII characters".to_owned()
            })?;
        }
        let Some(role) = fault.role() else { return Ok(()) };
        let runs = node.runs.iter().any(|run| *run == role.to_string());
        self.that(runs, &path.key(fault.breaks.key()), || {
            format!("node `{}` runs no {role}: it runs {}", fault.on, list(&node.runs))
        })
    }

    fn session(&self, session: &Peer, at: &KeyPath) -> Checked {
        if let Some(Span(hold)) = session.hold_time {
            let valid = hold.subsec_nanos() == 0 && (hold.as_secs() == 0 || (3..=65_535).contains(&hold.as_secs()));
            self.that(valid, &at.key("hold-time"), || {
                let hold = Span(hold);
                format!("hold time {hold} is not possible: expected whole seconds, 0 or 3 to 65535 (RFC 4271)")
            })?;
        }
        if let Some(Span(restart)) = session.graceful_restart {
            let valid = restart.subsec_nanos() == 0 && (1..=4095).contains(&restart.as_secs());
            self.that(valid, &at.key("graceful-restart"), || {
                let restart = Span(restart);
                format!("restart time {restart} is not possible: expected whole seconds, 1 to 4095 (RFC 4724)")
            })?;
        }
        self.asn(session.asn, &at.key("asn"))?;
        if let Some(key) = &session.md5 {
            self.key(key, &at.key("md5"))?;
        }
        for (key, hops) in [("multihop", session.multihop), ("ttl-security", session.ttl_security)] {
            self.that(hops != Some(0), &at.key(key), || "0 hops are not possible: expected 1 to 255".to_owned())?;
        }
        let both = session.multihop.is_some() && session.ttl_security.is_some();
        self.that(!both, &at.key("ttl-security"), || {
            "a session has either `multihop` or `ttl-security`: expected one of them".to_owned()
        })
    }

    fn run(&self, run: &str, path: &KeyPath) -> Checked {
        if Role::named(run).is_some() {
            return Ok(());
        }
        let product = run.parse::<Product>().map(drop);
        product.map_err(|_| {
            let roles: Vec<String> = Role::ALL.iter().map(ToString::to_string).collect();
            self.layers.error(path, format!("there is no role `{run}`: expected {}, or KIND@VERSION", roles.join(", ")))
        })
    }

    /// No address may be bound twice on the networks; a service's may be bound on many loopbacks, but on no network.
    fn addresses_are_unique(&self) -> Checked {
        let mut seen: HashMap<IpAddr, String> = HashMap::new();
        for (name, service) in &self.topology.services {
            for (i, address) in service.addresses.iter().enumerate() {
                let path = KeyPath::of(&["services", name, "addresses"]).index(i);
                if let Some(other) = seen.insert(*address, format!("service `{name}`")) {
                    return Err(self.layers.error(&path, format!("{address} is taken: {other} has it")));
                }
            }
        }
        for (name, node) in &self.topology.nodes {
            for (network, addresses) in &node.on {
                for (i, address) in addresses.iter().enumerate() {
                    let path = KeyPath::of(&["nodes", name, "on", network]).index(i);
                    if let Some(other) = seen.insert(*address, format!("node `{name}`")) {
                        return Err(self.layers.error(&path, format!("{address} is taken: {other} has it")));
                    }
                }
            }
        }
        Ok(())
    }
}
