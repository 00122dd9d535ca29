//! A failover's phases: fault, detected, withdrawn on the wire, RIB, FIB, last wrong answer, first good one; each from an event.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::Facts;
use super::queries::{Asked, End};
use super::routes::{Routed, led, next_hops};
use super::sessions::Turn;
use super::world::Layer;
use crate::history::{BgpMessage, Event, Seen};
use crate::kind;
use crate::plan::host;
use crate::spec::Family;

/// The phases of one fault, in one family; all times in nanoseconds since the fault.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Phases {
    /// The faulty node's watchdog said that it withdraws.
    pub detected: Option<u64>,
    /// The faulty node's watchdog wrote lines, none of which is known to say that it withdraws: it may have.
    pub unclear: bool,
    /// The last of the family's prefixes was withdrawn, as the faulty node sent it.
    pub withdrawn: Option<u64>,
    /// A router's session with the faulty node ended.
    pub ended: Option<u64>,
    /// The last of the family's routes changed in a router's daemon.
    pub rib: Option<u64>,
    /// The last of the family's routes changed in a router's kernel.
    pub fib: Option<u64>,
    /// What clients saw, all of them together.
    pub seen: Answered,
    /// What each client saw.
    pub clients: BTreeMap<String, Answered>,
}

/// What of a failover a client saw.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Answered {
    /// The last query was sent that got no answer, or one of a node that no route points to in the end.
    pub last_wrong: Option<u64>,
    /// From every address that had given a wrong one, a good answer had come since.
    pub first_good: Option<u64>,
    /// The last query that got no answer was sent.
    pub last_lost: Option<u64>,
    /// How many queries got no answer.
    pub lost: u64,
}

/// Whether a watchdog says that it withdraws.
pub(super) fn detects(saw: &Seen) -> bool {
    matches!(saw, Seen::Line { daemon, text, .. } if daemon == "watchdog" && kind::gives_up(text))
}

/// The phases between a fault that took effect at `from` and `until`, by family.
#[must_use]
pub fn phases(facts: &Facts<'_>, node: &str, from: u64, until: u64) -> BTreeMap<Family, Phases> {
    let (plan, told) = (facts.plan, facts.told(node));
    let here = || told.events.iter().filter(|event| (from..until).contains(&event.at));
    let since = |at: u64| at.saturating_sub(from);
    let detected = here().find(|event| detects(&event.saw)).map(|event| since(event.at));
    let unclear = detected.is_none() && told.wrote.iter().any(|at| (from..until).contains(at));
    let down = |router: &str| {
        let turns = facts.sessions.turns(router, node, None);
        turns
            .iter()
            .find(|(at, turn)| (from..until).contains(at) && matches!(turn, Turn::Partly | Turn::Down(_)))
            .map(|(at, _)| since(*at))
    };
    let ended = plan.routers().filter_map(|router| down(&router.name)).min();
    let [rib, fib] = [Layer::Rib, Layer::Fib].map(|layer| next_hops(plan, &facts.world, layer));
    let led = led(plan, &facts.world, Layer::Fib);

    let mut all = BTreeMap::new();
    for family in plan.families() {
        let ours = |address: &IpAddr| Family::of(*address) == family;
        let prefixes = plan.services.iter().map(|service| service.address).filter(ours).map(host).collect();
        let changed = |tables: &[Routed<'_>]| {
            let changes = tables.iter().filter(|table| ours(&table.address)).flat_map(|table| &table.changes);
            changes.map(|(at, _)| *at).filter(|at| (from..until).contains(at)).max().map(since)
        };
        let clients = answered(facts, family, &led, from, until);
        let seen = clients.values().fold(Answered::default(), |sum, client| sum.with(client));
        let withdrawn = last_withdrawal(here(), &prefixes).map(since);
        let (rib, fib) = (changed(&rib), changed(&fib));
        let phases = Phases { detected, unclear, withdrawn, ended, rib, fib, seen, clients };
        all.insert(family, phases);
    }
    all
}

