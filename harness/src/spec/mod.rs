//! DATA IN: scenario files, as operators write them.

mod always;
mod error;
mod expect;
mod happening;
mod layers;
mod matrix;
mod patch;
mod scenario;
mod source;
mod step;
mod topology;
mod validate;

pub use always::Always;
pub use error::SpecError;
pub use expect::{Expect, State, Subject};
pub use happening::Happening;
pub use matrix::{Axis, AxisValue, Cell, Matrix, Strike};
pub(crate) use scenario::list;
pub use scenario::{Scenario, Step};
pub use source::{KeyPath, Place, Segment, Source};
pub use step::{Heal, Mutant, Verb};
pub(crate) use topology::session_addresses;
pub use topology::{Announces, Ask, Node, Peer, Service, Sessions, Topology, Watchdog};

pub use crate::fault::Fault as Inject;
pub use crate::secret::Secret;
pub use crate::value::{Family, Product, Role, Span};
