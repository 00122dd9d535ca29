//! Why there is no recipe.

/// What can go wrong with recipes.
#[derive(Debug, thiserror::Error)]
pub enum RecipeError {
    /// The catalog does not have it.
    #[error("there is no image part {name} {version}: known are {known}")]
    NoPart {
        /// The part.
        name: String,
        /// The version.
        version: String,
        /// The versions, or parts, that there are.
        known: String,
    },
    /// The parts of a node are on different releases.
    #[error("no Debian release has all parts of the node: {conflict}")]
    NoRelease {
        /// Which part is on which.
        conflict: String,
    },
    /// The address of a mirror cannot be used.
    #[error("ANYCAST_LAB_DEBIAN_MIRROR is `{found}`: {problem}")]
    Mirror {
        /// What it is set to.
        found: String,
        /// What is wrong with it.
        problem: &'static str,
    },
}

impl RecipeError {
    /// What to do next.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoRelease { .. } => "choose versions from one release, or put the daemons on different nodes",
            Self::Mirror { .. } => {
                "expected http://HOST/debian, or a snapshot such as http://HOST/archive/debian/20260101T000000Z; unset it to \
                 use the default"
            }
            Self::NoPart { .. } => return None,
        })
    }
}
