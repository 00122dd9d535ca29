//! What happened since the last inject or heal, in which order.
//!
//! Each time is an interval: a log line was written some time before it was read, a routing daemon's table changed between two looks.
//! An order is wrong only where no choice of moments within the intervals is right.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use protocol::TcpEvent;

use super::conclude::{answers_are_in, spent};
use super::routes::led;
use super::serving::{Answers, Layer, longest_wait, wants};
use super::sessions::Turn;
use super::unread::unread;
use super::{Case, nanos};
use crate::fault::{Breaks, Fault, Kill};
use crate::history::{BgpMessage, Event, Interval, Order, Seen};
use crate::outcome::{Finding, Verdict};
use crate::spec::{Happening, Role};

pub(super) fn judge(case: &Case<'_>, happenings: &[Happening]) -> Finding {
    let from = case.facts.course.window(case.origin);
    let times: Vec<Option<Interval>> = happenings.iter().map(|one| time(case, from, one)).collect();
    let wants = wants(case.plan, case.expectation);
    let answers = Answers::of(case, &wants);
    let deadline = case.origin.saturating_add(nanos(case.expectation.deadline.0));
    let known: Vec<(&Happening, Interval)> =
        happenings.iter().zip(&times).filter_map(|(one, at)| Some((one, (*at)?))).collect();
    let all = known.len() == happenings.len();
    let last = known.iter().map(|(_, at)| *at).fold(Interval::exact(case.origin), Interval::later);
    let end = if all { last.at } else { case.now };
    let mut finding = spent(case, &answers, end);
    let unread = |(one, at): (&Happening, &Option<Interval>)| unread_before(case, one, from, *at);

    let disorder = first_pair(&known, Order::After);
    let disorder = disorder.filter(|pair| !pair.iter().any(|(one, at)| unread((one, &Some(*at))).is_some()));
    if let Some([(one, at), (other, then)]) = disorder {
        let (at, then) = distinctly(case.origin, at, then);
        finding.found = vec![format!("`{other}` ({then}) came before `{one}` ({at})")];
        finding.verdict = Some(Verdict::Fail);
        return finding;
    }
    if all {
        let unclear = || Some(cannot_tell(case.origin, first_pair(&known, Order::Unclear)?));
        let unclear = happenings.iter().zip(&times).find_map(unread).or_else(unclear);
        finding.held_from = Some(last.at);
        let verdict = conclude(case, &mut finding, last, deadline, unclear);
        finding.verdict = answers_are_in(case, &answers, last.at).then_some(verdict);
    } else {
        finding.found.clear();
        // What happened just before the deadline may still be on its way here.
        if case.now > deadline.saturating_add(nanos(longest_wait(case.plan))) {
            let missing: Vec<_> = happenings.iter().zip(&times).filter(|(_, at)| at.is_none()).collect();
            finding.found = missing.iter().map(|(one, _)| format!("`{one}` has not happened")).collect();
            if let Some(doubt) = missing.into_iter().find_map(unread) {
                finding.found.push(doubt);
                finding.verdict = Some(Verdict::Unknown);
            } else {
                finding.first.clone_from(&finding.found.first().cloned());
                finding.verdict = Some(Verdict::Fail);
            }
        }
    }
    if finding.verdict.is_none() {
        finding.found.clear();
    }
    finding
}

/// The verdict when all of it has happened, and in no order that is wrong for certain.
fn conclude(case: &Case<'_>, finding: &mut Finding, last: Interval, deadline: u64, unclear: Option<String>) -> Verdict {
    let (since, allowed) = (&case.expectation.since, case.expectation.deadline);
    let took = distinctly(case.origin, last, Interval::exact(deadline)).0.replace('+', "");
    if last.since > deadline {
        finding.found.insert(0, format!("it took {took} from {since}, allowed {allowed}"));
    }
    if !finding.found.is_empty() {
        return Verdict::Fail;
    }
    let in_time = format!("cannot be told whether it took longer than allowed: {took} from {since}, allowed {allowed}");
    finding.found.extend((last.at > deadline).then_some(in_time));
    finding.found.extend(unclear);
    if finding.found.is_empty() { Verdict::Pass } else { Verdict::Unknown }
}

type Timed<'h> = (&'h Happening, Interval);

