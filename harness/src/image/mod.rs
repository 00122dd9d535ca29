//! IMAGES: what nodes run, as parts folded one over the other; pure.
//!
//! A [`Recipe`] names the parts of a node over a release of Debian. Each prefix of it is an image of its own, under a tag that
//! hashes all that goes in. [`crate::builder`] makes them.

pub mod catalog;
mod error;
mod mirror;
mod part;
mod recipe;
mod release;
mod versions;

pub use error::RecipeError;
pub use mirror::Mirror;
pub use part::{Part, PartVersion};
pub use recipe::{Debian, Layer, Recipe};
pub use release::Release;
pub use versions::Versions;

/// What every fallible function of this room returns.
pub type Result<T> = std::result::Result<T, RecipeError>;

/// The label of every image that we made; its value is the recipe, or `base` or `stage`.
pub const LABEL: &str = "anycast-lab.image";
