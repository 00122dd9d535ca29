//! One client's queries to one address: 14 octets each.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Asked, End};

/// How many queries a block has.
const SIZE: usize = 256;

/// How the end of a query is written; the node of that position, from [`NODES`] on.
const NONE: u16 = 0;
const LOST: u16 = 1;
const UNASKED: u16 = 2;
const UNNAMED: u16 = 3;
const NODES: u16 = 4;

/// What stands for a time that does not fit: it is in [`Kept::long`].
const LONG: u32 = u32::MAX;

/// Some nodes of the plan; a bit may stand for several where there are more than 256.
pub(in crate::check) type Nodes = [u64; 4];

/// What is known of a block's queries without a look at each. Blocks that cannot matter are passed over.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Block {
    /// When the first and the last of them were sent.
    pub(in crate::check) sent: (u64, u64),
    /// When what came of the first and the last of them was known.
    pub(in crate::check) known: (u64, u64),
    /// How many got no good answer.
    pub(in crate::check) lost: u16,
    /// How many could not be sent.
    pub(in crate::check) unasked: u16,
    /// How many got a good answer of which nothing tells who gave it.
    pub(in crate::check) unnamed: u16,
    /// The nodes that may have answered; all that did are among them.
    pub(in crate::check) named: Nodes,
}

struct Queries {
    block: Block,
    sent: [u64; SIZE],
    waited: [u32; SIZE],
    ends: [u16; SIZE],
}

/// One client's queries to one address, by their numbers. A client numbers them in the order in which it sends them.
pub(in crate::check) struct Kept<'p> {
    names: Arc<[&'p str]>,
    blocks: BTreeMap<u64, Box<Queries>>,
    /// How long the queries waited that waited for four seconds and more.
    long: BTreeMap<u64, u64>,
    /// All queries of lower numbers are there.
    gapless: u64,
}

impl<'p> Kept<'p> {
    /// None yet. `names` are those of the plan's nodes.
    pub(in crate::check) fn new(names: Arc<[&'p str]>) -> Self {
        Self { names, blocks: BTreeMap::new(), long: BTreeMap::new(), gapless: 0 }
    }

    /// Keeps a query; of two with one number the last counts.
    pub(in crate::check) fn insert(&mut self, number: u64, sent: u64, known: u64, end: Ended) {
        let queries = self.blocks.entry(number / SIZE as u64).or_default();
        let waited = known.checked_sub(sent).and_then(|waited| u32::try_from(waited).ok());
        let waited = waited.filter(|waited| *waited != LONG).unwrap_or_else(|| {
            self.long.insert(number, known);
            LONG
        });
        queries.set(position(number), sent, known, waited, end.code());
        while self.get(self.gapless).is_some() {
            self.gapless += 1;
        }
    }

    /// Says who answered a query that is kept already.
    pub(super) fn name(&mut self, number: u64, end: Ended) {
        let Some(Asked { sent, known, .. }) = self.get(number) else { return };
        self.insert(number, sent, known, end);
    }

    /// The query of that number.
    pub(in crate::check) fn get(&self, number: u64) -> Option<Asked<'p>> {
        self.read(self.blocks.get(&(number / SIZE as u64))?, number)
    }