/// The first two of which this is so; those that are not neighbours may be told apart where neighbours are not.
fn first_pair<'h>(known: &[Timed<'h>], order: Order) -> Option<[Timed<'h>; 2]> {
    let pairs =
        known.iter().enumerate().flat_map(|(nth, one)| known.iter().skip(nth + 1).map(move |other| [*one, *other]));
    pairs.into_iter().find(|[(_, one), (_, other)]| one.order(*other) == order)
}

fn cannot_tell(origin: u64, [(one, at), (other, then)]: [Timed<'_>; 2]) -> String {
    let inexact = [(one, at), (other, then)].into_iter().filter(|(_, when)| when.since < when.at);
    let why = inexact.map(|(happening, _)| happening).find_map(|happening| match happening {
        Happening::Exited(..) => {
            Some("a process closes its sockets a moment before its parent learns that it has ended")
        }
        Happening::Rib(..) => {
            Some("a routing daemon's table is asked for again and again: it changed between two answers")
        }
        Happening::Detected(_) => Some("a log line was written some time before it was read"),
        _ => None,
    });
    let (at, then) = distinctly(origin, at, then);
    let why = why.map(|why| format!(" ({why})")).unwrap_or_default();
    format!(
        "`{one}` and `{other}` cannot be told apart: {at} and {then}{why}; hint: events of the wire and of the kernel (`withdrawn`, \
         `fib`) have exact times"
    )
}

/// Two times in words that differ where the times do: in milliseconds, or where these are the same in microseconds.
fn distinctly(origin: u64, one: Interval, other: Interval) -> (String, String) {
    let coarse = (words(origin, one, 1_000_000), words(origin, other, 1_000_000));
    if coarse.0 != coarse.1 && one.since == one.at && other.since == other.at {
        return coarse;
    }
    (words(origin, one, 1000), words(origin, other, 1000))
}

fn words(origin: u64, interval: Interval, unit: u64) -> String {
    let ms = |at: u64| {
        let (sign, span) = if at < origin { ('-', origin - at) } else { ('+', at - origin) };
        match (span / 1_000_000, span / 1000 % 1000) {
            (ms, _) if unit == 1_000_000 => format!("{sign}{ms} ms"),
            (ms, us) => format!("{sign}{ms}.{us:03} ms"),
        }
    };
    if interval.since == interval.at {
        ms(interval.at)
    } else {
        format!("between {} and {}", ms(interval.since), ms(interval.at))
    }
}

/// When it happened, if it has, for the first time since `from`.
fn time(case: &Case<'_>, from: u64, happening: &Happening) -> Option<Interval> {
    let first = |node: &str, wanted: &dyn Fn(&Seen) -> bool| {
        let here = case.facts.told(node).events.iter().filter(|event| wanted(&event.saw));
        let since = here.map(Interval::of).filter(|when| when.at >= from);
        since.min_by_key(|when| when.at).map(|when| when.not_before(from))
    };
    let pair = |one: &str, other: &str, wanted: fn(&Turn) -> bool| {
        let mut turns = case.facts.sessions.turns(one, other, case.expectation.expect.family).iter();
        turns.find(|(at, turn)| *at >= from && wanted(turn)).map(|(at, _)| Interval::exact(*at))
    };
    match happening {
        Happening::Exited(node, role) => {
            let name = role.to_string();
            let ended = first(node, &|saw| matches!(saw, Seen::Exited { daemon, .. } if *daemon == name))?;
            // It ends before its parent is told: its sockets are closed by then. What is killed runs no further.
            Some(killed(case, node, *role).map_or(Interval { since: from, ..ended }, Interval::exact))
        }
        Happening::Started(node, role) => {
            let name = role.to_string();
            first(node, &|saw| matches!(saw, Seen::Started { daemon, .. } if *daemon == name))
        }
        Happening::Detected(node) => first(node, &super::phases::detects),
        Happening::Withdrawn(node) => last_of(case, node, |address| said(case, from, node, address, Says::Withdrawn)),
        Happening::Announced(node) => last_of(case, node, |address| said(case, from, node, address, Says::Announced)),
        Happening::Rib(has, node) => table(case, from, Layer::Rib, *has, node),
        Happening::Fib(has, node) => table(case, from, Layer::Fib, *has, node),
        Happening::Established(one, other) => pair(one, other, |turn| *turn == Turn::Up),
        Happening::Ended(one, other) => pair(one, other, |turn| matches!(turn, Turn::Down(_))),
    }
}

/// When the fault at the origin killed this daemon, if it did: the time is that of the signal.
fn killed(case: &Case<'_>, node: &str, role: Role) -> Option<u64> {
    let kills = |fault: &Fault| fault.on == node && fault.breaks == Breaks::Kill(Kill(role));
    let mut acts = case.facts.course.injected();
    acts.any(|act| act.at == case.origin && act.fault.as_deref().is_some_and(kills)).then_some(case.origin)
}

/// The later of the times of all addresses in scope that the node serves; none while one has none.
fn last_of(case: &Case<'_>, node: &str, time: impl Fn(IpAddr) -> Option<Interval>) -> Option<Interval> {
    let wants = wants(case.plan, case.expectation);
    let served = wants.iter().filter(|want| want.target.served_by.iter().any(|by| by == node));
    latest(served.map(|want| time(want.target.address)))
}

/// The last of them; none where one has not happened, or there is none.
fn latest(mut times: impl Iterator<Item = Option<Interval>>) -> Option<Interval> {
    let first = times.next()??;
    times.try_fold(first, |last, at| Some(last.later(at?)))
}

/// What a node says of an address.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Says {
    /// That it can be reached through it.
    Announced,
    /// To the last of its peers, that it no longer can.
    Withdrawn,
}

