//! A recipe: which parts a node's image is made of, and the tag of each layer; pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{LABEL, Part, PartVersion, Release, Result, catalog};
use crate::engine::Build;

/// The repository of all our images.
const REPOSITORY: &str = "anycast-lab";

/// Octets of the hash that a tag shows: 12 hexadecimal digits.
const SHOWN: usize = 6;

/// A Debian release with parts folded over it.
///
/// In JSON it is what it displays.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Recipe {
    release: Release,
    parts: Vec<(&'static Part, &'static PartVersion)>,
}

/// One step of a recipe, with all that goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// `anycast-lab:PART-VERSION-HASH`. The hash is over all that went in, down to the name of the Debian image.
    pub tag: String,
    /// The image beneath.
    pub parent: String,
    /// What is in the image: the recipe up to here.
    pub contents: String,
    debian: Release,
    part: &'static PartVersion,
    program: Option<(&'static str, Vec<u8>)>,
}

impl Recipe {
    /// The image of a node with these parts, given as (name, version) in any order: over the base, beneath the probe, on the
    /// newest release that has them all.
    ///
    /// # Errors
    /// A part that is unknown, or two that are on no release together.
    pub fn of(wanted: &[(&str, &str)]) -> Result<Self> {
        Self::on(Release::for_parts(wanted)?, wanted)
    }

    fn on(release: Release, wanted: &[(&str, &str)]) -> Result<Self> {
        let ours = [(catalog::BASE, catalog::OURS), (catalog::PROBE, catalog::OURS)];
        let mut parts = Vec::new();
        for (name, version) in wanted.iter().chain(&ours) {
            parts.push(catalog::find(name, version)?);
        }
        parts.sort_by_key(|(part, _)| catalog::parts().iter().position(|other| other == *part));
        parts.dedup();
        Ok(Self { release, parts })
    }

    /// Reads what [`Layer::contents`] says; `None` for what no longer is in the catalog.
    pub(super) fn read(contents: &str) -> Option<Self> {
        let mut words = contents.split(' ');
        let release = Release::named(words.next()?)?;
        let parts = words.map(|word| {
            let (name, version) = word.split_once('=').unwrap_or((word, catalog::OURS));
            catalog::find(name, version).ok()
        });
        Some(Self { release, parts: parts.collect::<Option<_>>()? })
    }

    /// The release beneath.
    #[must_use]
    pub fn release(&self) -> Release {
        self.release
    }

    /// Its parts, bottom first.
    #[must_use]
    pub fn parts(&self) -> &[(&'static Part, &'static PartVersion)] {
        &self.parts
    }

    /// The layer of the part at `place`, on an image; `program` is the contents of the program that the part copies.
    #[must_use]
    pub fn layer(&self, place: usize, parent: &str, program: Option<&[u8]>) -> Layer {
        let (part, version) = self.parts[place];
        let program = part.program.zip(program.map(<[u8]>::to_vec));
        let hash = hash(parent, version, program.as_ref());
        let tag = format!("{REPOSITORY}:{}-{hash}", described(part, version, '-'));
        let contents = Self { release: self.release, parts: self.parts[..=place].to_vec() }.to_string();
        Layer { tag, parent: parent.to_owned(), contents, debian: self.release, part: version, program }
    }

    /// All layers, bottom first; `program` gives the contents of a program of ours.
    #[must_use]
    pub fn layers<'p>(&self, program: impl Fn(&'static str) -> &'p [u8]) -> Vec<Layer> {
        let mut layers: Vec<Layer> = Vec::new();
        for (place, (part, _)) in self.parts.iter().enumerate() {
            let parent = layers.last().map_or(self.release.image(), |layer| &layer.tag);
            layers.push(self.layer(place, parent, part.program.map(&program)));
        }
        layers
    }
}

/// Such as `trixie base bind=9.20 probe`.
impl fmt::Display for Recipe {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.release.name())?;
        self.parts.iter().try_for_each(|(part, version)| write!(f, " {}", described(part, version, '=')))
    }
}

impl From<Recipe> for String {
    fn from(recipe: Recipe) -> Self {
        recipe.to_string()
    }
}

impl TryFrom<String> for Recipe {
    type Error = String;

    fn try_from(contents: String) -> std::result::Result<Self, String> {
        Self::read(&contents).ok_or_else(|| format!("`{contents}` is not a recipe of this version's parts"))
    }
}

fn described(part: &Part, version: &PartVersion, between: char) -> String {
    match version.version {
        catalog::OURS => part.name.to_owned(),
        version => format!("{}{between}{version}", part.name),
    }
}

