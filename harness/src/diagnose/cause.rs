//! The most likely cause of a failure in one line: rules in order, the first that applies counts.

use std::collections::BTreeSet;
use std::net::IpAddr;

use protocol::{Inspection, Outcome, TcpEvent};

use super::boot::{exit_words, is_managed, last_lines};
use super::evidence::Inspected;
use super::notification;
use crate::check::sessions::established;
use crate::history::{BgpMessage, Event, Seen, hole};
use crate::plan::{Action, NodePlan, Plan, SessionPlan, host};
use crate::spec::Role;

/// Words by which a program says that something is missing: a better line than the last one.
const MISSING: [&str; 9] = [
    "No module named",
    "ModuleNotFoundError",
    "in @INC",
    "command not found",
    ": not found",
    "No such file or directory",
    "Permission denied",
    "cannot open shared object",
    "bad interpreter",
];

/// What a rule looks at.
struct Facts<'a> {
    plan: &'a Plan,
    events: &'a [Event],
    inspected: &'a Inspected,
}

/// The most likely cause; none when no rule applies.
#[must_use]
pub fn cause(plan: &Plan, events: &[Event], inspected: &Inspected) -> Option<String> {
    let facts = Facts { plan, events, inspected };
    let rules: [fn(&Facts<'_>) -> Option<String>; 10] = [
        node_lost,
        daemon_ended,
        daemon_restarts,
        address_missing,
        port_not_listening,
        session_not_established,
        session_ended,
        kernel_lacks_route,
        not_announced,
        client_without_route,
    ];
    let found = rules.iter().find_map(|rule| rule(&facts))?;
    // A line of one daemon may quote a key of its node.
    Some(plan.nodes.iter().fold(found, |text, node| node.files.redact(&text)))
}

impl Facts<'_> {
    fn of<'a>(&'a self, node: &'a str) -> impl DoubleEndedIterator<Item = &'a Event> {
        self.events.iter().filter(move |event| event.node.as_deref() == Some(node))
    }

    /// Whether a fault that was injected and not healed since explains that a daemon of the node has ended.
    fn ended_by_fault(&self, node: &str, daemon: &str) -> bool {
        let healed = self.events.iter().rposition(|event| matches!(event.saw, Seen::Healed { .. })).unwrap_or(0);
        let injected = self.events.iter().skip(healed).filter_map(|event| match &event.saw {
            Seen::Injected { number, .. } => self.plan.steps.get(*number),
            _ => None,
        });
        let mut faults = injected.filter_map(|step| match &step.action {
            Action::Inject(fault) => Some(fault),
            _ => None,
        });
        faults.any(|fault| {
            // A daemon beside one of a role, such as FRR's zebra, ends with the machine only.
            let role = Role::named(daemon).unwrap_or(Role::Resolver);
            fault.on == node && fault.ends(role)
        })
    }

    fn inspection(&self, node: &str) -> Option<&Inspection> {
        self.inspected.get(node)?.as_ref().ok()
    }

    fn servers(&self) -> impl Iterator<Item = (&NodePlan, IpAddr)> {
        self.plan.services.iter().flat_map(move |service| {
            self.plan
                .nodes
                .iter()
                .filter(|node| service.served_by.contains(&node.name))
                .map(|node| (node, service.address))
        })
    }
}

/// The line that says most: one about something that is missing, else the last one.
fn telling_line(events: &[Event], node: &str, daemon: &str) -> Option<String> {
    let lines = last_lines(events, node, daemon, 40);
    let own = |line: &&String| !line.starts_with("lab: ");
    let missing = lines.iter().rev().filter(own).find(|line| MISSING.iter().any(|words| line.contains(words)));
    missing.or_else(|| lines.iter().rev().find(own)).cloned()
}

fn with_line(sentence: String, line: Option<String>) -> String {
    match line {
        Some(line) => format!("{sentence}: {}", line.trim()),
        None => format!("{sentence}, without a word"),
    }
}

fn node_lost(facts: &Facts<'_>) -> Option<String> {
    let (event, reason) = hole(facts.events)?;
    Some(match &event.node {
        Some(node) => format!("{node} could not be observed: {reason}"),
        None => format!("the lab could not be observed: {reason}"),
    })
}

fn daemon_ended(facts: &Facts<'_>) -> Option<String> {
    facts.plan.nodes.iter().find_map(|node| {
        node.daemons.iter().find_map(|daemon| {
            let last = facts.of(&node.name).rev().find_map(|event| match &event.saw {
                Seen::Started { daemon: name, .. } if *name == daemon.name => Some(None),
                Seen::Exited { daemon: name, exit, .. } if *name == daemon.name => Some(Some(*exit)),
                _ => None,
            });
            let exit = last??;
            let managed = is_managed(facts.plan, &node.name, &daemon.name);
            (!managed && !facts.ended_by_fault(&node.name, &daemon.name)).then(|| {
                let sentence = format!("{} on {} {}", daemon.name, node.name, exit_words(exit));
                with_line(sentence, telling_line(facts.events, &node.name, &daemon.name))
            })
        })
    })
}

