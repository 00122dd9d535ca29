//! What clients asked, what came of it, and who answered.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;

use protocol::Outcome;

use crate::history::{Event, Seen};
use crate::plan::Plan;

/// What the stamps of two nodes may differ by; nanoseconds.
const SLACK: u64 = 10_000_000;

/// What came of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum End<'e> {
    /// No good answer came: none at all, an error, or one without records.
    Lost,
    /// The client could not send it: it says nothing of any server.
    Unasked,
    /// This node gave a good answer.
    By(&'e str),
    /// A good answer came, and nothing tells which node gave it.
    BySomebody,
}

/// A query that has come to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Asked<'e> {
    /// When it was sent.
    pub(super) sent: u64,
    /// When it was known what came of it.
    pub(super) known: u64,
    /// Which node gave a good answer; none where there was none, or where that is unknown.
    pub(super) by: Option<&'e str>,
    /// What came of it.
    pub(super) end: End<'e>,
}

/// What tells a query from others: its port, its DNS message ID, and whom it asked.
type Question = (u16, u16, IpAddr);

/// When an answer left, to whom, and at which node.
type Served<'e> = (u64, IpAddr, &'e str);

/// Who answered what, as the servers' own probes saw it on the wire.
pub(super) struct Servers<'e> {
    plan: &'e Plan,
    names: BTreeSet<&'e str>,
    served: HashMap<Question, Vec<Served<'e>>>,
}

impl<'e> Servers<'e> {
    pub(super) fn of(plan: &'e Plan, events: &'e [Event]) -> Self {
        let mut served: HashMap<_, Vec<_>> = HashMap::new();
        for event in events {
            if let (Some(node), Seen::Served { to, client, id }) = (event.node.as_deref(), &event.saw) {
                served.entry((client.port(), *id, *to)).or_default().push((event.at, client.ip(), node));
            }
        }
        Self { plan, names: plan.nodes.iter().map(|node| node.name.as_str()).collect(), served }
    }

    /// The query that an event tells of, with its client, its address and its number.
    pub(super) fn query(&self, event: &'e Event) -> Option<(&'e str, IpAddr, u64, Asked<'e>)> {
        let (client, Seen::Query { number, to, port, id, sent, outcome, .. }) = (event.node.as_deref()?, &event.saw)
        else {
            return None;
        };
        let (sent, known) = (*sent, event.at);
        let end = match outcome {
            Outcome::Unasked(_) => End::Unasked,
            // The name in the answer counts where it is a node's. Operators name their servers otherwise, or not at all.
            Outcome::Answer { instance, rcode: 0, answers: 1.., .. } if self.names.contains(instance.as_str()) => {
                End::By(instance)
            }
            Outcome::Answer { rcode: 0, answers: 1.., .. } => {
                self.by_wire(client, (*port, *id, *to), sent, known).map_or(End::BySomebody, End::By)
            }
            Outcome::Answer { .. } | Outcome::Timeout | Outcome::Refused(_) => End::Lost,
        };
        let by = if let End::By(node) = end { Some(node) } else { None };
        Some((client, *to, *number, Asked { sent, known, by, end }))
    }

    /// The one node whose own probe saw the answer leave, while the client waited for it.
    fn by_wire(&self, client: &str, query: Question, sent: u64, known: u64) -> Option<&'e str> {
        let during = sent.saturating_sub(SLACK)..=known.saturating_add(SLACK);
        let served = self.served.get(&query)?.iter();
        let mine = served.filter(|(at, ip, _)| during.contains(at) && self.plan.owner_of(*ip) == Some(client));
        let nodes: BTreeSet<&str> = mine.map(|(.., node)| *node).collect();
        nodes.first().copied().filter(|_| nodes.len() == 1)
    }
}

/// All queries of which `keep` says so, by client and address, in the order in which they were sent.
pub(super) fn trains<'e>(
    plan: &'e Plan,
    events: &'e [Event],
    keep: impl Fn(&Asked<'e>) -> bool,
) -> BTreeMap<(&'e str, IpAddr), Vec<Asked<'e>>> {
    let servers = Servers::of(plan, events);
    let mut trains: BTreeMap<(&str, IpAddr), Vec<Asked<'_>>> = BTreeMap::new();
    for (client, to, _, asked) in events.iter().filter_map(|event| servers.query(event)) {
        if keep(&asked) {
            trains.entry((client, to)).or_default().push(asked);
        }
    }
    trains.values_mut().for_each(|queries| queries.sort_unstable());
    trains
}

/// What a query says of a dark time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Light {
    /// It was answered well.
    Good,
    /// It was not.
    Lost,
}

