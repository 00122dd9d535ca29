//! IMAGES: what nodes run, as parts folded one over the other, each prefix built once under a tag that hashes all that went in.
//!
//! A [`Recipe`] names the parts of a node; [`ensure`] makes what is missing of them. The base is Debian's own image, or, where
//! no registry answers, one made with mmdebstrap under the same name.

mod base;
mod build;
mod cache;
pub mod catalog;
mod elf;
mod error;
mod list;
mod lock;
mod mirror;
mod part;
mod programs;
mod recipe;
mod release;
mod run;
mod tools;

pub use base::ensure_debian;
pub use build::{Progress, ensure};
pub use error::ImageError;
pub use list::{Listed, Removed, State, list, remove_all, remove_stale};
pub use mirror::Mirror;
pub use part::{Part, PartVersion};
pub use programs::Programs;
pub use recipe::{Layer, Recipe};
pub use release::Release;

/// What every fallible function of this room returns.
pub type Result<T> = std::result::Result<T, ImageError>;

/// The label of every image that we made; its value is the recipe, or `base` or `stage`.
pub const LABEL: &str = "anycast-lab.image";
