//! Images: pulled, imported, built by the classic builder, listed, removed.

use std::collections::{HashMap, VecDeque};
use std::path::PathBuf;

use bollard::Docker as Api;
use bollard::errors::Error;
use bollard::query_parameters::{
    BuildImageOptionsBuilder, BuilderVersion, CreateImageOptionsBuilder, ListImagesOptionsBuilder,
    RemoveImageOptionsBuilder,
};
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::fs::File;
use tokio::io::AsyncReadExt;

use super::names::{Stored, short, to_store};
use super::{Build, Docker, EngineError, Flavour, Image, Result, refused, status, words};

/// Lines of a failed build's output that its error carries.
const LAST_LINES: usize = 20;

/// Octets of a tar file sent at a time.
const PIECE: usize = 256 * 1024;

pub(super) async fn list(api: &Api, label: Option<String>) -> Result<Vec<Image>> {
    let mut options = ListImagesOptionsBuilder::default();
    if let Some(label) = label {
        options = options.filters(&HashMap::from([("label".to_owned(), vec![label])]));
    }
    let found = api.list_images(Some(options.build())).await.map_err(refused("images", "list them"))?;
    let mut images = Vec::new();
    for image in found {
        let tags: Vec<_> = image.repo_tags.into_iter().filter(|tag| !tag.contains("<none>")).collect();
        let size = u64::try_from(image.size).unwrap_or(0);
        let labels = image.labels.into_iter().collect();
        let image = Image { tag: image.id.clone(), id: image.id, size, labels };
        if tags.is_empty() {
            images.push(image);
        } else {
            images.extend(tags.iter().map(|tag| Image { tag: short(tag).to_owned(), ..image.clone() }));
        }
    }
    Ok(images)
}

/// The names under which images are stored. Docker stores them as they are given, so it is not asked.
pub(super) async fn stored(engine: &Docker) -> Result<Stored> {
    if engine.flavour == Flavour::Docker {
        return Ok(Stored::new([]));
    }
    let options = ListImagesOptionsBuilder::default().build();
    let found = engine.api.list_images(Some(options)).await.map_err(refused("images", "list them"))?;
    Ok(Stored::new(found.into_iter().flat_map(|image| image.repo_tags)))
}

pub(super) async fn pull(api: &Api, image: &str) -> Result<()> {
    let options = CreateImageOptionsBuilder::default().from_image(image).build();
    let pulled = api.create_image(Some(options), None, None).try_for_each(|_| async { Ok(()) }).await;
    pulled.map_err(|error| EngineError::NoRegistry { image: image.to_owned(), said: words(&error) })
}

pub(super) async fn import(engine: &Docker, image: &str, tarball: PathBuf, label: &str) -> Result<()> {
    let failed = |said: String| EngineError::Refused { thing: format!("image {image}"), step: "import it", said };
    let file = File::open(&tarball).await.map_err(|error| failed(format!("{}: {error}", tarball.display())))?;
    let name = to_store(engine.flavour, image);
    let (repo, tag) = name.rsplit_once(':').unwrap_or((&name, "latest"));
    let options = CreateImageOptionsBuilder::default().from_src("-").repo(repo).tag(tag);
    let options = options.changes(vec![format!("LABEL {label}")]).build();
    let body = bollard::body_try_stream(pieces(file).map_ok(Into::into));
    let imported = engine.api.create_image(Some(options), Some(body), None).try_for_each(|_| async { Ok(()) }).await;
    imported.map_err(|error| failed(words(&error)))
}

fn pieces(file: File) -> impl Stream<Item = std::io::Result<Vec<u8>>> + Send {
    futures::stream::try_unfold(file, |mut file| async move {
        let mut piece = vec![0; PIECE];
        let length = file.read(&mut piece).await?;
        piece.truncate(length);
        Ok((length > 0).then_some((piece, file)))
    })
}

/// The engine stops a build whose connection is closed: dropping this future cancels it.
pub(super) async fn build(engine: &Docker, build: &Build, said: &(dyn Fn(&str) + Send + Sync)) -> Result<()> {
    let context = context(build).map_err(|error| EngineError::Refused {
        thing: format!("image {}", build.tag),
        step: "pack its build context",
        said: error.to_string(),
    })?;
    let stored = stored(engine).await?;
    // `FROM` takes the name under which an image is stored.
    let args = build.args.iter().map(|(name, value)| (name.clone(), stored.of(value))).collect();
    let options = BuildImageOptionsBuilder::default()
        .dockerfile("Dockerfile")
        .t(&to_store(engine.flavour, &build.tag))
        .version(BuilderVersion::BuilderV1)
        .rm(true)
        .forcerm(true)
        .buildargs(&args)
        .labels(&build.labels.clone().into_iter().collect())
        .build();
    let mut output = Output { step: "its first instruction".to_owned(), last: VecDeque::new() };
    let mut lines = engine.api.build_image(options, None, Some(bollard::body_full(context.into()))).boxed();
    while let Some(line) = lines.next().await {
        let failure = match line {
            Ok(info) => {
                let error = info.error_detail.and_then(|detail| detail.message);
                // Docker colours what a program writes on stderr.
                let text = info.stream.unwrap_or_default().replace("\x1b[91m", "").replace("\x1b[0m", "");
                for line in text.lines().filter(|line| !line.trim().is_empty()) {
                    output.take(line);
                    said(line);
                }
                error
            }
            Err(Error::DockerStreamError { error }) => Some(error),
            Err(error) => Some(words(&error)),
        };
        if let Some(said) = failure {
            let (step, last) = (output.step, output.last.into());
            return Err(EngineError::Build { tag: build.tag.clone(), step, said, output: last });
        }
    }
    Ok(())
}

/// What a build has said so far.
struct Output {
    step: String,
    last: VecDeque<String>,
}

impl Output {
    fn take(&mut self, line: &str) {
        // Docker writes the first, Podman the second.
        if line.starts_with("Step ") || line.starts_with("STEP ") {
            line.clone_into(&mut self.step);
        }
        if self.last.len() == LAST_LINES {
            self.last.pop_front();
        }
        self.last.push_back(line.to_owned());
    }
}

fn context(build: &Build) -> std::io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, (contents, mode)) in &build.context {
        let mut header = tar::Header::new_gnu();
        header.set_size(contents.len() as u64);
        header.set_mode(*mode);
        tar.append_data(&mut header, path, contents.as_slice())?;
    }
    tar.into_inner()
}

pub(super) async fn remove(engine: &Docker, image: &str) -> Result<()> {
    let options = RemoveImageOptionsBuilder::default().build();
    let name = stored(engine).await?.of(image);
    match engine.api.remove_image(&name, Some(options), None).await {
        Err(error) if status(&error) != Some(404) => Err(refused(&format!("image {image}"), "remove it")(error)),
        _ => Ok(()),
    }
}
