//! What there is of our images, and removing it.

use super::base::mirror;
use super::build::Progress;
use super::{Programs, Result};
use crate::engine::{Engine, EngineError, Image};
use crate::image::{Debian, LABEL, Recipe, Release};

/// One image that we made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `name:tag`, or the identifier of one without a name.
    pub tag: String,
    /// What is in it: its recipe, or `base`, or `stage`.
    pub contents: String,
    /// Bytes on disk, those of the images beneath included.
    pub size: u64,
    /// Whether it is of use.
    pub state: State,
}

/// Whether an image is of use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The next lab takes it.
    Current,
    /// Something that went in has changed since, or it has no name.
    Stale,
    /// It has a program of ours inside and those of this checkout cannot be had, or Debian's image beneath it is gone.
    Unknown,
}

/// What became of a removal.
#[derive(Debug, Default)]
pub struct Removed {
    /// Gone.
    pub removed: Vec<String>,
    /// Still there, and why: a container that runs holds its image.
    pub kept: Vec<(String, EngineError)>,
}

/// Our images, sorted by tag.
///
/// # Errors
/// The engine's.
pub async fn list(engine: &dyn Engine, progress: &dyn Progress) -> Result<Vec<Listed>> {
    let images = engine.images(Some(LABEL)).await?;
    let programs = if images.is_empty() { None } else { Programs::get(progress).await.ok() };
    let bases = bases(engine).await?;
    let mut listed: Vec<_> = images.into_iter().map(|image| judge(image, &bases, programs)).collect();
    listed.sort_by(|a, b| a.tag.cmp(&b.tag));
    Ok(listed)
}

/// The releases whose images are there.
async fn bases(engine: &dyn Engine) -> Result<Vec<(Release, Debian)>> {
    let mirror = mirror()?;
    let images = engine.images(None).await?;
    let base = |release: Release| {
        let image = images.iter().find(|image| image.tag == release.image())?;
        Some((release, Debian { id: image.id.clone(), mirror: mirror.clone() }))
    };
    Ok(Release::ALL.into_iter().filter_map(base).collect())
}

fn judge(image: Image, bases: &[(Release, Debian)], programs: Option<&Programs>) -> Listed {
    let contents = contents(&image);
    let state = match (Recipe::read(&contents), programs) {
        _ if image.tag == image.id => State::Stale,
        (None, _) if contents == "base" => State::Current,
        (None, _) => State::Stale,
        (Some(recipe), None) if recipe.parts().iter().any(|(part, _)| part.program.is_some()) => State::Unknown,
        (Some(recipe), programs) => {
            let debian = bases.iter().find(|(release, _)| *release == recipe.release()).map(|(_, debian)| debian);
            let layers = debian
                .map(|debian| recipe.layers(debian, |name| programs.map_or(&[], |programs| programs.contents(name))));
            match layers {
                None => State::Unknown,
                Some(layers) if layers.last().is_some_and(|layer| layer.tag == image.tag) => State::Current,
                Some(_) => State::Stale,
            }
        }
    };
    Listed { tag: image.tag, contents, size: image.size, state }
}

fn contents(image: &Image) -> String {
    image.labels.get(LABEL).cloned().unwrap_or_default()
}

/// Removes all images that we made, also the base images that we imported, but none that was pulled.
///
/// # Errors
/// The engine's, when it cannot list them.
pub async fn remove_all(engine: &dyn Engine) -> Result<Removed> {
    let images = engine.images(Some(LABEL)).await?;
    let all = images.into_iter().map(|image| (contents(&image), image.tag));
    Ok(remove(engine, all.collect()).await)
}

/// Removes those that something has changed under since: no lab of this checkout takes them any more.
///
/// # Errors
/// The engine's, when it cannot list them.
pub async fn remove_stale(engine: &dyn Engine, progress: &dyn Progress) -> Result<Removed> {
    let stale = list(engine, progress).await?.into_iter().filter(|image| image.state == State::Stale);
    Ok(remove(engine, stale.map(|image| (image.contents, image.tag)).collect()).await)
}

/// What stands on others goes first.
async fn remove(engine: &dyn Engine, mut images: Vec<(String, String)>) -> Removed {
    images.sort_by_key(|(contents, _)| std::cmp::Reverse(contents.split(' ').count()));
    let mut outcome = Removed::default();
    for (_, tag) in images {
        match engine.remove_image(&tag).await {
            Ok(()) => outcome.removed.push(tag),
            Err(error) => outcome.kept.push((tag, error)),
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const BASE: &str = "sha256:1";

    fn judged(tag: &str, contents: &str, programs: Option<&Programs>, base: &str) -> State {
        let labels = BTreeMap::from([(LABEL.to_owned(), contents.to_owned())]);
        let bases = [(Release::Trixie, debian(base))];
        let bases = if base.is_empty() { &[][..] } else { &bases };
        judge(Image { tag: tag.to_owned(), id: "sha256:0".to_owned(), size: 0, labels }, bases, programs).state
    }

    fn debian(id: &str) -> Debian {
        Debian { id: id.to_owned(), mirror: None }
    }

    #[test]
    fn an_image_is_current_while_its_recipe_gives_its_tag() {
        let programs = Programs::of(&[("anycast-lab-probe", b"now")]);
        let layers = Recipe::of(&[("bird", "3.1")]).unwrap().layers(&debian(BASE), |name| programs.contents(name));
        for layer in &layers {
            assert_eq!(judged(&layer.tag, &layer.contents, Some(&programs), BASE), State::Current);
            assert_eq!(judged("anycast-lab:older", &layer.contents, Some(&programs), BASE), State::Stale);
            assert_eq!(judged(&layer.tag, &layer.contents, Some(&programs), "sha256:2"), State::Stale);
            assert_eq!(judged(&layer.tag, &layer.contents, Some(&programs), ""), State::Unknown);
        }
        assert_eq!(judged(&layers[1].tag, &layers[1].contents, None, BASE), State::Current);
        assert_eq!(judged(&layers[2].tag, &layers[2].contents, None, BASE), State::Unknown);
        assert_eq!(judged("debian:trixie-slim", "base", None, BASE), State::Current);
        assert_eq!(judged("sha256:0", "stage", None, BASE), State::Stale);
        assert_eq!(judged("anycast-lab:x", "trixie base bind=9.16", None, BASE), State::Stale);
    }
}