/// A script that the lab or ExaBGP starts again and again.
fn daemon_restarts(facts: &Facts<'_>) -> Option<String> {
    facts.plan.nodes.iter().find_map(|node| {
        let ended = facts.of(&node.name).filter_map(|event| match &event.saw {
            Seen::Line { daemon, text, .. } if is_restart(text) => Some((daemon.clone(), text.clone())),
            _ => None,
        });
        let ended: Vec<(String, String)> = ended.collect();
        let (daemon, last) = ended.last()?;
        let sentence = match last.strip_prefix("lab: ").and_then(|text| text.split_once(", run ")) {
            Some((what, _)) => format!("{daemon} on {}: {what}, {} times", node.name, ended.len()),
            None => format!("{daemon} on {} restarts its process, {} times", node.name, ended.len()),
        };
        (ended.len() > 1).then(|| with_line(sentence, telling_line(facts.events, &node.name, daemon)))
    })
}

/// A line that says that a process ended and is started again: the lab's own, or ExaBGP's of its helper.
fn is_restart(line: &str) -> bool {
    let exabgp = line.contains("process")
        && ["respawn", "restarting", "terminated, ", "died"].iter().any(|word| line.contains(word));
    exabgp || (line.starts_with("lab: ") && line.ends_with("it is started again"))
}

fn address_missing(facts: &Facts<'_>) -> Option<String> {
    facts.servers().find_map(|(node, address)| {
        let last = facts.of(&node.name).rev().find_map(|event| match &event.saw {
            Seen::Address { address: seen, present } if *seen == address => Some(*present),
            _ => None,
        });
        (last == Some(false)).then(|| format!("lo of {} does not have {address}, which it serves", node.name))
    })
}

fn port_not_listening(facts: &Facts<'_>) -> Option<String> {
    facts.servers().find_map(|(node, address)| {
        let inspection = facts.inspection(&node.name)?;
        if !node.runs.contains_key(&Role::Resolver) || facts.ended_by_fault(&node.name, &Role::Resolver.to_string()) {
            return None;
        }
        let bound: BTreeSet<IpAddr> = inspection
            .sockets
            .iter()
            .filter(|socket| socket.protocol == "udp" && socket.local.port() == 53)
            .map(|socket| socket.local.ip())
            .collect();
        // An IPv6 socket that is bound to any address may take IPv4 as well (RFC 3493, section 5.3).
        let any_v6 = bound.iter().any(|ip| ip.is_ipv6() && ip.is_unspecified());
        let any = bound.iter().any(|ip| ip.is_unspecified() && ip.is_ipv4() == address.is_ipv4()) || any_v6;
        if any || bound.contains(&address) {
            return None;
        }
        let others: Vec<String> = bound.iter().map(ToString::to_string).collect();
        let others =
            if others.is_empty() { "at no address".to_owned() } else { format!("only at {}", others.join(", ")) };
        Some(format!("nothing on {} listens on UDP port 53 at {address}: {others}", node.name))
    })
}

fn session_not_established(facts: &Facts<'_>) -> Option<String> {
    let up = established(&crate::check::Facts::of(facts.plan, facts.events));
    facts.plan.sessions.iter().find_map(|session| {
        let [a, b] = &session.ends;
        let is_up = |x: &String, y: &String| up.contains_key(&(x.clone(), y.clone()));
        if is_up(a, b) || is_up(b, a) {
            return None;
        }
        Some(format!("the session between {a} and {b} was never established: {}", why_not(facts, session)))
    })
}

fn why_not(facts: &Facts<'_>, session: &SessionPlan) -> String {
    let between = |x: IpAddr, y: IpAddr| session.addresses.contains(&x) && session.addresses.contains(&y);
    if let Some((_, said)) = last_notification(facts.events, between) {
        return said_by(facts.plan, said);
    }
    let mut signed = [None, None];
    let (mut accepted, mut reset) = (false, None);
    for event in facts.events {
        let Seen::Tcp { src, dst, sent: true, signed: is_signed, event, .. } = &event.saw else { continue };
        if !between(src.ip(), dst.ip()) {
            continue;
        }
        match event {
            TcpEvent::Syn => {
                let end = usize::from(src.ip() != session.addresses[0]);
                if let Some(signed) = signed.get_mut(end) {
                    *signed = Some(*is_signed);
                }
            }
            TcpEvent::SynAck => accepted = true,
            TcpEvent::Rst => reset = Some(src.ip()),
            TcpEvent::Fin => {}
        }
    }
    let [a, b] = &session.ends;
    match signed {
        [None, None] => "neither end has tried to connect".to_owned(),
        [Some(x), Some(y)] if x != y => {
            let (yes, no) = if x { (a, b) } else { (b, a) };
            format!("{yes} signs with an MD5 key, {no} does not")
        }
        _ if !accepted && !session.keys_agree => "the MD5 keys of the two ends differ".to_owned(),
        _ if !accepted && signed.contains(&Some(true)) && reset.is_none() => {
            "segments are signed with MD5 and nobody answers them: the keys differ, or one end has none".to_owned()
        }
        _ if reset.is_some() && !accepted => {
            let by = reset.and_then(|ip| facts.plan.owner_of(ip)).unwrap_or("the other end");
            format!("{by} refuses the connection: nothing listens there on TCP port 179")
        }
        _ if !accepted => "nobody answers the connection attempts".to_owned(),
        _ if !session.asns_agree => "the AS numbers of the two ends do not fit".to_owned(),
        _ => "it connects, and no KEEPALIVE follows".to_owned(),
    }
}

