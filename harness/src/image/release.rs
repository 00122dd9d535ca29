//! Debian's releases, and which of them has all that is wanted.

use super::{RecipeError, Result, catalog};

/// A release of Debian.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Debian's")]
pub enum Release {
    Bullseye,
    Bookworm,
    Trixie,
}

impl Release {
    /// Newest first.
    pub(crate) const ALL: [Self; 3] = [Self::Trixie, Self::Bookworm, Self::Bullseye];

    /// The newest release on which there are all these parts, given as (name, version).
    ///
    /// # Errors
    /// A part that is unknown, or two that are on no release together.
    pub fn for_parts(parts: &[(&str, &str)]) -> Result<Self> {
        let mut wanted = Vec::new();
        for (name, version) in parts {
            wanted.push((*name, catalog::find(name, version)?.1));
        }
        let fits = |release: &Self| wanted.iter().all(|(_, version)| version.on.contains(release));
        Self::ALL.into_iter().find(fits).ok_or_else(|| {
            let bound = wanted.iter().filter(|(_, version)| version.on.len() < Self::ALL.len());
            let bound = bound.map(|(name, part)| {
                let on: Vec<_> = part.on.iter().map(|release| release.name()).collect();
                format!("{name} {} is only on {}", part.version, on.join(" and "))
            });
            RecipeError::NoRelease { conflict: bound.collect::<Vec<_>>().join(", ") }
        })
    }

    /// The release of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|release| release.name() == name)
    }

    /// Debian's name for it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bullseye => "bullseye",
            Self::Bookworm => "bookworm",
            Self::Trixie => "trixie",
        }
    }

    /// Its image on Docker Hub.
    #[must_use]
    pub fn image(self) -> &'static str {
        match self {
            Self::Bullseye => "debian:bullseye-slim",
            Self::Bookworm => "debian:bookworm-slim",
            Self::Trixie => "debian:trixie-slim",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_that_has_all() {
        assert_eq!(Release::for_parts(&[]).unwrap(), Release::Trixie);
        assert_eq!(Release::for_parts(&[("bind", "9.20"), ("exabgp", "5.0.15")]).unwrap(), Release::Trixie);
        assert_eq!(Release::for_parts(&[("bind", "9.18"), ("exabgp", "5.0.15")]).unwrap(), Release::Bookworm);
        assert_eq!(Release::for_parts(&[("hickory", "ours"), ("exabgp", "3.4.28")]).unwrap(), Release::Bullseye);
    }

    #[test]
    fn a_conflict_is_named() {
        let error = Release::for_parts(&[("bind", "9.18"), ("exabgp", "4.2.25")]).unwrap_err();
        let expected = "no Debian release has all parts of the node: bind 9.18 is only on bookworm, exabgp 4.2.25 is only on trixie";
        assert_eq!(error.to_string(), expected);
    }
}