/// The dark times: each from when a lost query was sent to when the next one was sent that got a good answer, or to `until`. A client
/// that paused has lost nothing. The queries are in the order in which they were sent.
pub(super) fn dark(queries: impl Iterator<Item = (u64, Light)>, until: u64) -> Vec<(u64, u64)> {
    let (mut times, mut since) = (Vec::new(), None);
    for (sent, light) in queries {
        match light {
            Light::Lost => {
                since.get_or_insert(sent);
            }
            Light::Good => times.extend(since.take().map(|since| (since, sent))),
        }
    }
    times.extend(since.map(|since| (since, until.max(since))));
    times
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::check::story::{MS, Story, answer};

    const CLIENT: &str = "192.0.2.10";

    /// A query of port 4000 and ID 7 whose answer has that name, and the nodes that say, at these times, that they answered it.
    fn asked(name: &str, served: &[(u64, &str, &str, u16)], order: bool) -> Option<String> {
        let mut story = Story::of_both(0);
        story.events.clear();
        let to: IpAddr = "10.1.53.1".parse().unwrap();
        let outcome = answer(name);
        let query = Seen::Query { service: "one".into(), number: 0, to, port: 4000, id: 7, sent: 100 * MS, outcome };
        if order {
            story.push(101 * MS, "client", query.clone());
        }
        for (at, node, client, id) in served {
            let client = SocketAddr::new(client.parse().unwrap(), 4000);
            story.push(*at, node, Seen::Served { to, client, id: *id });
        }
        if !order {
            story.push(101 * MS, "client", query);
        }
        let trains = trains(&story.plan, &story.events, |_| true);
        let query = trains.into_values().flatten().next().expect("a query");
        match query.end {
            End::By(node) => Some(node.to_owned()),
            End::BySomebody => None,
            other => panic!("a good answer is {other:?}"),
        }
    }

    #[test]
    fn a_name_in_the_answer_counts_if_it_is_a_node_s() {
        assert_eq!(asked("ns2", &[(100 * MS, "ns1", CLIENT, 7)], true).as_deref(), Some("ns2"));
        assert_eq!(asked("ns-a.example.net", &[], true), None);
        assert_eq!(asked("", &[], true), None);
    }

    #[test]
    fn the_wire_tells_who_answered_before_or_after_the_client_does() {
        for order in [true, false] {
            assert_eq!(asked("", &[(100 * MS, "ns1", CLIENT, 7)], order).as_deref(), Some("ns1"));
            let named = asked("ns-a.example.net", &[(101 * MS, "ns2", CLIENT, 7)], order);
            assert_eq!(named.as_deref(), Some("ns2"));
        }
    }

    #[test]
    fn what_does_not_match_the_query_tells_nothing() {
        assert_eq!(asked("", &[(100 * MS, "ns1", CLIENT, 8)], true), None, "another ID");
        assert_eq!(asked("", &[(100 * MS, "ns1", "192.0.2.11", 7)], true), None, "somebody else's");
        assert_eq!(asked("", &[(900 * MS, "ns1", CLIENT, 7)], true), None, "long after it");
        let two = [(100 * MS, "ns1", CLIENT, 7), (100 * MS, "ns2", CLIENT, 7)];
        assert_eq!(asked("", &two, true), None, "two claim it");
    }

    #[test]
    fn it_is_dark_from_a_lost_query_to_the_next_good_answer() {
        let queries = |text: &str| -> Vec<(u64, Light)> {
            let light = |c| if c == '.' { Light::Good } else { Light::Lost };
            text.chars().zip(0_u64..).map(|(c, n)| (n * 10, light(c))).collect()
        };
        assert_eq!(dark(queries("....").into_iter(), 99), []);
        assert_eq!(dark(queries("..xx.x").into_iter(), 99), [(20, 40), (50, 99)]);
        // It paused for long, and lost nothing.
        assert_eq!(dark([(0, Light::Good), (5000, Light::Good)].into_iter(), 6000), []);
    }
}
