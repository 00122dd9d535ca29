//! BUILDER: makes the images of recipes on an engine, and removes them.
//!
//! [`ensure`] makes what is missing. The base is Debian's own image, or, where no registry answers, one made with mmdebstrap under
//! the same name. Nothing is installed on the host.

mod base;
mod build;
mod cache;
mod elf;
mod error;
mod list;
mod lock;
mod programs;
mod run;
mod tools;

pub use base::ensure_debian;
pub use build::{Progress, ensure, exact_versions};
pub use error::ImageError;
pub use list::{Listed, Removed, State, list, remove_all, remove_stale};
pub use programs::Programs;

/// What every fallible function of this room returns.
pub type Result<T> = std::result::Result<T, ImageError>;
