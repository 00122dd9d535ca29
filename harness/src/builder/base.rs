//! Debian's own images: present, or pulled, or made with mmdebstrap under the same name.

use std::path::Path;

use tokio::process::Command;

use super::build::Progress;
use super::lock::HostLock;
use super::run::run;
use super::tools::Tools;
use super::{ImageError, Result};
use crate::engine::{Engine, EngineError};
use crate::image::{LABEL, Mirror, Release};

/// What an image does without, now and when packages are installed later.
const EXCLUDED: [&str; 4] = ["/usr/share/doc/*", "/usr/share/info/*", "/usr/share/locale/*", "/usr/share/man/*"];

/// Makes sure that the release's own image is there, and gives its identifier.
///
/// # Errors
/// When it can neither be pulled nor made.
pub async fn ensure_debian(engine: &dyn Engine, release: Release, progress: &dyn Progress) -> Result<String> {
    let image = release.image();
    let _lock = HostLock::acquire(image, &|line| progress.line(image, line)).await?;
    if let Some(id) = find(engine, image).await? {
        return Ok(id);
    }
    let started = progress.begin(image);
    match engine.pull(image).await {
        Ok(()) => {}
        Err(pulled @ EngineError::NoRegistry { .. }) => {
            progress.line(image, &format!("{pulled}: making it with mmdebstrap"));
            let tools = Tools::get(image, &pulled.to_string(), progress).await?;
            bootstrap(engine, release, &tools, progress).await?;
        }
        Err(other) => return Err(other.into()),
    }
    progress.finished(image, started.elapsed());
    let lost = || EngineError::Refused {
        thing: format!("image {image}"),
        step: "find it",
        said: "it is not there, though it was pulled or imported just now".to_owned(),
    };
    Ok(find(engine, image).await?.ok_or_else(lost)?)
}

async fn find(engine: &dyn Engine, image: &str) -> Result<Option<String>> {
    let images = engine.images(None).await?;
    Ok(images.into_iter().find(|present| present.tag == image).map(|present| present.id))
}

async fn bootstrap(engine: &dyn Engine, release: Release, tools: &Tools, progress: &dyn Progress) -> Result<()> {
    let image = release.image();
    let place = std::env::temp_dir();
    // mmdebstrap's own files too are in it: they go when it is dropped.
    let folder = tempfile::Builder::new().prefix("anycast-lab-").permissions(readable()).tempdir_in(&place);
    let folder = folder.map_err(|error| ImageError::File { path: place, error })?;
    // In a namespace of its own, mmdebstrap is another user, who cannot read our cache.
    let keyring = folder.path().join("keyring.gpg");
    std::fs::copy(&tools.keyring, &keyring).map_err(|error| ImageError::File { path: tools.keyring.clone(), error })?;
    let tarball = folder.path().join("debian.tar");

    let mirror = match mirror()? {
        Some(mirror) => Some(mirror),
        None => host_mirror().await,
    };
    let mut command = tools.mmdebstrap();
    command.env("TMPDIR", folder.path());
    command.args(arguments(release, &keyring, &tarball, mirror.as_ref()));
    run(&format!("making {image}"), command, &|line| progress.line(image, line)).await?;
    Ok(engine.import(image, tarball, &format!("{LABEL}=base")).await?)
}

/// Reads the mirror from the variable ANYCAST_LAB_DEBIAN_MIRROR; `None` when it is not set or empty.
pub(super) fn mirror() -> Result<Option<Mirror>> {
    match std::env::var("ANYCAST_LAB_DEBIAN_MIRROR") {
        Ok(text) if !text.is_empty() => Ok(Some(Mirror::parse(&text)?)),
        _ => Ok(None),
    }
}

/// mmdebstrap's arguments. Without a mirror it takes its own defaults.
fn arguments(release: Release, keyring: &Path, tarball: &Path, mirror: Option<&Mirror>) -> Vec<String> {
    let rules: String = EXCLUDED.map(|path| format!("path-exclude={path}\\n")).concat();
    let mut arguments = vec![
        "--variant=minbase".to_owned(),
        "--format=tar".to_owned(),
        format!("--keyring={}", keyring.display()),
        // Spares an fsync(2) a file: a half-written image is thrown away whole.
        "--dpkgopt=force-unsafe-io".to_owned(),
        "--aptopt=APT::Install-Recommends \"false\"".to_owned(),
        // Not by --dpkgopt: mmdebstrap would filter with a Python program, which the host may not have.
        format!(
            "--setup-hook=mkdir -p \"$1/etc/dpkg/dpkg.cfg.d\" && printf '{rules}' > \"$1/etc/dpkg/dpkg.cfg.d/excluded\""
        ),
        format!("--customize-hook=cd \"$1\" && rm -rf {}", EXCLUDED.map(|path| format!(".{path}")).join(" ")),
        release.name().to_owned(),
        tarball.display().to_string(),
    ];
    arguments.extend(mirror.into_iter().flat_map(|mirror| mirror.sources(release)));
    arguments
}

/// Returns the mirror that a Debian host's apt is set up for; `None` on another host, or when it takes no plain HTTP.
async fn host_mirror() -> Option<Mirror> {
    let mut command = Command::new("apt-get");
    command.args(["indextargets", "--format", "$(LABEL) $(REPO_URI)", "Created-By: Packages", "Origin: Debian"]);
    let output = command.stdin(std::process::Stdio::null()).output().await.ok()?;
    mirror_of(&String::from_utf8_lossy(&output.stdout))
}

/// Reads lines of an archive's label and its address.
fn mirror_of(text: &str) -> Option<Mirror> {
    let address = |wanted: &str| {
        let mut lines = text.lines().filter_map(|line| line.split_once(' '));
        lines.find(|(label, address)| *label == wanted && address.starts_with("http://")).map(|(_, address)| address)
    };
    Some(Mirror::of_host(address("Debian")?, address("Debian-Security")?))
}

/// As root in a namespace of its own, mmdebstrap runs as another user.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o755)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_debian_hosts_mirror_is_taken() {
        let mirror = mirror_of("Debian http://a.test/debian/\nDebian-Security http://b.test/security/\n").unwrap();
        assert_eq!(mirror.sources(Release::Trixie)[2], "deb http://b.test/security trixie-security main");
        assert_eq!(mirror_of("Debian https://a.test/debian/\nDebian-Security http://b.test/security/\n"), None);
        assert_eq!(mirror_of("Debian http://a.test/debian/\n"), None);
        assert_eq!(mirror_of(""), None);
    }

    #[test]
    fn without_a_mirror_mmdebstrap_chooses() {
        let arguments = |mirror| arguments(Release::Bookworm, Path::new("/keys"), Path::new("/tar"), mirror);
        assert_eq!(arguments(None)[7..], ["bookworm", "/tar"]);
        let mirror = Mirror::parse("http://a.test/debian").unwrap();
        assert_eq!(arguments(Some(&mirror))[9..], mirror.sources(Release::Bookworm));
    }
}
