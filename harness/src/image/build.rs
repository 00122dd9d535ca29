//! Making what is missing: each layer once, side by side where they do not stand on each other.

use std::collections::HashSet;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use tokio::sync::Semaphore;

use super::lock::HostLock;
use super::{ImageError, LABEL, Layer, Programs, Recipe, Result, ensure_debian};
use crate::engine::Engine;

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
/// Calls share their work, those of other processes on this host too: each image is made once.
///
/// # Errors
/// What cannot be built, with its output.
pub async fn ensure(engine: &dyn Engine, recipes: &[Recipe], progress: &dyn Progress) -> Result<Vec<String>> {
    let kitchen = Kitchen::open(engine, progress).await?;
    // Compiled while the lower layers are built.
    let (tags, _) = futures::try_join!(kitchen.cook(recipes), kitchen.programs())?;
    Ok(tags)
}

struct Kitchen<'a> {
    engine: &'a dyn Engine,
    progress: &'a dyn Progress,
    present: HashSet<String>,
    /// Those that a test brings; else this checkout's.
    programs: Option<&'a Programs>,
}

impl<'a> Kitchen<'a> {
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

    async fn cook(&self, recipes: &[Recipe]) -> Result<Vec<String>> {
        try_join_all(recipes.iter().map(|recipe| self.fold(recipe))).await
    }

    async fn fold(&self, recipe: &Recipe) -> Result<String> {
        let mut parent = recipe.release().image().to_owned();
        for (place, (part, _)) in recipe.parts().iter().enumerate() {
            let program = match part.program {
                Some(name) => Some(self.programs().await?.contents(name)),
                None => None,
            };
            let layer = recipe.layer(place, &parent, program);
            self.make(recipe, &layer).await?;
            parent = layer.tag;
        }
        Ok(parent)
    }

    async fn make(&self, recipe: &Recipe, layer: &Layer) -> Result<()> {
        if self.present.contains(&layer.tag) {
            return Ok(());
        }
        let _lock = HostLock::acquire(&layer.tag, &|line| self.progress.line(&layer.tag, line)).await?;
        // Another may have built it meanwhile.
        if present(self.engine).await?.contains(&layer.tag) {
            return Ok(());
        }
        if layer.parent == recipe.release().image() {
            ensure_debian(self.engine, recipe.release(), self.progress).await?;
        }
        let build = layer.build(&host_ca()?);
        let _turn = BUILDS.acquire().await;
        let started = self.progress.begin(&layer.tag);
        self.engine.build(&build, &|line| self.progress.line(&layer.tag, line)).await?;
        self.progress.finished(&layer.tag, started.elapsed());
        Ok(())
    }
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

    async fn cook(engine: &FakeEngine, programs: &Programs, recipes: &[Recipe]) -> Result<Vec<String>> {
        let kitchen = Kitchen { programs: Some(programs), ..Kitchen::open(engine, &Silent).await? };
        kitchen.cook(recipes).await
    }

    #[tokio::test]
    async fn a_shared_prefix_is_built_once() {
        let engine = FakeEngine::new();
        let programs = Programs::of(&[("anycast-lab-probe", b"probe"), ("anycast-watchdog", b"watchdog")]);
        let recipes =
            [&[][..], &[("bind", "9.20")], &[("bind", "9.20"), ("watchdog", "ours")]].map(|p| Recipe::of(p).unwrap());
        let tags = cook(&engine, &programs, &recipes).await.unwrap();
        let expected =
            recipes.each_ref().map(|recipe| recipe.layers(|name| programs.contents(name)).pop().unwrap().tag);
        assert_eq!(tags, expected);
        let builds = || engine.asked().iter().filter(|(verb, _)| *verb == Verb::Build).count();
        assert_eq!(builds(), 6, "base, bind, watchdog, and a probe on each: {:?}", engine.asked());
        assert_eq!(engine.asked().iter().filter(|(verb, _)| *verb == Verb::Pull).count(), 1);
        cook(&engine, &programs, &recipes).await.unwrap();
        assert_eq!(builds(), 6, "nothing is built twice");
    }

    #[tokio::test]
    async fn a_failed_build_is_the_error() {
        let engine = FakeEngine::new().failing(Verb::Build, "bind");
        let recipe = Recipe::of(&[("bind", "9.20")]).unwrap();
        let error = cook(&engine, &Programs::of(&[]), &[recipe]).await.unwrap_err();
        assert!(error.to_string().starts_with("building anycast-lab:bind-9.20-"), "{error}");
    }
}