/// When the last of the prefixes was taken back from a peer. Some checkers withdraw over and over what is withdrawn already.
fn last_withdrawal<'e>(events: impl Iterator<Item = &'e Event>, prefixes: &BTreeSet<IpNet>) -> Option<u64> {
    let mut gone: BTreeSet<(IpAddr, &IpNet)> = BTreeSet::new();
    let mut last = None;
    for event in events {
        let Seen::Bgp { sent: true, dst, message: BgpMessage::Update { announced, withdrawn }, .. } = &event.saw else {
            continue;
        };
        for (prefix, _) in announced {
            gone.remove(&(dst.ip(), prefix));
        }
        for prefix in withdrawn.iter().filter(|prefix| prefixes.contains(prefix)) {
            if gone.insert((dst.ip(), prefix)) {
                last = last.max(Some(event.at));
            }
        }
    }
    last
}

/// What each client saw of one family.
fn answered(
    facts: &Facts<'_>,
    family: Family,
    fib: &[Routed<'_>],
    from: u64,
    until: u64,
) -> BTreeMap<String, Answered> {
    let mut clients: BTreeMap<String, Answered> =
        facts.plan.clients().map(|client| (client.name.clone(), Answered::default())).collect();
    let since = |at: u64| at.saturating_sub(from);
    for ((client, address), queries) in facts.queries.each() {
        if Family::of(address) != family {
            continue;
        }
        let in_the_end: BTreeSet<&String> = fib
            .iter()
            .filter(|table| table.address == address)
            .flat_map(|table| table.stays(until.saturating_sub(1), until))
            .flat_map(|stay| stay.nodes)
            .collect();
        // A good answer of an unknown node is not known to be wrong.
        let right = |asked: &Asked<'_>| match asked.end {
            End::By(by) => in_the_end.iter().any(|node| *node == by),
            End::BySomebody | End::Unasked => true,
            End::Lost => false,
        };
        let during = || {
            let some = queries.scan(0, |block| block.known.1 >= from && block.sent.0 < until);
            some.filter(|asked| asked.known >= from && asked.sent < until)
        };
        let lost = || during().filter(|asked| asked.end == End::Lost);
        let last_wrong = during().rfind(|asked| !right(asked)).map(|asked| asked.sent);
        let good = last_wrong.and_then(|last| during().filter(|asked| asked.sent > last).find(right));
        let train = Answered {
            last_wrong: last_wrong.map(since),
            first_good: good.map(|asked| since(asked.known)),
            last_lost: lost().next_back().map(|asked| since(asked.sent)),
            lost: lost().count() as u64,
        };
        if let Some(client) = clients.get_mut(client) {
            *client = client.with(&train);
        }
    }
    clients
}

