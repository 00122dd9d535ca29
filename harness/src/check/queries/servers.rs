//! Who answered, where the answer does not name a node: the server's own probe saw the query come and the answer leave.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::net::IpAddr;

use crate::plan::Plan;

/// What the stamps of two nodes may differ by; nanoseconds.
const SLACK: u64 = 10_000_000;

/// For so long, beyond the longest timeout, what servers and clients report of one query may lie apart; nanoseconds. What comes in
/// later than that does not tell any more who answered.
const RETAINED: u64 = 20_000_000_000;

/// What tells a query from others: its port, its DNS message ID, and whom it asked.
pub(super) type Question = (u16, u16, IpAddr);

/// An answer that left: when, to whom, to which question.
struct Served {
    at: u64,
    client: IpAddr,
    question: Question,
}

/// A query that was answered well by nobody knows whom, or by whom the wire told.
#[derive(Clone, Copy)]
pub(super) struct Waiting<'p> {
    pub(super) client: &'p str,
    pub(super) to: IpAddr,
    pub(super) number: u64,
    pub(super) sent: u64,
    pub(super) known: u64,
}

/// What the servers' own probes saw lately, and the queries that wait for it.
#[derive(Default)]
pub(super) struct Servers<'p> {
    /// By the position of the server in the plan; of one server in the order of its clock.
    served: HashMap<u16, VecDeque<Served>>,
    /// The queries by their questions: those of now, and those of the time before.
    waiting: [HashMap<Question, Vec<Waiting<'p>>>; 2],
    /// When the first query of now was known.
    began: u64,
}

impl<'p> Servers<'p> {
    /// Takes an answer in that left; the queries that it may be the answer to.
    pub(super) fn serve(
        &mut self,
        server: u16,
        at: u64,
        client: IpAddr,
        question: Question,
        retained: u64,
    ) -> Vec<Waiting<'p>> {
        let served = self.served.entry(server).or_default();
        while served.front().is_some_and(|oldest| oldest.at.saturating_add(retained) < at) {
            served.pop_front();
        }
        served.push_back(Served { at, client, question });
        let known = self.waiting.iter().filter_map(|waiting| waiting.get(&question));
        known.flatten().copied().collect()
    }

    /// Remembers a query whose answer does not tell who gave it.
    pub(super) fn wait(&mut self, question: Question, query: Waiting<'p>, retained: u64) {
        if self.began.saturating_add(retained) < query.known {
            self.began = query.known;
            self.waiting.swap(0, 1);
            if let Some(now) = self.waiting.first_mut() {
                *now = HashMap::new();
            }
        }
        if let Some(now) = self.waiting.first_mut() {
            now.entry(question).or_default().push(query);
        }
    }

    /// The one node whose own probe saw the answer leave, while the client waited for it.
    pub(super) fn by_wire(&self, plan: &Plan, question: Question, query: &Waiting<'_>) -> Option<u16> {
        let (from, until) = (query.sent.saturating_sub(SLACK), query.known.saturating_add(SLACK));
        let saw = |served: &VecDeque<Served>| {
            let first = served.partition_point(|one| one.at < from);
            let mut during = served.range(first..).take_while(|one| one.at <= until);
            during.any(|one| one.question == question && plan.owner_of(one.client) == Some(query.client))
        };
        let nodes: BTreeSet<u16> = self.served.iter().filter(|(_, its)| saw(its)).map(|(node, _)| *node).collect();
        nodes.first().copied().filter(|_| nodes.len() == 1)
    }
}

/// For how long what was seen of queries is kept: their timeouts and what their reports may lie apart.
pub(super) fn retained(plan: &Plan) -> u64 {
    let timeouts = plan.clients().flat_map(|client| &client.trains).map(|train| train.timeout_ms);
    RETAINED.saturating_add(timeouts.max().unwrap_or(0).saturating_mul(1_000_000))
}