/// Each piece goes in with its length: no two lists of pieces read the same.
fn hash(parent: &str, version: &PartVersion, program: Option<&(&str, Vec<u8>)>) -> String {
    let mut pieces = vec![parent.as_bytes(), version.dockerfile.as_bytes()];
    pieces.extend(version.args.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
    pieces.extend(program.into_iter().flat_map(|(name, contents)| [name.as_bytes(), contents]));
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece);
    }
    hash.finalize().iter().take(SHOWN).map(|octet| format!("{octet:02x}")).collect()
}

impl Layer {
    /// How the engine is to build it. `host_ca` is the host's bundle of certificate authorities; it is not hashed, as it
    /// decides whether a download succeeds and not what it brings.
    #[must_use]
    pub fn build(&self, host_ca: &[u8]) -> Build {
        let text = |text: &str| text.to_owned();
        let mut args: BTreeMap<_, _> = self.part.args.iter().map(|(name, value)| (text(name), text(value))).collect();
        args.insert(text("BASE"), self.parent.clone());
        if self.part.dockerfile.contains("ARG DEBIAN\n") {
            args.insert(text("DEBIAN"), text(self.debian.image()));
        }
        let mut context = BTreeMap::from([
            (text("Dockerfile"), (self.part.dockerfile.as_bytes().to_vec(), 0o644)),
            (text("host-ca.crt"), (host_ca.to_vec(), 0o644)),
        ]);
        if let Some((name, contents)) = &self.program {
            context.insert(text(name), (contents.clone(), 0o755));
        }
        let labels = BTreeMap::from([(text(LABEL), self.contents.clone())]);
        Build { tag: self.tag.clone(), args, context, labels }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tags(recipe: &Recipe, program: &[u8]) -> Vec<String> {
        recipe.layers(|_| program).into_iter().map(|layer| layer.tag).collect()
    }

    #[test]
    fn parts_are_folded_in_a_fixed_order() {
        let recipe = Recipe::of(&[("watchdog", "ours"), ("exabgp", "5.0.15"), ("bind", "9.20")]).unwrap();
        assert_eq!(recipe.to_string(), "trixie base bind=9.20 exabgp=5.0.15 watchdog probe");
        assert_eq!(Recipe::read(&recipe.to_string()), Some(recipe.clone()));
        assert_eq!(Recipe::read("trixie base bind=9.11"), None);
        let shown: Vec<_> = tags(&recipe, b"").iter().map(|tag| tag[..tag.len() - 12].to_owned()).collect();
        let parts = ["base-", "bind-9.20-", "exabgp-5.0.15-", "watchdog-", "probe-"];
        assert_eq!(shown, parts.map(|part| format!("anycast-lab:{part}")));
    }

    #[test]
    fn the_same_input_gives_the_same_tags() {
        let recipe = Recipe::of(&[("bird", "2.17")]).unwrap();
        assert_eq!(tags(&recipe, b"probe"), tags(&recipe, b"probe"));
        let base = Recipe::of(&[]).unwrap();
        assert_eq!(tags(&base, b"probe")[0], tags(&recipe, b"probe")[0], "a prefix is shared");
        assert_ne!(tags(&base, b"probe")[1], tags(&recipe, b"probe")[2], "the probe is over something else");
    }

    #[test]
    fn one_octet_changes_this_tag_and_all_later_ones() {
        let recipe = Recipe::of(&[("bind", "9.20"), ("watchdog", "ours")]).unwrap();
        let mut changed = recipe.clone();
        let bind = changed.parts[1].1;
        let dockerfile: &'static str = Box::leak(format!("{}\n", bind.dockerfile).into_boxed_str());
        changed.parts[1].1 = Box::leak(Box::new(PartVersion { dockerfile, ..*bind }));
        let same: Vec<_> = tags(&recipe, b"").iter().zip(tags(&changed, b"")).map(|(old, new)| *old == new).collect();
        assert_eq!(same, [true, false, false, false]);
        let same: Vec<_> = tags(&recipe, b"1").iter().zip(tags(&recipe, b"2")).map(|(old, new)| *old == new).collect();
        assert_eq!(same, [true, true, false, false], "a program of ours was built anew");
        assert_ne!(tags(&recipe, b"")[0], tags(&Recipe { release: Release::Bookworm, ..recipe }, b"")[0]);
    }

    #[test]
    fn the_hosts_authorities_change_no_tag() {
        let layer = &Recipe::of(&[("exabgp", "5.0.15")]).unwrap().layers(|_| b"")[1];
        let build = layer.build(b"a company's own");
        assert_eq!(build.tag, layer.build(b"").tag);
        assert_eq!(build.args["DEBIAN"], "debian:trixie-slim");
        assert_eq!(build.context["host-ca.crt"].0, b"a company's own");
    }
}
