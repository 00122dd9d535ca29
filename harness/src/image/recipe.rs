//! A recipe: which parts a node's image is made of, and the tag of each layer; pure.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{LABEL, Mirror, Part, PartVersion, Release, Result, Versions, catalog};

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

/// What a recipe stands on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Debian {
    /// The engine's identifier of the release's image: it says what is in it, as its name does not.
    pub id: String,
    /// Where packages come from, if not from where the image says.
    pub mirror: Option<Mirror>,
}

/// One step of a recipe, with all that goes in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layer {
    /// `anycast-lab:PART-VERSION-HASH`. The hash is over all that went in, down to the Debian image's identifier.
    pub tag: String,
    /// The image beneath.
    pub parent: String,
    /// What is in the image: the recipe up to here.
    pub contents: String,
    /// The lowest layer's tag.
    lowest: String,
    part: &'static PartVersion,
    args: BTreeMap<String, String>,
    program: Option<(&'static str, Vec<u8>)>,
    /// Whether it is the last, which says what is in the image.
    last: bool,
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
    pub(crate) fn read(contents: &str) -> Option<Self> {
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

    /// Returns the layer of the part at `place`, on the layers beneath; `program` is the contents of the program that the part
    /// copies.
    #[must_use]
    pub fn layer(&self, place: usize, debian: &Debian, beneath: Option<(&str, &str)>, program: Option<&[u8]>) -> Layer {
        let (part, version) = self.parts[place];
        let program = part.program.zip(program.map(<[u8]>::to_vec));
        let mut args: BTreeMap<String, String> =
            version.args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        if let (None, Some(mirror)) = (beneath, &debian.mirror) {
            args.insert("SOURCES".to_owned(), mirror.sources(self.release).join("|"));
        }
        let parent = beneath.map_or(debian.id.as_str(), |(_, parent)| parent);
        let hash = hash(parent, version, &args, program.as_ref());
        let tag = format!("{REPOSITORY}:{}-{hash}", described(part, version, '-'));
        let contents = Self { release: self.release, parts: self.parts[..=place].to_vec() }.to_string();
        let lowest = beneath.map_or_else(|| tag.clone(), |(lowest, _)| lowest.to_owned());
        let parent = beneath.map_or(self.release.image(), |(_, parent)| parent).to_owned();
        Layer { tag, parent, contents, lowest, part: version, args, program, last: part.name == catalog::PROBE }
    }

    /// Returns all layers, bottom first; `program` gives the contents of a program of ours.
    #[must_use]
    pub fn layers<'p>(&self, debian: &Debian, program: impl Fn(&'static str) -> &'p [u8]) -> Vec<Layer> {
        let mut layers: Vec<Layer> = Vec::new();
        for (place, (part, _)) in self.parts.iter().enumerate() {
            let beneath = layers.last().map(|layer| (layer.lowest.as_str(), layer.tag.as_str()));
            layers.push(self.layer(place, debian, beneath, part.program.map(&program)));
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
fn hash(
    parent: &str,
    version: &PartVersion,
    args: &BTreeMap<String, String>,
    program: Option<&(&str, Vec<u8>)>,
) -> String {
    let mut pieces = vec![parent.as_bytes(), version.dockerfile.as_bytes()];
    pieces.extend(args.iter().flat_map(|(name, value)| [name.as_bytes(), value.as_bytes()]));
    pieces.extend(version.files.iter().flat_map(|(name, contents)| [name.as_bytes(), contents.as_bytes()]));
    pieces.extend(program.into_iter().flat_map(|(name, contents)| [name.as_bytes(), contents]));
    let mut hash = Sha256::new();
    for piece in pieces {
        hash.update((piece.len() as u64).to_be_bytes());
        hash.update(piece);
    }
    hash.finalize().iter().take(SHOWN).map(|octet| format!("{octet:02x}")).collect()
}

impl Layer {
    /// The lowest layer's tag.
    #[must_use]
    pub fn lowest(&self) -> &str {
        &self.lowest
    }

    /// Whether it is the last of its recipe, whose image says what is in it.
    #[must_use]
    pub fn is_last(&self) -> bool {
        self.last
    }

    /// Returns the build's arguments.
    #[must_use]
    pub fn args(&self) -> BTreeMap<String, String> {
        let mut args = self.args.clone();
        args.insert("BASE".to_owned(), self.parent.clone());
        if self.part.dockerfile.contains("ARG DEBIAN\n") {
            args.insert("DEBIAN".to_owned(), self.lowest.clone());
        }
        args
    }

    /// Returns the build's context: path -> contents and permission bits. `host_ca` is the host's bundle of certificate
    /// authorities. It is not hashed: it decides whether a download succeeds, and not what it brings.
    #[must_use]
    pub fn context(&self, host_ca: &[u8]) -> BTreeMap<String, (Vec<u8>, u32)> {
        let mut context = BTreeMap::from([
            ("Dockerfile".to_owned(), (self.part.dockerfile.as_bytes().to_vec(), 0o644)),
            ("host-ca.crt".to_owned(), (host_ca.to_vec(), 0o644)),
        ]);
        for (name, contents) in self.part.files {
            context.insert((*name).to_owned(), (contents.as_bytes().to_vec(), 0o755));
        }
        if let Some((name, contents)) = &self.program {
            context.insert((*name).to_owned(), (contents.clone(), 0o755));
        }
        context
    }

    /// Returns the labels of the image.
    #[must_use]
    pub fn labels(&self, versions: Option<&Versions>) -> BTreeMap<String, String> {
        let mut labels = BTreeMap::from([(LABEL.to_owned(), self.contents.clone())]);
        labels.extend(versions.map(Versions::label));
        labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn debian(id: &str) -> Debian {
        Debian { id: id.to_owned(), mirror: None }
    }

    fn tags(recipe: &Recipe, program: &[u8]) -> Vec<String> {
        recipe.layers(&debian("sha256:1"), |_| program).into_iter().map(|layer| layer.tag).collect()
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
    }

    #[test]
    fn another_debian_or_mirror_changes_all_tags() {
        let recipe = Recipe::of(&[("bind", "9.20")]).unwrap();
        let tags =
            |debian: &Debian| recipe.layers(debian, |_| b"").into_iter().map(|layer| layer.tag).collect::<Vec<_>>();
        let (one, two) = (debian("sha256:1"), debian("sha256:2"));
        let mirrored = Debian { mirror: Some(Mirror::parse("http://mirror.test/debian").unwrap()), ..one.clone() };
        for other in [&two, &mirrored] {
            assert!(tags(&one).iter().zip(tags(other)).all(|(one, other)| *one != other));
        }
        let sources = &recipe.layers(&mirrored, |_| b"")[0].args()["SOURCES"];
        assert!(sources.starts_with("deb http://mirror.test/debian trixie main|deb "), "{sources}");
    }

    #[test]
    fn a_stage_stands_on_the_lowest_layer() {
        let layer = &Recipe::of(&[("exabgp", "5.0.15")]).unwrap().layers(&debian("sha256:1"), |_| b"")[1];
        assert_eq!(layer.args()["DEBIAN"], layer.parent, "a stage takes packages from the same mirror");
        assert_eq!(layer.context(b"a company's own")["host-ca.crt"].0, b"a company's own");
        assert_eq!(layer.labels(None)[LABEL], "trixie base exabgp=5.0.15");
    }
}
