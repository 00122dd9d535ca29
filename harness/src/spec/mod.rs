//! DATA IN: scenario files, as operators write them.

mod error;
mod patch;
mod scenario;
mod source;
mod step;
mod topology;
mod validate;

pub use error::SpecError;
pub(crate) use scenario::list;
pub use scenario::{Scenario, Step};
pub use source::{KeyPath, Place, Segment, Source};
pub use step::{Expect, Heal, Matrix, Mutant, Verb};
pub use topology::{Announces, Ask, Cell, Node, Peer, Service, Topology, Watchdog};

pub use crate::fault::Fault as Inject;
pub use crate::value::{Family, Product, Role, Span};
