//! What happened between a fault and its end, as rows: who, at which hop, what.

use std::collections::BTreeMap;

use nix::sys::signal::Signal;
use protocol::{Exit, Stream};

use crate::check::millis;
use crate::check::world::{Hop, Layer, Way, World};
use crate::history::{BgpMessage, Event, Seen};
use crate::plan::Plan;

/// Rows of one hop that are closer than this are one event to a reader: a speaker withdraws four prefixes, one by one.
const TOGETHER: u64 = 10_000_000;

/// One row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// When; nanoseconds of the history's clock.
    pub(super) at: u64,
    /// Where.
    pub(super) node: String,
    /// At which hop.
    pub(super) hop: String,
    /// What.
    pub(super) text: Text,
}

/// What a row says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Text {
    /// Something whole.
    Said(String),
    /// The state of a table: a later one replaces it.
    Table(String),
    /// A BGP UPDATE: one of the same kind joins it.
    Update(&'static str, Vec<String>),
}

impl std::fmt::Display for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Said(text) | Self::Table(text) => f.write_str(text),
            Self::Update(verb, prefixes) => write!(f, "UPDATE {verb} {}", prefixes.join(" ")),
        }
    }
}

/// Makes rows of events, and remembers what the tables hold.
pub(super) struct Timeline<'p> {
    plan: &'p Plan,
    world: World<'p>,
    /// What was told last of a router's table.
    told: BTreeMap<(String, Layer), String>,
}

impl<'p> Timeline<'p> {
    /// A timeline of a run in which nothing has happened.
    pub(super) fn new(plan: &'p Plan) -> Self {
        Self { plan, world: World::new(plan), told: BTreeMap::new() }
    }

    /// The rows of one event; none for what a reader need not see.
    pub(super) fn rows(&mut self, event: &Event) -> Vec<Row> {
        let Some(node) = event.node.as_ref().map(ToString::to_string) else {
            return of_machine(event).into_iter().collect();
        };
        self.world.take_as_latest(event);
        let row = |hop: &str, text: Text| Row { at: event.at, node: node.clone(), hop: hop.to_owned(), text };
        match &event.saw {
            Seen::Line { daemon, text, stream: Stream::Stderr } if daemon == "watchdog" => {
                vec![row("watchdog", Text::Said(text.clone()))]
            }
            Seen::Exited { daemon, pid, exit } => {
                let how = match exit {
                    Exit::Code(code) => format!("exited with status {code}"),
                    Exit::Signal(signal) => match Signal::try_from(*signal) {
                        Ok(signal) => format!("ended by {signal}"),
                        Err(_) => format!("ended by signal {signal}"),
                    },
                };
                vec![row(daemon, Text::Said(format!("{how}, pid {pid}")))]
            }
            Seen::Started { daemon, pid } => vec![row(daemon, Text::Said(format!("started, pid {pid}")))],
            Seen::Bgp { sent: true, message, .. } => said(message).into_iter().map(|text| row("bgp", text)).collect(),
            Seen::Fib { .. } => self.table(&node, Layer::Fib).map(|text| row("fib", text)).into_iter().collect(),
            Seen::Rib { .. } => self.table(&node, Layer::Rib).map(|text| row("rib", text)).into_iter().collect(),
            Seen::Hole { reason } => vec![row("", Text::Said(reason.clone()))],
            _ => Vec::new(),
        }
    }

    /// What a router's table holds, if that is something else than was told of it before.
    fn table(&mut self, node: &str, layer: Layer) -> Option<Text> {
        self.plan.routers().find(|router| router.name == node)?;
        let ways: Vec<Option<&Way<'_>>> = self.world.ways(node, layer).collect();
        let text = match ways.iter().copied().collect::<Option<Vec<_>>>() {
            Some(ways) => summary(&ways),
            None => "does not answer".to_owned(),
        };
        let before = self.told.insert((node.to_owned(), layer), text.clone());
        (before.as_ref() != Some(&text)).then_some(Text::Table(text))
    }
}

/// What befell the machine that the lab runs on.
fn of_machine(event: &Event) -> Option<Row> {
    let Seen::Stalled { late, .. } = event.saw else { return None };
    let text = Text::Said(format!("a processor stood still for {}", millis(late)));
    Some(Row { at: event.at, node: "machine".to_owned(), hop: String::new(), text })
}