impl Answered {
    /// Both together. Who still waits for a good answer makes both wait.
    fn with(&self, other: &Self) -> Self {
        let waits = |one: &Self| one.last_wrong.is_some() && one.first_good.is_none();
        let first_good = if waits(self) || waits(other) { None } else { self.first_good.max(other.first_good) };
        Self {
            last_wrong: self.last_wrong.max(other.last_wrong),
            first_good,
            last_lost: self.last_lost.max(other.last_lost),
            lost: self.lost + other.lost,
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::check::story::{FAULT, MS, Story, answer};

    use super::*;

    #[test]
    fn each_hop_has_its_time() {
        let mut story = Story::of_failover();
        story.detect(FAULT + 3 * MS);
        story.withdraw(FAULT + 5 * MS);
        let phases = phases(&story.facts(), "ns1", FAULT, FAULT + 1000 * MS);
        let seen = Answered { last_wrong: Some(0), first_good: Some(11 * MS), last_lost: Some(0), lost: 2 };
        let expected = Phases {
            detected: Some(3 * MS),
            unclear: false,
            withdrawn: Some(5 * MS),
            ended: None,
            rib: Some(10 * MS),
            fib: Some(11 * MS),
            seen,
            clients: BTreeMap::from([("client".to_owned(), seen)]),
        };
        assert_eq!(phases, BTreeMap::from([(Family::V4, expected.clone()), (Family::V6, expected)]));
    }

    #[test]
    fn lines_of_a_watchdog_that_nobody_understands_are_unclear_and_not_never() {
        let mut story = Story::of_failover();
        let line = |text: &str| {
            let (daemon, stream) = ("watchdog".to_owned(), protocol::Stream::Stderr);
            Seen::Line { daemon, stream, text: text.to_owned() }
        };
        story.push(FAULT - MS, "ns1", line("looks good"));
        let unclear = |story: &Story| {
            let phases = phases(&story.facts(), "ns1", FAULT, FAULT + 1000 * MS);
            phases.values().map(|phases| phases.unclear).collect::<Vec<_>>()
        };
        assert_eq!(unclear(&story), [false; 2]);
        story.push(FAULT + MS, "ns1", line("ALARM: named is gone, taking the route away"));
        assert_eq!(unclear(&story), [true; 2]);
        story.detect(FAULT + 2 * MS);
        assert_eq!(unclear(&story), [false; 2]);
    }

    #[test]
    fn to_withdraw_again_is_no_withdrawal() {
        let mut story = Story::of_failover();
        story.withdraw(FAULT + 5 * MS);
        story.withdraw(FAULT + 700 * MS);
        let phases = phases(&story.facts(), "ns1", FAULT, FAULT + 1000 * MS);
        assert!(phases.values().all(|phases| phases.withdrawn == Some(5 * MS)), "{phases:?}");
    }

    #[test]
    fn what_did_not_happen_has_none() {
        let story = Story::of_both(FAULT + 500 * MS);
        let phases = phases(&story.facts(), "ns1", FAULT, FAULT + 500 * MS);
        for phases in phases.values() {
            let Phases { detected, withdrawn, ended, rib, fib, seen, .. } = phases;
            assert_eq!([detected, withdrawn, ended, rib, fib], [&None; 5]);
            assert_eq!(*seen, Answered::default());
        }
    }

    #[test]
    fn without_a_withdrawal_the_session_s_end_is_what_there_is() {
        let mut story = Story::of_failover();
        story.session_up(100 * MS, "ns1");
        story.say(FAULT + 7 * MS, "router", "ns1", BgpMessage::Notification { code: 4, subcode: 0 });
        let phases = phases(&story.facts(), "ns1", FAULT, FAULT + 1000 * MS);
        let of = |phases: &Phases| (phases.withdrawn, phases.ended);
        assert_eq!(phases.values().map(of).collect::<Vec<_>>(), [(None, Some(7 * MS)); 2]);
    }

    #[test]
    fn an_answer_of_who_is_routed_to_no_more_is_wrong_though_good() {
        let mut story = Story::of_both(FAULT + 200 * MS);
        story.rib(FAULT + 205 * MS, &["12"]);
        story.fib(FAULT + 205 * MS, &["12"]);
        story.ask(FAULT + 200 * MS, FAULT + 1000 * MS, |_| answer("ns2"));
        let phases = phases(&story.facts(), "ns1", FAULT, FAULT + 1000 * MS);
        for phases in phases.values() {
            let Answered { last_wrong, first_good, lost, .. } = phases.seen;
            assert_eq!((last_wrong, first_good, lost), (Some(180 * MS), Some(191 * MS), 0));
        }
    }

    #[test]
    fn nobody_is_well_before_everybody_is() {
        let waits = Answered { last_wrong: Some(5), first_good: None, last_lost: Some(5), lost: 1 };
        let well = Answered { last_wrong: Some(1), first_good: Some(9), last_lost: None, lost: 0 };
        assert_eq!(waits.with(&well).first_good, None);
        assert_eq!(well.with(&Answered::default()).first_good, Some(9));
    }
}
