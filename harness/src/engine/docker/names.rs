//! Names of images: Podman gives each a registry's name, which Docker leaves out.

use std::collections::BTreeMap;

use super::Flavour;

/// What Podman puts in front of the name of an image that was made here.
const HERE: &str = "localhost/";

/// The folder of Docker's own registry where images such as Debian's are; Docker leaves it out, with the registry.
const LIBRARY: &str = "library/";

/// Returns the name by which the lab knows an image: the one without a registry, where it is made here or Docker leaves it out.
pub(super) fn short(stored: &str) -> &str {
    let library = || {
        let (_, folder) = stored.split_once('/').filter(|_| names_registry(stored))?;
        folder.strip_prefix(LIBRARY)
    };
    stored.strip_prefix(HERE).or_else(library).unwrap_or(stored)
}

/// Returns the name under which a new image is stored. Podman's API would store a short name as one of Docker's registry.
pub(super) fn to_store(flavour: Flavour, name: &str) -> String {
    match flavour {
        Flavour::Podman if !names_registry(name) => format!("{HERE}{name}"),
        Flavour::Podman | Flavour::Docker => name.to_owned(),
    }
}

/// Names under which images are stored, by the names by which the lab knows them.
pub(super) struct Stored(BTreeMap<String, String>);

impl Stored {
    /// Of two that the lab knows by one name, the one that was made here is meant.
    pub(super) fn new(stored: impl IntoIterator<Item = String>) -> Self {
        let mut names = BTreeMap::new();
        for name in stored {
            let known = short(&name).to_owned();
            if name.starts_with(HERE) || !names.contains_key(&known) {
                names.insert(known, name);
            }
        }
        Self(names)
    }

    /// Returns the name under which an image is stored; `name` itself when there is none.
    pub(super) fn of(&self, name: &str) -> String {
        self.0.get(name).map_or_else(|| name.to_owned(), Clone::clone)
    }
}

/// Whether the first part of a name is a registry's: it has a dot or a port, or is `localhost` (as Docker tells them apart).
fn names_registry(name: &str) -> bool {
    name.split_once('/').is_some_and(|(first, _)| first.contains(['.', ':']) || first == "localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn podmans_names_are_known_by_dockers() {
        let names = [
            ("localhost/anycast-lab:base-1", "anycast-lab:base-1"),
            ("registry.test/library/debian:trixie-slim", "debian:trixie-slim"),
            ("debian:trixie-slim", "debian:trixie-slim"),
            ("registry.test/somebody/debian:trixie-slim", "registry.test/somebody/debian:trixie-slim"),
            ("sha256:01dc", "sha256:01dc"),
        ];
        for (stored, known) in names {
            assert_eq!(short(stored), known);
        }
    }

    #[test]
    fn podman_stores_a_short_name_as_made_here() {
        for name in ["registry.test/debian:1", "registry:5000/debian:1", "localhost/debian:1"] {
            assert_eq!(to_store(Flavour::Podman, name), name);
        }
        assert_eq!(to_store(Flavour::Podman, "debian:1"), "localhost/debian:1");
        assert_eq!(to_store(Flavour::Podman, "somebody/debian:1"), "localhost/somebody/debian:1");
        assert_eq!(to_store(Flavour::Docker, "debian:1"), "debian:1");
    }

    #[test]
    fn an_image_is_found_under_either_name() {
        for stored in ["localhost/debian:1", "registry.test/library/debian:1", "debian:1"] {
            assert_eq!(Stored::new([stored.to_owned()]).of("debian:1"), stored);
        }
        let (here, there) = ("localhost/debian:1".to_owned(), "registry.test/library/debian:1".to_owned());
        assert_eq!(Stored::new([here.clone(), there.clone()]).of("debian:1"), here);
        assert_eq!(Stored::new([there, here.clone()]).of("debian:1"), here);
        assert_eq!(Stored::new([here]).of("debian:2"), "debian:2");
    }
}
