//! Making what is missing: each layer once, side by side where they do not stand on each other.

use std::collections::{BTreeMap, HashSet};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::StreamExt;
use futures::future::try_join_all;
use tokio::sync::Semaphore;

use super::base::mirror;
use super::lock::HostLock;
use super::{ImageError, Programs, Result, ensure_debian};
use crate::engine::{Build, Chunk, Engine, NodeSpec};
use crate::image::{Debian, LABEL, Layer, Recipe, Release, Versions};
use crate::owner::Labels;

/// Builds at a time: they wait for mirrors more than for processors.
static BUILDS: Semaphore = Semaphore::const_new(4);

/// Who is told how it goes. Several things are under way at once.
pub trait Progress: Send + Sync {
    /// It is being made.
    fn started(&self, what: &str);

    /// A line of output.
    fn line(&self, what: &str, text: &str);

    /// It is there. What fails is not finished: the error says so.
    fn finished(&self, what: &str, took: Duration);
}

impl dyn Progress + '_ {
    /// Tells that it started, and when.
    pub(super) fn begin(&self, what: &str) -> Instant {
        self.started(what);
        Instant::now()
    }
}

/// Makes the images of the recipes, as far as they are missing; gives the tag of each.
///
/// Calls share their work, those of other processes of this user too: each image is made once.
///
/// # Errors
/// What cannot be built, with its output.
pub async fn ensure(engine: &dyn Engine, recipes: &[Recipe], progress: &dyn Progress) -> Result<Vec<String>> {
    let builder = ImageBuilder::open(engine, progress).await?;
    // Compiled while the lower layers are built.
    let (tags, _) = futures::try_join!(builder.build(recipes), builder.programs())?;
    Ok(tags)
}

/// Returns the exact version of each daemon on each node, such as `bind on ns1` -> `1:9.20.11-4 (bind9)`, and the identifiers of the
/// images; `images` has each node's tag.
///
/// # Errors
/// The engine's, when it cannot list its images.
pub async fn exact_versions(
    engine: &dyn Engine,
    images: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>> {
    let present = engine.images(Some(LABEL)).await?;
    let mut exact = BTreeMap::new();
    for (node, tag) in images {
        let Some(image) = present.iter().find(|image| image.tag == *tag) else { continue };
        let Some(versions) = Versions::read(&image.labels) else { continue };
        exact.insert(format!("debian image id of {node}"), versions.debian);
        exact.extend(versions.parts.into_iter().map(|(part, version)| (format!("{part} on {node}"), version)));
    }
    Ok(exact)
}

struct ImageBuilder<'a> {
    engine: &'a dyn Engine,
    progress: &'a dyn Progress,
    present: HashSet<String>,
    /// Those that a test brings; else this checkout's.
    programs: Option<&'a Programs>,
}

impl<'a> ImageBuilder<'a> {
    async fn open(engine: &'a dyn Engine, progress: &'a dyn Progress) -> Result<Self> {
        let present = present(engine).await?;
        Ok(Self { engine, progress, present, programs: None })
    }

    async fn programs(&self) -> Result<&'a Programs> {
        match self.programs {
            Some(programs) => Ok(programs),
            None => Programs::get(self.progress).await,
        }
    }

    async fn build(&self, recipes: &[Recipe]) -> Result<Vec<String>> {
        let mut bases: Vec<(Release, Debian)> = Vec::new();
        for recipe in recipes {
            if !bases.iter().any(|(release, _)| *release == recipe.release()) {
                let id = ensure_debian(self.engine, recipe.release(), self.progress).await?;
                bases.push((recipe.release(), Debian { id, mirror: mirror()? }));
            }
        }
        let with_base = recipes.iter().filter_map(|recipe| {
            let (_, debian) = bases.iter().find(|(release, _)| *release == recipe.release())?;
            Some(self.fold(recipe, debian))
        });
        try_join_all(with_base).await
    }

    async fn fold(&self, recipe: &Recipe, debian: &Debian) -> Result<String> {
        let mut beneath: Option<Layer> = None;
        for (place, (part, _)) in recipe.parts().iter().enumerate() {
            let program = match part.program {
                Some(name) => Some(self.programs().await?.contents(name)),
                None => None,
            };
            let on = beneath.as_ref().map(|layer| (layer.lowest(), layer.tag.as_str()));
            let layer = recipe.layer(place, debian, on, program);
            self.make(recipe, debian, &layer).await?;
            beneath = Some(layer);
        }
        // Every recipe has at least the base and the probe.
        Ok(beneath.map_or_else(|| recipe.release().image().to_owned(), |layer| layer.tag))
    }

    async fn make(&self, recipe: &Recipe, debian: &Debian, layer: &Layer) -> Result<()> {
        if self.present.contains(&layer.tag) {
            return Ok(());
        }
        let _lock = HostLock::acquire(&layer.tag, &|line| self.progress.line(&layer.tag, line)).await?;
        // Another may have built it meanwhile.
        if present(self.engine).await?.contains(&layer.tag) {
            return Ok(());
        }
        let _turn = BUILDS.acquire().await;
        let started = self.progress.begin(&layer.tag);
        let versions = if layer.is_last() {
            // The last layer adds a program of ours and no package.
            let status = read(self.engine, &layer.parent, "/var/lib/dpkg/status").await?;
            let programs = self.programs().await?;
            Some(Versions::of(recipe, &debian.id, &status, |name| programs.contents(name)))
        } else {
            None
        };
        let build = Build {
            tag: layer.tag.clone(),
            args: layer.args(),
            context: layer.context(&host_ca()?),
            labels: layer.labels(versions.as_ref()),
        };
        self.engine.build(&build, &|line| self.progress.line(&layer.tag, line)).await?;
        self.progress.finished(&layer.tag, started.elapsed());
        Ok(())
    }
}