    /// The last query before which none is missing.
    pub(in crate::check) fn last_gapless(&self) -> Option<Asked<'p>> {
        self.get(self.gapless.checked_sub(1)?)
    }

    /// The queries from this number on, in their order, without the blocks that `may` rules out.
    pub(in crate::check) fn scan<'k>(
        &'k self,
        from: u64,
        may: impl Fn(&Block) -> bool + 'k,
    ) -> impl DoubleEndedIterator<Item = Asked<'p>> + 'k {
        let blocks = self.blocks.range(from / SIZE as u64..).filter(move |(_, queries)| may(&queries.block));
        blocks.flat_map(move |(nth, queries)| {
            let first = nth * SIZE as u64;
            (first.max(from)..first + SIZE as u64).filter_map(|number| self.read(queries, number))
        })
    }

    /// All of them.
    #[cfg(test)]
    pub(in crate::check) fn all(&self) -> impl DoubleEndedIterator<Item = Asked<'p>> + '_ {
        self.scan(0, |_| true)
    }

    /// Those sent in that time.
    pub(in crate::check) fn sent(&self, from: u64, until: u64) -> impl DoubleEndedIterator<Item = Asked<'p>> + '_ {
        let within = move |block: &Block| block.sent.0 < until && block.sent.1 >= from;
        self.scan(0, within).filter(move |asked| (from..until).contains(&asked.sent))
    }

    /// How many queries there are of which `is` says so. It is asked for a block that `whole` does not decide.
    pub(in crate::check) fn count(
        &self,
        whole: impl Fn(&Block) -> Option<u64>,
        is: impl Fn(&Asked<'p>) -> bool,
    ) -> u64 {
        let of = |(nth, queries): (&u64, &Queries)| {
            let first = nth * SIZE as u64;
            let each = || (first..first + SIZE as u64).filter_map(|number| self.read(queries, number));
            whole(&queries.block).unwrap_or_else(|| each().filter(|asked| is(asked)).count() as u64)
        };
        self.blocks.iter().map(|(nth, queries)| of((nth, queries))).sum()
    }

    /// These nodes, as a block names them.
    pub(in crate::check) fn nodes(&self, names: &[&str]) -> Nodes {
        let known = self.names.iter().zip(0_u16..).filter(|(name, _)| names.contains(name));
        known.fold(Nodes::default(), |nodes, (_, position)| with(nodes, position))
    }

    fn read(&self, queries: &Queries, number: u64) -> Option<Asked<'p>> {
        let at = position(number);
        let (sent, waited) = (*queries.sent.get(at)?, *queries.waited.get(at)?);
        let end = match *queries.ends.get(at)? {
            NONE => return None,
            LOST => End::Lost,
            UNASKED => End::Unasked,
            UNNAMED => End::BySomebody,
            node => End::By(self.names.get(usize::from(node - NODES))?),
        };
        let known = if waited == LONG { *self.long.get(&number)? } else { sent + u64::from(waited) };
        let by = if let End::By(node) = end { Some(node) } else { None };
        Some(Asked { number, sent, known, by, end })
    }
}

/// What came of a query: a node by its position in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::check) enum Ended {
    Lost,
    Unasked,
    Unnamed,
    By(u16),
}

impl Ended {
    fn code(self) -> u16 {
        match self {
            Self::Lost => LOST,
            Self::Unasked => UNASKED,
            Self::Unnamed => UNNAMED,
            Self::By(node) => node.saturating_add(NODES),
        }
    }
}

impl Default for Queries {
    fn default() -> Self {
        Self { block: Block::empty(), sent: [0; SIZE], waited: [0; SIZE], ends: [NONE; SIZE] }
    }
}

impl Queries {
    fn set(&mut self, at: usize, sent: u64, known: u64, waited: u32, end: u16) {
        let (Some(its), Some(its_wait), Some(its_end)) =
            (self.sent.get_mut(at), self.waited.get_mut(at), self.ends.get_mut(at))
        else {
            return;
        };
        let before = *its_end;
        (*its, *its_wait, *its_end) = (sent, waited, end);
        self.block.take_back(before);
        self.block.take(sent, known, end);
    }
}

impl Block {
    const fn empty() -> Self {
        Self { sent: (u64::MAX, 0), known: (u64::MAX, 0), lost: 0, unasked: 0, unnamed: 0, named: [0; 4] }
    }

    fn take(&mut self, sent: u64, known: u64, end: u16) {
        self.sent = (self.sent.0.min(sent), self.sent.1.max(sent));
        self.known = (self.known.0.min(known), self.known.1.max(known));
        match end {
            LOST => self.lost += 1,
            UNASKED => self.unasked += 1,
            UNNAMED => self.unnamed += 1,
            node => self.named = with(self.named, node.saturating_sub(NODES)),
        }
    }

    /// Times, and the nodes that may have answered, stay: they only say where to look.
    fn take_back(&mut self, end: u16) {
        match end {
            LOST => self.lost -= 1,
            UNASKED => self.unasked -= 1,
            UNNAMED => self.unnamed -= 1,
            _ => {}
        }
    }

    /// Whether one of these nodes may have answered.
    pub(in crate::check) fn names_one_of(&self, nodes: &Nodes) -> bool {
        self.named.iter().zip(nodes).any(|(here, wanted)| here & wanted != 0)
    }

    /// Whether another node than these may have answered.
    pub(in crate::check) fn names_another(&self, nodes: &Nodes) -> bool {
        self.named.iter().zip(nodes).any(|(here, wanted)| here & !wanted != 0)
    }

    /// Whether a good answer may be among them.
    pub(in crate::check) fn has_good(&self) -> bool {
        self.unnamed > 0 || self.named != Nodes::default()
    }
}

fn with(mut nodes: Nodes, position: u16) -> Nodes {
    let bit = position.min(255);
    if let Some(word) = nodes.get_mut(usize::from(bit / 64)) {
        *word |= 1 << (bit % 64);
    }
    nodes
}

fn position(number: u64) -> usize {
    (number % SIZE as u64) as usize
}