/// When a node said so on the wire for the first time since `from`. The prefix may be the address's own, or one that covers it: a
/// withdrawal counts when no such prefix is left.
fn said(case: &Case<'_>, from: u64, node: &str, address: IpAddr, says: Says) -> Option<Interval> {
    let covers = |prefix: &&IpNet| prefix.contains(&address);
    let mut own: Vec<&Event> = case.facts.told(node).events.iter().collect();
    own.sort_by_key(|event| event.at);
    let mut told: BTreeSet<(IpAddr, IpNet)> = BTreeSet::new();
    own.into_iter().find_map(|event| {
        match &event.saw {
            Seen::Bgp { dst, message: BgpMessage::Update { announced, withdrawn }, .. } => {
                let new: Vec<_> = announced.iter().map(|(prefix, _)| prefix).filter(covers).copied().collect();
                let gone: Vec<_> = withdrawn.iter().filter(covers).copied().collect();
                told.retain(|(peer, prefix)| *peer != dst.ip() || !gone.contains(prefix));
                told.extend(new.iter().map(|prefix| (dst.ip(), *prefix)));
                let so = match says {
                    Says::Announced => !new.is_empty(),
                    Says::Withdrawn => !gone.is_empty() && told.is_empty(),
                };
                (so && event.at >= from).then(|| Interval::of(event).not_before(from))
            }
            // What was said in a session ends with it.
            Seen::Bgp { src, dst, message: BgpMessage::Notification { .. }, .. }
            | Seen::Tcp { src, dst, event: TcpEvent::Fin | TcpEvent::Rst, .. } => {
                told.retain(|(peer, _)| *peer != src.ip() && *peer != dst.ip());
                None
            }
            _ => None,
        }
    })
}

/// When the last of the tables in scope gave the node up, or took it in, for the first time since `from`.
fn table(case: &Case<'_>, from: u64, layer: Layer, has: bool, node: &str) -> Option<Interval> {
    let tables = led(case.plan, &case.facts.world, layer);
    let at = |router: &str| case.expectation.expect.at.as_ref().is_none_or(|at| at == router);
    last_of(case, node, |address| {
        let here = tables.iter().filter(|table| table.address == address && at(table.router));
        latest(here.map(|table| {
            let stays = table.stays(from, u64::MAX);
            let changed = stays.iter().find(|stay| stay.nodes.contains(node) == has)?.from;
            Some(case.facts.world.changed(layer, changed).not_before(from))
        }))
    })
}

/// Why it may have happened before it was seen, or though it was not seen: a message could not be read.
fn unread_before(case: &Case<'_>, happening: &Happening, from: u64, seen: Option<Interval>) -> Option<String> {
    let until = seen.map_or(u64::MAX, |seen| seen.at);
    match happening {
        Happening::Withdrawn(node) | Happening::Announced(node) => unread(case.facts, node, from, until),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
