//! What clients asked, what came of it, and who answered.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use protocol::Outcome;

use crate::history::{Event, Seen};
use crate::plan::Plan;

mod kept;
mod servers;

pub(super) use kept::{Block, Ended, Kept, Nodes};
use servers::{Servers, Waiting, retained};

/// What came of a query.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Asked<'e> {
    /// Which one it was of its client and its address, from 0 on.
    pub(super) number: u64,
    /// When it was sent.
    pub(super) sent: u64,
    /// When it was known what came of it.
    pub(super) known: u64,
    /// Which node gave a good answer; none where there was none, or where that is unknown.
    pub(super) by: Option<&'e str>,
    /// What came of it.
    pub(super) end: End<'e>,
}

/// All queries of a run, and what came of them.
pub(crate) struct Queries<'p> {
    plan: &'p Plan,
    names: Arc<[&'p str]>,
    positions: HashMap<&'p str, u16>,
    /// By client and address: where its queries are in `kept`.
    places: HashMap<(u16, IpAddr), usize>,
    kept: Vec<((&'p str, IpAddr), Kept<'p>)>,
    servers: Servers<'p>,
    retained: u64,
}

impl<'p> Queries<'p> {
    /// Nobody has asked anything.
    pub(super) fn new(plan: &'p Plan) -> Self {
        let names: Arc<[&str]> = plan.nodes.iter().map(|node| node.name.as_str()).collect();
        let positions = names.iter().copied().zip(0..).collect();
        let (places, servers) = (HashMap::new(), Servers::default());
        Self { plan, names, positions, places, kept: Vec::new(), servers, retained: retained(plan) }
    }

    /// Takes the next event in: a query that has come to its end, or an answer that left a server.
    pub(super) fn take(&mut self, event: &Event) {
        let Some(name) = event.node.as_deref() else { return };
        match &event.saw {
            Seen::Query { number, to, port, id, sent, outcome, .. } => {
                let Some(client) = self.positions.get(name).copied() else { return };
                let query =
                    Waiting { client: self.name(client), to: *to, number: *number, sent: *sent, known: event.at };
                let end = self.end(outcome, (*port, *id, *to), query);
                self.of(client, *to).insert(*number, *sent, event.at, end);
            }
            Seen::Served { to, client, id } => {
                let Some(server) = self.positions.get(name).copied() else { return };
                let question = (client.port(), *id, *to);
                for query in self.servers.serve(server, event.at, client.ip(), question, self.retained) {
                    let end = self.servers.by_wire(self.plan, question, &query).map_or(Ended::Unnamed, Ended::By);
                    let client = self.positions.get(query.client).copied();
                    if let Some(client) = client {
                        self.of(client, query.to).name(query.number, end);
                    }
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, outcome: &Outcome, question: (u16, u16, IpAddr), query: Waiting<'p>) -> Ended {
        match outcome {
            Outcome::Unasked(_) => Ended::Unasked,
            Outcome::Answer { instance, rcode: 0, answers: 1.., .. } => {
                // The name in the answer counts where it is a node's. Operators name their servers otherwise, or not at all.
                if let Some(node) = self.positions.get(instance.as_str()) {
                    return Ended::By(*node);
                }
                self.servers.wait(question, query, self.retained);
                self.servers.by_wire(self.plan, question, &query).map_or(Ended::Unnamed, Ended::By)
            }
            Outcome::Answer { .. } | Outcome::Timeout | Outcome::Refused(_) => Ended::Lost,
        }
    }

    fn name(&self, position: u16) -> &'p str {
        self.names.get(usize::from(position)).copied().unwrap_or_default()
    }

    fn of(&mut self, client: u16, to: IpAddr) -> &mut Kept<'p> {
        let name = self.name(client);
        let place = *self.places.entry((client, to)).or_insert_with(|| {
            self.kept.push(((name, to), Kept::new(self.names.clone())));
            self.kept.len() - 1
        });
        &mut self.kept[place].1
    }

    /// The queries of a client to an address; none where it has asked nothing.
    pub(super) fn get(&self, client: &str, to: IpAddr) -> Option<&Kept<'p>> {
        let place = self.places.get(&(*self.positions.get(client)?, to))?;
        self.kept.get(*place).map(|(_, kept)| kept)
    }

    /// All queries, by client and address, in the order of both.
    pub(super) fn each(&self) -> BTreeMap<(&'p str, IpAddr), &Kept<'p>> {
        self.kept.iter().map(|(key, kept)| (*key, kept)).collect()
    }
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
/// that paused has lost nothing. A query without a light is passed over, and so are the blocks that `may` rules out.
pub(super) fn dark<'k>(
    queries: &'k Kept<'_>,
    may: impl Fn(&Block) -> bool + Copy + 'k,
    light: impl Fn(&Asked<'_>) -> Option<Light> + 'k,
    until: u64,
) -> impl Iterator<Item = (u64, u64)> + 'k {
    let mut from = Some(0);
    std::iter::from_fn(move || {
        let mut lost = queries.scan(from?, move |block| may(block) && (block.lost > 0 || block.unasked > 0));
        let lost = lost.find(|asked| light(asked) == Some(Light::Lost))?;
        let mut good = queries.scan(lost.number + 1, move |block| may(block) && block.has_good());
        let good = good.find(|asked| light(asked) == Some(Light::Good));
        from = good.map(|good| good.number + 1);
        Some((lost.sent, good.map_or(until.max(lost.sent), |good| good.sent)))
    })
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::check::facts::Facts;
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
        let facts = Facts::of(&story.plan, &story.events);
        let query = facts.queries.each().into_values().flat_map(Kept::all).next().expect("a query");
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
        let dark = |text: &str, pace: u64, until: u64| -> Vec<(u64, u64)> {
            let mut kept = Kept::new(Arc::from(["ns1"]));
            for (c, n) in text.chars().zip(0_u64..) {
                kept.insert(n, n * pace, n * pace + 1, if c == '.' { Ended::By(0) } else { Ended::Lost });
            }
            let light = |asked: &Asked<'_>| Some(if asked.end == End::Lost { Light::Lost } else { Light::Good });
            dark(&kept, |_| true, light, until).collect()
        };
        assert_eq!(dark("....", 10, 99), []);
        assert_eq!(dark("..xx.x", 10, 99), [(20, 40), (50, 99)]);
        // It paused for long, and lost nothing.
        assert_eq!(dark("..", 5000, 6000), []);
    }
}