struct Said {
    from: IpAddr,
    to: IpAddr,
    code: u8,
    subcode: u8,
}

fn last_notification(events: &[Event], between: impl Fn(IpAddr, IpAddr) -> bool) -> Option<(u64, Said)> {
    events.iter().rev().find_map(|event| match &event.saw {
        Seen::Bgp { src, dst, sent: true, message: BgpMessage::Notification { code, subcode }, .. }
            if between(src.ip(), dst.ip()) =>
        {
            Some((event.at, Said { from: src.ip(), to: dst.ip(), code: *code, subcode: *subcode }))
        }
        _ => None,
    })
}

fn said_by(plan: &Plan, Said { from, to, code, subcode }: Said) -> String {
    let name = |ip: IpAddr| plan.owner_of(ip).map_or_else(|| ip.to_string(), str::to_owned);
    format!("{} told {} NOTIFICATION {code}/{subcode} ({})", name(from), name(to), notification::name(code, subcode))
}

/// A session that was up, and was ended by an error that no fault of the scenario explains.
fn session_ended(facts: &Facts<'_>) -> Option<String> {
    let injected = facts.events.iter().rev().find(|event| matches!(event.saw, Seen::Injected { .. }));
    let (at, said) = last_notification(facts.events, |_, _| true)?;
    // A fault of the scenario may end sessions; a later OPEN begins a new one.
    let explained = injected.is_some_and(|event| event.at <= at);
    let again = facts.events.iter().any(|event| {
        event.at > at
            && matches!(&event.saw, Seen::Bgp { src, dst, message: BgpMessage::Open { .. }, .. }
                if [src.ip(), dst.ip()].contains(&said.from) && [src.ip(), dst.ip()].contains(&said.to))
    });
    (!explained && !again).then(|| format!("a session ended: {}", said_by(facts.plan, said)))
}

fn kernel_lacks_route(facts: &Facts<'_>) -> Option<String> {
    facts.plan.routers().find_map(|router| {
        let rib = facts.of(&router.name).rev().find_map(|event| match &event.saw {
            Seen::Rib { routes, .. } => Some(routes.as_ref()),
            _ => None,
        });
        let routes = rib??;
        facts.plan.services.iter().find_map(|service| {
            let prefix = host(service.address);
            let in_rib = routes.iter().any(|route| route.prefix == prefix);
            let last = facts.of(&router.name).rev().find_map(|event| match &event.saw {
                Seen::Fib { prefix: seen, next_hops, .. } if *seen == prefix => Some(!next_hops.is_empty()),
                _ => None,
            });
            let missing = in_rib && last != Some(true);
            missing.then(|| format!("{} has {prefix} in its daemon's table and not in its kernel's", router.name))
        })
    })
}

/// A server whose session is up and that never announced what it serves.
fn not_announced(facts: &Facts<'_>) -> Option<String> {
    facts.servers().find_map(|(node, address)| {
        let announced = facts.of(&node.name).any(|event| match &event.saw {
            Seen::Bgp { sent: true, message: BgpMessage::Update { announced, .. }, .. } => {
                announced.iter().any(|(prefix, _)| prefix.contains(&address))
            }
            _ => false,
        });
        let speaks = facts.plan.sessions.iter().any(|session| session.ends.contains(&node.name));
        if announced || !speaks {
            return None;
        }
        let sentence = format!("{} never announced {address}", node.name);
        if !node.runs.contains_key(&Role::Watchdog) {
            return Some(sentence);
        }
        let watchdog = Role::Watchdog.to_string();
        Some(match telling_line(facts.events, &node.name, &watchdog) {
            Some(line) => format!("{sentence}; its watchdog's last line: {}", line.trim()),
            None => format!("{sentence}, and its watchdog has not written a line"),
        })
    })
}

fn client_without_route(facts: &Facts<'_>) -> Option<String> {
    facts.events.iter().rev().find_map(|event| match &event.saw {
        Seen::Query { to, outcome: Outcome::Refused(why) | Outcome::Unasked(why), .. }
            if why.contains("unreachable") && why.contains("etwork") =>
        {
            let client = event.node.as_deref().unwrap_or("a client");
            Some(format!("{client} has no route to {to}: {why}"))
        }
        _ => None,
    })
}

#[cfg(test)]
mod tests;
