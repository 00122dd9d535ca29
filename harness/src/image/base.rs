//! Debian's own images: present, or pulled, or made with mmdebstrap under the same name.

use std::path::Path;

use tokio::process::Command;

use super::alone::alone;
use super::build::Progress;
use super::run::run;
use super::{ImageError, LABEL, Release, Result};
use crate::engine::{Engine, EngineError};

const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

/// What an image does without. The last spares an fsync(2) a file: a half-written image is thrown away whole.
const DPKG_OPTIONS: [&str; 5] = [
    "path-exclude=/usr/share/doc/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/locale/*",
    "path-exclude=/usr/share/man/*",
    "force-unsafe-io",
];

/// Makes sure that the release's own image is there, and gives its tag.
///
/// # Errors
/// When it can neither be pulled nor made.
pub async fn ensure_debian(engine: &dyn Engine, release: Release, progress: &dyn Progress) -> Result<&'static str> {
    let image = release.image();
    let _alone = alone(image).await?;
    if engine.images(None).await?.iter().any(|present| present.tag == image) {
        return Ok(image);
    }
    let started = progress.begin(image);
    match engine.pull(image).await {
        Ok(()) => {}
        Err(pulled @ EngineError::NoRegistry { .. }) => {
            progress.line(image, &format!("{pulled}: making it with mmdebstrap"));
            tools(image, &pulled, progress).await?;
            bootstrap(engine, release, progress).await?;
        }
        Err(other) => return Err(other.into()),
    }
    progress.finished(image, started.elapsed());
    Ok(image)
}

async fn bootstrap(engine: &dyn Engine, release: Release, progress: &dyn Progress) -> Result<()> {
    let (image, name) = (release.image(), release.name());
    let place = std::env::temp_dir();
    // mmdebstrap's own files too are in it: they go when it is dropped.
    let folder = tempfile::Builder::new().prefix("anycast-lab-").permissions(readable()).tempdir_in(&place);
    let folder = folder.map_err(|error| ImageError::File { path: place, error })?;
    let tarball = folder.path().join("debian.tar");

    let mut command = Command::new("mmdebstrap");
    command
        .env("TMPDIR", folder.path())
        .args(["--variant=minbase", "--format=tar"])
        .arg(format!("--keyring={KEYRING}"));
    command.args(DPKG_OPTIONS.map(|option| format!("--dpkgopt={option}")));
    command.arg("--aptopt=APT::Install-Recommends \"false\"").arg(name).arg(&tarball);
    command.arg(format!("deb http://deb.debian.org/debian {name} main"));
    command.arg(format!("deb http://deb.debian.org/debian {name}-updates main"));
    command.arg(format!("deb http://deb.debian.org/debian-security {name}-security main"));
    run(&format!("making {image}"), command, &|line| progress.line(image, line)).await?;
    Ok(engine.import(image, tarball, &format!("{LABEL}=base")).await?)
}

/// As root in a namespace of its own, mmdebstrap runs as another user.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

/// Installs mmdebstrap and Debian's keys where they are missing and that can be done.
async fn tools(image: &'static str, pulled: &EngineError, progress: &dyn Progress) -> Result<()> {
    // One installation for all releases: apt's lock refuses the second.
    let _alone = alone("apt-get").await?;
    let Some(missing) = missing() else { return Ok(()) };
    if !nix::unistd::geteuid().is_root() || !is_there("apt-get") {
        return Err(ImageError::NoBase { image, pulled: pulled.to_string(), missing });
    }
    progress
        .line(image, &format!("{missing} is missing: installing mmdebstrap and debian-archive-keyring with apt-get"));
    let what = "installing mmdebstrap";
    for arguments in
        [&["update", "-q"][..], &["install", "-qy", "--no-install-recommends", "mmdebstrap", "debian-archive-keyring"]]
    {
        let mut command = Command::new("apt-get");
        command.env("DEBIAN_FRONTEND", "noninteractive").args(arguments);
        run(what, command, &|line| progress.line(image, line)).await?;
    }
    Ok(())
}

fn missing() -> Option<&'static str> {
    let program = (!is_there("mmdebstrap")).then_some("mmdebstrap");
    program.or((!Path::new(KEYRING).exists()).then_some("Debian's archive keyring"))
}

/// Whether PATH has the program.
fn is_there(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}
