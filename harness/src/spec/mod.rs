//! DATA IN: scenario files, as operators write them.

mod always;
mod error;
mod expect;
mod happening;
mod inject;
mod patch;
mod scenario;
mod secret;
mod source;
mod step;
mod topology;
mod validate;
mod value;

pub use always::Always;
pub use error::SpecError;
pub use expect::{Expect, State, Subject};
pub use happening::Happening;
pub use inject::{Breaks, Inject, Port, Protocol};
pub(crate) use scenario::list;
pub use scenario::{Scenario, Step};
pub use secret::{Secret, without_passwords};
pub use source::{KeyPath, Place, Segment, Source};
pub use step::{Heal, Matrix, Mutant, Verb};
pub(crate) use topology::session_addresses;
pub use topology::{Announces, Ask, Cell, Node, Peer, Role, Service, Topology, Watchdog};
pub use value::{Family, Product, Span};
