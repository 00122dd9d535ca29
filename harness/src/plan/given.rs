//! The configuration files that a scenario brings, held against its topology: what does not fit would be found out by a Fail.

use std::net::IpAddr;
use std::path::Path;

use lint::{Declared, Dialect, Severity, declared};
use protocol::File;

use super::{NodePlan, Plan};
use crate::kind::{Session, sessions};
use crate::spec::{Family, KeyPath, Scenario, SpecError, Topology};

/// Whether a file that replaces a generated one fits the topology. A mutant's may differ: that is what it is for.
pub(super) fn check(scenario: &Scenario, node: &str, from: &Path, file: &File) -> Result<(), SpecError> {
    let Ok(text) = std::str::from_utf8(&file.content.0) else { return Ok(()) };
    let name = from.display().to_string();
    let misfit = misfits(&scenario.topology, &Given { node, name: &name, text }).into_iter().next();
    match misfit.filter(|_| scenario.mutant.is_none()) {
        None => Ok(()),
        Some(Misfit { message, at }) => Err(scenario.wrong_in_topology(&at, message).hint(
            "change the one that is wrong; a mismatch that is the point of the scenario belongs into a mutant, \
             or into the topology of the generated end",
        )),
    }
}

impl Plan {
    /// What the lint says of the files that nodes are given, a line each.
    #[must_use]
    pub fn advice(&self) -> Vec<String> {
        self.given().flat_map(|given| advice(&given)).collect()
    }

    fn given(&self) -> impl Iterator<Item = Given<'_>> {
        self.nodes.iter().flat_map(of_node)
    }
}

fn of_node(node: &NodePlan) -> impl Iterator<Item = Given<'_>> {
    node.files.whole().iter().filter_map(|file| {
        let name = node.given.get(&file.path)?.to_str()?;
        Some(Given { node: &node.name, name, text: std::str::from_utf8(&file.content.0).ok()? })
    })
}

/// A configuration file as its node gets it.
pub(super) struct Given<'a> {
    /// The node.
    pub(super) node: &'a str,
    /// The file's name for people: where it was read from.
    pub(super) name: &'a str,
    /// Its text, templates filled in.
    pub(super) text: &'a str,
}

/// What does not fit, and the two places that disagree.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Misfit {
    /// `FILE:LINE: what it says, and what the topology says`.
    pub(super) message: String,
    /// Where the topology says it.
    pub(super) at: KeyPath,
}

/// What in the file does not fit the topology. Nothing is said of a file that is none of ExaBGP, BIRD or FRR.
pub(super) fn misfits(topology: &Topology, given: &Given<'_>) -> Vec<Misfit> {
    let Some(dialect) = Dialect::of(given.text) else { return Vec::new() };
    let (declared, planned) = (declared(given.text, dialect), sessions(topology, given.node));
    let fits = |session: &Session| declared.iter().any(|one| one.peer == session.remote);
    let mut found = Vec::new();
    // A neighbour that is not in the lab is idle; but one that the topology names must be in the file.
    if !declared.is_empty() && !planned.is_empty() && !planned.iter().any(fits) {
        let peers: Vec<String> = declared.iter().map(|one| one.peer.to_string()).collect();
        let (line, expected) = (declared[0].line, planned[0].remote);
        let message = format!(
            "{}:{line}: its neighbors are {}, and none of them is {expected}, `{}`'s address",
            given.name,
            peers.join(", "),
            planned[0].peer
        );
        found.push(Misfit { message, at: KeyPath::of(&["nodes", &planned[0].peer, "on"]) });
    }
    for one in &declared {
        for session in planned.iter().filter(|session| session.remote == one.peer) {
            found.extend(of_session(topology, given, one, session));
        }
    }
    found.extend(twice(topology, given, &declared));
    found
}

/// What the lint says of it, a line each: `FILE:LINE: severity[rule]: what`. Notes are left out.
pub(super) fn advice(given: &Given<'_>) -> Vec<String> {
    let Some(dialect) = Dialect::of(given.text) else { return Vec::new() };
    let findings = lint::lint(given.text, dialect, "anycastdns");
    let findings = findings.into_iter().filter(|finding| finding.severity != Severity::Note);
    let line = |finding: lint::Finding| {
        let (name, severity, rule) = (given.name, finding.severity.name(), finding.rule.id);
        format!("{name}:{}: {severity}[{rule}]: {}", finding.line, finding.what)
    };
    findings.map(line).collect()
}

