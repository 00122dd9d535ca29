//! What a run has shown so far, folded: each event is taken in once, and all checks share what is known then.
//!
//! Its memory grows with what changes (routes, sessions, daemons, stalls), and by 14 octets a query. Everything else is forgotten.

use std::collections::BTreeMap;

use super::queries::Queries;
use super::sessions::Sessions;
use super::stalls::Stall;
use super::world::World;
use crate::history::{Event, Seen};
use crate::plan::Plan;

mod course;
mod told;

pub(super) use course::{Act, Course};
pub(super) use told::Told;

/// What a run has shown so far.
pub struct Facts<'p> {
    pub(super) plan: &'p Plan,
    /// The routes, and where they lead.
    pub(super) world: World<'p>,
    /// What clients asked, and who answered.
    pub(super) queries: Queries<'p>,
    /// The BGP sessions.
    pub(super) sessions: Sessions<'p>,
    /// What each node's daemons did and said.
    told: BTreeMap<&'p str, Told>,
    /// What the lab itself did.
    pub(super) course: Course,
    /// When the machine stood still.
    pub(super) stalls: Vec<Stall>,
}

impl<'p> Facts<'p> {
    /// Nothing has happened.
    #[must_use]
    pub fn new(plan: &'p Plan) -> Self {
        Self {
            plan,
            world: World::new(plan),
            queries: Queries::new(plan),
            sessions: Sessions::new(plan),
            told: plan.nodes.iter().map(|node| (node.name.as_str(), Told::default())).collect(),
            course: Course::default(),
            stalls: Vec::new(),
        }
    }

    /// What these events show.
    pub fn of<'e>(plan: &'p Plan, events: impl IntoIterator<Item = &'e Event>) -> Self {
        let mut facts = Self::new(plan);
        events.into_iter().for_each(|event| facts.take(event));
        facts.catch_up();
        facts
    }

    /// Takes the next event in. Events of one node come in the order of its clock; those of different nodes may come late.
    pub fn take(&mut self, event: &Event) {
        self.course.passes(event.at);
        match &event.saw {
            Seen::Query { .. } | Seen::Served { .. } => self.queries.take(event),
            Seen::Fib { .. } | Seen::Rib { .. } => self.world.take(event),
            Seen::Address { .. } => {
                self.world.take(event);
                self.tell(event);
            }
            Seen::Bgp { .. } | Seen::Tcp { .. } => {
                self.sessions.take(event);
                self.tell(event);
            }
            Seen::Exited { .. } | Seen::Started { .. } | Seen::Line { .. } => self.tell(event),
            Seen::Stalled { .. } => self.stalls.extend(Stall::of(event)),
            _ => self.course.take(event),
        }
    }

    /// Puts what came late in its place. It must be called before anything is judged.
    pub fn catch_up(&mut self) {
        self.world.catch_up();
    }

    fn tell(&mut self, event: &Event) {
        let told = event.node.as_deref().and_then(|node| self.told.get_mut(node));
        if let Some(told) = told {
            told.take(self.plan, event);
        }
    }

    /// What a node's daemons did and said.
    pub(super) fn told(&self, node: &str) -> &Told {
        const NOTHING: &Told = &Told::nothing();
        self.told.get(node).unwrap_or(NOTHING)
    }

    /// All nodes, and what their daemons did and said.
    pub(super) fn nodes(&self) -> impl Iterator<Item = (&'p str, &Told)> {
        self.told.iter().map(|(node, told)| (*node, told))
    }

    /// The first hole: when, and where and why. Where there is one, nothing can be said.
    #[must_use]
    pub fn hole(&self) -> Option<(u64, &str)> {
        self.course.hole.as_ref().map(|(at, why)| (*at, why.as_str()))
    }

    /// The plan of the run.
    #[must_use]
    pub fn plan(&self) -> &'p Plan {
        self.plan
    }

    /// When the first event and the last one happened, of those that are known.
    #[must_use]
    pub fn span(&self) -> (u64, u64) {
        (self.course.first.unwrap_or(0), self.course.last)
    }

    /// When the last of the nodes was ready, and when the lab was up.
    #[must_use]
    pub fn up(&self) -> (Option<u64>, Option<u64>) {
        (self.course.ready, self.course.up)
    }

    /// What was said of the last fault.
    #[must_use]
    pub fn detail(&self) -> Option<&str> {
        self.course.injected().last().map(|act| act.detail.as_str())
    }
}