/// Reads a file in an image, by a container that ends at once.
async fn read(engine: &dyn Engine, image: &str, path: &str) -> Result<String> {
    // Two processes, and two images of one process, read at a time.
    let name = format!("read-{}-{}", std::process::id(), image.rsplit([':', '-']).next().unwrap_or(image));
    let node = engine
        .start_node(&NodeSpec {
            labels: Labels::of_this_process(&name),
            name,
            hostname: "read".to_owned(),
            image: image.to_owned(),
            argv: ["cat", path].map(str::to_owned).to_vec(),
            place: crate::engine::Place::Networks(Vec::new()),
            sysctls: BTreeMap::new(),
            limits: crate::engine::Limits::default(),
        })
        .await?;
    drop(node.input);
    let mut contents = Vec::new();
    let mut output = node.output;
    while let Some(chunk) = output.next().await {
        if let Chunk::Stdout(bytes) = chunk? {
            contents.extend(bytes);
        }
    }
    Ok(String::from_utf8_lossy(&contents).into_owned())
}

async fn present(engine: &dyn Engine) -> Result<HashSet<String>> {
    Ok(engine.images(Some(LABEL)).await?.into_iter().map(|image| image.tag).collect())
}

/// The host's bundle of certificate authorities; empty when there is none.
fn host_ca() -> Result<Vec<u8>> {
    const SYSTEMS: &str = "/etc/ssl/certs/ca-certificates.crt";
    let named = std::env::var_os("SSL_CERT_FILE").map(PathBuf::from);
    let path = named.unwrap_or_else(|| SYSTEMS.into());
    match std::fs::read(&path) {
        Ok(bundle) => Ok(bundle),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(ImageError::File { path, error }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::fake::{FakeEngine, Verb};

    struct Silent;

    impl Progress for Silent {
        fn started(&self, _: &str) {}
        fn line(&self, _: &str, _: &str) {}
        fn finished(&self, _: &str, _: Duration) {}
    }

    async fn build(engine: &FakeEngine, programs: &Programs, recipes: &[Recipe]) -> Result<Vec<String>> {
        let builder = ImageBuilder { programs: Some(programs), ..ImageBuilder::open(engine, &Silent).await? };
        builder.build(recipes).await
    }

    async fn debian(engine: &FakeEngine) -> Debian {
        Debian { id: ensure_debian(engine, Release::Trixie, &Silent).await.unwrap(), mirror: None }
    }

    #[tokio::test]
    async fn a_shared_prefix_is_built_once() {
        let engine = FakeEngine::new();
        let programs = Programs::of(&[("anycast-lab-probe", b"probe"), ("anycast-watchdog", b"watchdog")]);
        let recipes =
            [&[][..], &[("bind", "9.20")], &[("bind", "9.20"), ("watchdog", "ours")]].map(|p| Recipe::of(p).unwrap());
        let tags = build(&engine, &programs, &recipes).await.unwrap();
        let debian = debian(&engine).await;
        let expected =
            recipes.each_ref().map(|recipe| recipe.layers(&debian, |name| programs.contents(name)).pop().unwrap().tag);
        assert_eq!(tags, expected);
        let builds = || engine.asked().iter().filter(|(verb, _)| *verb == Verb::Build).count();
        assert_eq!(builds(), 6, "base, bind, watchdog, and a probe on each: {:?}", engine.asked());
        assert_eq!(engine.asked().iter().filter(|(verb, _)| *verb == Verb::Pull).count(), 1);
        build(&engine, &programs, &recipes).await.unwrap();
        assert_eq!(builds(), 6, "nothing is built twice");
    }

    #[tokio::test]
    async fn a_failed_build_is_the_error() {
        let engine = FakeEngine::new().failing(Verb::Build, "bind");
        let recipe = Recipe::of(&[("bind", "9.20")]).unwrap();
        let error = build(&engine, &Programs::of(&[]), &[recipe]).await.unwrap_err();
        assert!(error.to_string().starts_with("building anycast-lab:bind-9.20-"), "{error}");
    }
}