fn of_session(topology: &Topology, given: &Given<'_>, one: &Declared, session: &Session) -> Vec<Misfit> {
    let (node, peer) = (given.node, session.peer.as_str());
    // The other end, as its own daemon is told.
    let back = Session::between(topology, peer, node).into_iter().find(|back| back.local == session.remote);
    let mut found = Vec::new();
    let mut say = |says: String, topology: String, at: &[&str]| {
        let message = format!("{}:{}: neighbor {}: {says}, and {topology}", given.name, one.line, one.peer);
        found.push(Misfit { message, at: KeyPath::of(at) });
    };
    let own = topology.nodes.get(node).map(|own| own.on.values().flatten().copied().collect::<Vec<IpAddr>>());
    if let (Some(local), Some(own)) = (one.local, own)
        && !own.contains(&local)
    {
        say(format!("its local address is {local}"), format!("`{node}` does not have it"), &["nodes", node, "on"]);
    }
    if let (Some(here), Some(back)) = (one.local_as, &back)
        && here != back.remote_asn
    {
        let expects = format!("`{peer}` expects AS {}", back.remote_asn);
        say(format!("its own AS is {here}"), expects, &["nodes", node, "asn"]);
    }
    if let (Some(there), Some(back)) = (one.peer_as, &back)
        && there != back.local_asn
    {
        say(format!("the peer's AS is {there}"), format!("`{peer}` is AS {}", back.local_asn), &["nodes", peer, "asn"]);
    }
    if let (Some(has), Some(back)) = (one.has_key, &back) {
        let key = back.key();
        let at: &[&str] = &["nodes", peer, "peers", node];
        match key {
            None if has => say("it has a key".to_owned(), format!("`{peer}` has none for it"), at),
            Some(_) if !has => say("it has no key".to_owned(), format!("`{peer}` has one for it"), at),
            // What is compared is never shown.
            Some(key) if !given.text.contains(key) => {
                say("its key is another one".to_owned(), format!("`{peer}` has its own"), at);
            }
            _ => {}
        }
    }
    if let Some(families) = one.families {
        let announced =
            |family: &Family| topology.services.values().flat_map(|s| &s.addresses).any(|a| Family::of(*a) == *family);
        for (family, on) in Family::ALL.into_iter().zip(families) {
            let serves = topology.nodes.get(node).is_some_and(|own| !own.serves.is_empty());
            let sole = sessions(topology, node).iter().filter(|other| other.peer == peer).count() == 1;
            if serves && sole && !on && announced(&family) && session.carries(family) {
                let has = format!("`{node}` serves addresses of that family");
                say(format!("{family} is not exchanged"), has, &["nodes", node, "serves"]);
            }
        }
    }
    found
}

/// Two BGP speakers of one AS with the same identifier never have a session (RFC 6286, section 2.1).
fn twice(topology: &Topology, given: &Given<'_>, declared: &[Declared]) -> Option<Misfit> {
    let one = declared.iter().find(|one| one.router_id.is_some())?;
    let id = IpAddr::from(one.router_id?);
    let owner = topology.owner_of(id).filter(|owner| *owner != given.node)?;
    let is_peer = sessions(topology, given.node).iter().any(|session| session.peer == owner);
    is_peer.then(|| Misfit {
        message: format!(
            "{}:{}: its router ID is {id}, which is the address of `{owner}`, its neighbor",
            given.name, one.line
        ),
        at: KeyPath::of(&["nodes", owner, "on"]),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TOPOLOGY: &str = r#"
        [networks]
        servers = ["10.1.53.0/24", "2001:db8:53::/64"]
        [services.dns]
        addresses = ["10.9.53.1", "2001:db8:9::1"]
        zone = "example.test"
        [nodes.router]
        on  = { servers = ["10.1.53.254", "2001:db8:53::fe"] }
        asn = 64601
        peers.ns1 = { md5 = "k3y-of-router" }
        [nodes.ns1]
        on  = { servers = ["10.1.53.11", "2001:db8:53::11"] }
        serves = ["dns"]
        asn = 64512
    "#;

    const GOOD: &str = "neighbor 10.1.53.254 {\n  router-id 10.1.53.11;\n  local-address 10.1.53.11;\n  local-as 64512;\n  \
                        peer-as 64601;\n  md5-password \"k3y-of-router\";\n  family { ipv4 unicast; ipv6 unicast; }\n}\n";

    fn of(text: &str) -> Vec<String> {
        let topology: Topology = toml::from_str(TOPOLOGY).expect("a topology");
        let given = Given { node: "ns1", name: "exabgp.conf", text };
        misfits(&topology, &given).into_iter().map(|misfit| misfit.message).collect()
    }

    #[test]
    fn a_file_that_fits_has_no_misfit() {
        assert_eq!(of(GOOD), Vec::<String>::new());
        assert_eq!(of("options { directory \"/var/cache/bind\"; };"), Vec::<String>::new());
    }

    #[test]
    fn each_misfit_names_both_places_and_no_key() {
        let cases = [
            (
                "neighbor 10.1.53.254",
                "neighbor 10.1.53.253",
                "exabgp.conf:1: its neighbors are 10.1.53.253, and none of them is 10.1.53.254, `router`'s address",
            ),
            (
                "local-address 10.1.53.11",
                "local-address 10.1.53.99",
                "exabgp.conf:1: neighbor 10.1.53.254: its local address is 10.1.53.99, and `ns1` does not have it",
            ),
            (
                "local-as 64512",
                "local-as 64513",
                "exabgp.conf:1: neighbor 10.1.53.254: its own AS is 64513, and `router` expects AS 64512",
            ),
            (
                "peer-as 64601",
                "peer-as 64602",
                "exabgp.conf:1: neighbor 10.1.53.254: the peer's AS is 64602, and `router` is AS 64601",
            ),
            (
                "k3y-of-router",
                "k3y-of-others",
                "exabgp.conf:1: neighbor 10.1.53.254: its key is another one, and `router` has its own",
            ),
            (
                "md5-password \"k3y-of-router\";",
                "",
                "exabgp.conf:1: neighbor 10.1.53.254: it has no key, and `router` has one for it",
            ),
            (
                "ipv6 unicast;",
                "",
                "exabgp.conf:1: neighbor 10.1.53.254: v6 is not exchanged, and `ns1` serves addresses of that family",
            ),
            (
                "router-id 10.1.53.11",
                "router-id 10.1.53.254",
                "exabgp.conf:1: its router ID is 10.1.53.254, which is the address of `router`, its neighbor",
            ),
        ];
        for (from, to, expected) in cases {
            assert!(GOOD.contains(from), "{from}");
            assert_eq!(of(&GOOD.replacen(from, to, 1)), [expected], "{from} -> {to}");
        }
    }

    #[test]
    fn the_lint_is_asked() {
        let given = Given { node: "ns1", name: "exabgp.conf", text: "neighbor 10.1.53.254 {\n" };
        assert_eq!(advice(&given), ["exabgp.conf:1: error[braces]: this `{` is never closed"]);
    }
}
