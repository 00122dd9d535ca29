//! What is in an image, to the last digit: a label of the image says it, for the record of a run.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Part, PartVersion, Recipe};

/// The label with the versions, as JSON.
const LABEL: &str = "anycast-lab.versions";

/// The exact versions of all that is in an image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Versions {
    /// The engine's identifier of the Debian image beneath.
    pub debian: String,
    /// Each part's daemon -> its exact version, such as `1:9.20.11-4` of bind.
    pub parts: BTreeMap<String, String>,
    /// Each Debian package -> its version.
    pub packages: BTreeMap<String, String>,
}

impl Versions {
    /// Works out the versions from what dpkg says is installed (`/var/lib/dpkg/status`); `program` gives the contents of a
    /// program of ours.
    pub(crate) fn of<'p>(
        recipe: &Recipe,
        debian: &str,
        status: &str,
        program: impl Fn(&'static str) -> &'p [u8],
    ) -> Self {
        let packages = installed(status);
        let exact = |(part, version): &(&'static Part, &'static PartVersion)| {
            let exact = match part.program {
                Some(name) => format!("{} (sha256:{})", env!("CARGO_PKG_VERSION"), sha256(program(name))),
                None => exact(version, &packages)?,
            };
            Some((part.name.to_owned(), exact))
        };
        let parts = recipe.parts().iter().filter_map(exact).collect();
        Self { debian: debian.to_owned(), parts, packages }
    }

    /// Reads the versions from an image's labels; `None` when they do not say.
    #[must_use]
    pub fn read(labels: &BTreeMap<String, String>) -> Option<Self> {
        serde_json::from_str(labels.get(LABEL)?).ok()
    }

    /// Returns the label's name and value.
    pub(super) fn label(&self) -> (String, String) {
        // Maps of strings always become JSON.
        (LABEL.to_owned(), serde_json::to_string(self).unwrap_or_default())
    }
}

/// Returns the exact version of a part that is not ours; `None` for one that is no single program.
fn exact(version: &PartVersion, packages: &BTreeMap<String, String>) -> Option<String> {
    let arg = |wanted: &str| version.args.iter().find(|(name, _)| *name == wanted).map(|(_, value)| *value);
    if let Some(pattern) = arg("PACKAGE") {
        let name = pattern.split('=').next().unwrap_or(pattern);
        let found = packages.get(name).map_or("unknown: the image's list of packages lacks it", String::as_str);
        let shim = version.files.iter().any(|(name, _)| *name == "possible-capabilities.c");
        // Its handling of privileges is not what it is elsewhere.
        return Some(format!("{found} ({name}{})", if shim { ", possible-capabilities.so preloaded" } else { "" }));
    }
    Some(format!("{} (PyPI, sha256:{})", arg("VERSION")?, arg("SHA256")?))
}

/// Reads dpkg's list of packages: those that are installed, with their versions.
fn installed(status: &str) -> BTreeMap<String, String> {
    let field = |paragraph: &str, name: &str| {
        let mut lines = paragraph.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(field, _)| *field == name).map(|(_, value)| value.to_owned())
    };
    let package = |paragraph: &str| {
        field(paragraph, "Status").filter(|status| status.ends_with(" installed"))?;
        Some((field(paragraph, "Package")?, field(paragraph, "Version")?))
    };
    status.split("\n\n").filter_map(package).collect()
}

fn sha256(contents: &[u8]) -> String {
    Sha256::digest(contents).iter().map(|octet| format!("{octet:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATUS: &str = "Package: bind9\nStatus: install ok installed\nVersion: 1:9.20.11-4\nDescription: a server\n more\n\n\
        Package: frr\nStatus: install ok installed\nVersion: 10.3-1\n\n\
        Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n";

    fn versions(parts: &[(&str, &str)]) -> Versions {
        Versions::of(&Recipe::of(parts).unwrap(), "sha256:1", STATUS, |_| b"program")
    }

    #[test]
    fn each_daemon_has_its_exact_version() {
        let found = versions(&[("bind", "9.20"), ("exabgp", "5.0.15"), ("watchdog", "ours"), ("frr", "10.3")]);
        assert_eq!(found.parts["bind"], "1:9.20.11-4 (bind9)");
        assert!(found.parts["exabgp"].starts_with("5.0.15 (PyPI, sha256:94485bee"));
        assert_eq!(found.parts["frr"], "10.3-1 (frr, possible-capabilities.so preloaded)");
        assert!(found.parts["watchdog"].contains("(sha256:") && found.parts.contains_key("probe"));
        assert_eq!(found.packages.len(), 2, "{:?}", found.packages);
    }

    #[test]
    fn what_is_not_installed_is_unknown() {
        let found = versions(&[("bird", "2.17")]);
        assert!(found.parts["bird"].starts_with("unknown: "));
    }

    #[test]
    fn labels_say_the_same() {
        let found = versions(&[("bind", "9.20")]);
        assert_eq!(Versions::read(&BTreeMap::from([found.label()])), Some(found));
        assert_eq!(Versions::read(&BTreeMap::new()), None);
    }
}