fn said(message: &BgpMessage) -> Vec<Text> {
    match message {
        BgpMessage::Update { announced, withdrawn } => {
            let mut texts = Vec::new();
            if !withdrawn.is_empty() {
                texts.push(Text::Update("withdraw", withdrawn.iter().map(ToString::to_string).collect()));
            }
            if !announced.is_empty() {
                texts.push(Text::Update("announce", announced.iter().map(|(prefix, _)| prefix.to_string()).collect()));
            }
            texts
        }
        BgpMessage::Notification { code, subcode } => vec![Text::Said(format!("NOTIFICATION {code}/{subcode}"))],
        BgpMessage::Open { asn, hold_time } => vec![Text::Said(format!("OPEN AS {asn}, hold time {hold_time} s"))],
        BgpMessage::Malformed(error) => vec![Text::Said(format!("a message that cannot be read: {error}"))],
        BgpMessage::Keepalive | BgpMessage::Other(_) => Vec::new(),
    }
}

/// `4 routes via ns2`, or `2 routes via ns1 ns2, 2 routes gone`.
fn summary(ways: &[&Way<'_>]) -> String {
    let mut groups: BTreeMap<String, usize> = BTreeMap::new();
    for way in ways {
        *groups.entry(words(way)).or_default() += 1;
    }
    let one = |(words, count): (&String, &usize)| {
        let noun = if *count == 1 { "route" } else { "routes" };
        format!("{count} {noun} {words}")
    };
    groups.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn words(way: &Way<'_>) -> String {
    let hops: Vec<&str> = way
        .hops
        .iter()
        .filter_map(|hop| match hop {
            Hop::Node(node) => Some(*node),
            Hop::Nobody(_) => None,
        })
        .collect();
    // Where that leads further on is the next router's row: of other nodes not all may be known yet.
    if hops.is_empty() { "gone".to_owned() } else { format!("via {}", hops.join(" ")) }
}

/// Rows in the order of their time, those that belong together as one.
pub(super) fn merge(mut rows: Vec<Row>) -> Vec<Row> {
    rows.sort_by_key(|row| row.at);
    let mut merged: Vec<Row> = Vec::new();
    for row in rows {
        let same = |other: &&mut Row| {
            other.node == row.node
                && other.hop == row.hop
                && row.at - other.at < TOGETHER
                && joins(&other.text, &row.text)
        };
        match (merged.iter_mut().rev().find(same), &row.text) {
            (Some(other), Text::Update(_, more)) => {
                if let Text::Update(_, prefixes) = &mut other.text {
                    prefixes.extend(more.iter().cloned());
                }
                other.at = row.at;
            }
            (Some(other), _) => *other = row,
            (None, _) => merged.push(row),
        }
    }
    merged.sort_by_key(|row| row.at);
    merged
}

fn joins(one: &Text, other: &Text) -> bool {
    match (one, other) {
        (Text::Table(_), Text::Table(_)) => true,
        (Text::Update(a, _), Text::Update(b, _)) => a == b,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(at: u64, hop: &str, text: Text) -> Row {
        Row { at, node: "ns1".to_owned(), hop: hop.to_owned(), text }
    }

    #[test]
    fn four_withdrawals_in_a_row_are_one_and_a_later_one_is_another() {
        let update = |prefix: &str| Text::Update("withdraw", vec![prefix.to_owned()]);
        let rows = vec![
            row(2_000_000, "bgp", update("b")),
            row(1_000_000, "bgp", update("a")),
            row(1_500_000, "watchdog", Text::Said("withdraw".to_owned())),
            row(50_000_000, "bgp", update("c")),
        ];
        let texts: Vec<String> = merge(rows).iter().map(|row| row.text.to_string()).collect();
        assert_eq!(texts, ["withdraw", "UPDATE withdraw a b", "UPDATE withdraw c"]);
    }

    #[test]
    fn the_last_state_of_a_table_counts() {
        let rows = vec![
            row(1, "fib", Text::Table("1 route gone".to_owned())),
            row(9, "fib", Text::Table("2 routes gone".to_owned())),
        ];
        assert_eq!(merge(rows), [row(9, "fib", Text::Table("2 routes gone".to_owned()))]);
    }
}
