//! mmdebstrap and Debian's keys: the host's, or fetched with apt into the user's cache and run from there.
//!
//! Nothing is installed: packages are downloaded and unpacked, as any user, and no file of the system changes.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::build::Progress;
use super::lock::HostLock;
use super::run::run;
use super::{ImageError, Result, cache};

/// What is fetched, and what of it the host may have already.
const PACKAGES: [&str; 2] = ["mmdebstrap", "debian-archive-keyring"];

/// Debian's keys, in a root file system.
const KEYRING: &str = "usr/share/keyrings/debian-archive-keyring.gpg";

/// Where mmdebstrap is, with the keys by which it knows Debian's archive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tools {
    /// The root file system that has mmdebstrap: `/`, or our cache.
    program: PathBuf,
    /// The file with the keys.
    pub(super) keyring: PathBuf,
}

impl Tools {
    /// Finds the tools, or fetches what the host does not have. `image` is what they are for.
    ///
    /// # Errors
    /// [`ImageError::NoBase`] with what is missing when this host has no apt, or apt cannot fetch them.
    pub(super) async fn get(image: &'static str, pulled: &str, progress: &dyn Progress) -> Result<Self> {
        let no_base = |missing: String| ImageError::NoBase { image, pulled: pulled.to_owned(), missing };
        if let Some(missing) = missing_for_this_user() {
            return Err(no_base(missing));
        }
        let say = |line: &str| progress.line(image, line);
        // One download for all releases.
        let _lock = HostLock::acquire("tools", &say).await?;
        let cache = cache::folder("tools")?;
        if let Some(tools) = Self::find(on_path("mmdebstrap").is_some(), Path::new("/"), &cache) {
            return Ok(tools);
        }
        for program in ["apt-get", "dpkg-deb"] {
            if on_path(program).is_none() {
                return Err(no_base(format!("mmdebstrap is missing, and so is {program}, which could fetch it")));
            }
        }
        say(&format!("fetching mmdebstrap with apt-get into {}; nothing is installed", cache.display()));
        fetch(&cache, &say).await.map_err(|error| no_base(format!("mmdebstrap is missing, and {error}")))?;
        Self::find(false, Path::new("/"), &cache)
            .ok_or_else(|| no_base(format!("the packages that apt-get brought to {} lack it", cache.display())))
    }

    /// Looks for the program on the host, if it is there, and in the cache.
    fn find(installed: bool, host: &Path, cache: &Path) -> Option<Self> {
        let program =
            if installed { host } else { Some(cache).filter(|cache| cache.join("usr/bin/mmdebstrap").is_file())? };
        let keyring = [host, cache].map(|root| root.join(KEYRING)).into_iter().find(|path| path.is_file())?;
        Some(Self { program: program.to_owned(), keyring })
    }

    /// Returns the command that runs mmdebstrap.
    pub(super) fn mmdebstrap(&self) -> Command {
        let mut command = Command::new("mmdebstrap");
        if self.program != Path::new("/") {
            command = Command::new(self.program.join("usr/bin/mmdebstrap"));
            let search = std::env::var_os("PATH").unwrap_or_default();
            let folders = [self.program.join("usr/bin"), self.program.join("usr/sbin")];
            command.env("PATH", joined(folders.into_iter().chain(std::env::split_paths(&search))));
            command.env("PERL5LIB", joined(perl_folders(&self.program)));
        }
        command
    }
}

/// Folders of Perl modules below the root: the version and the architecture are in their names.
fn perl_folders(root: &Path) -> Vec<PathBuf> {
    let children = |folder: PathBuf| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
        entries.map(|entry| entry.path()).filter(|path| path.is_dir()).collect()
    };
    let mut folders = vec![root.join("usr/share/perl5")];
    folders.extend(children(root.join("usr/share/perl")));
    for architecture in children(root.join("usr/lib")) {
        folders.extend(children(architecture.join("perl5")));
        folders.extend(children(architecture.join("perl")));
    }
    folders.retain(|folder| folder.is_dir());
    folders
}

fn joined(folders: impl IntoIterator<Item = PathBuf>) -> OsString {
    // A folder with a colon in its name cannot be searched: then the host's own are.
    std::env::join_paths(folders).unwrap_or_default()
}

/// Downloads the packages, with what they depend on and the host does not have, and unpacks them.
async fn fetch(cache: &Path, say: &(dyn Fn(&str) + Sync)) -> Result<()> {
    let failed = |error| ImageError::File { path: cache.to_owned(), error };
    let work = tempfile::tempdir_in(cache).map_err(failed)?;
    let (lists, archives) = (work.path().join("lists"), work.path().join("archives"));
    for folder in [&lists, &archives] {
        std::fs::create_dir_all(folder.join("partial")).map_err(failed)?;
    }
    // With the host's lists of packages, as far as it has some that are not too old; else with lists of our own.
    if download(&archives, None, say).await.is_err() {
        let what = "reading the lists of packages";
        run(what, apt(&archives, Some(&lists), &["update", "-q"]), say).await?;
        download(&archives, Some(&lists), say).await?;
    }
    let entries = std::fs::read_dir(&archives).map_err(failed)?.flatten().map(|entry| entry.path());
    // Whole or not at all: the program comes last into its place.
    let unpacked = work.path().join("root");
    for package in entries.filter(|path| path.extension().is_some_and(|end| end == "deb")) {
        let mut command = Command::new("dpkg-deb");
        command.arg("-x").arg(&package).arg(&unpacked);
        run("unpacking a package", command, say).await?;
    }
    for folder in ["etc", "lib", "bin", "sbin", "usr"] {
        let (from, to) = (unpacked.join(folder), cache.join(folder));
        if from.exists() {
            std::fs::remove_dir_all(&to).or_else(absent).map_err(failed)?;
            std::fs::rename(from, to).map_err(failed)?;
        }
    }
    Ok(())
}

fn absent(error: std::io::Error) -> std::io::Result<()> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

async fn download(archives: &Path, lists: Option<&Path>, say: &(dyn Fn(&str) + Sync)) -> Result<()> {
    // `--reinstall`: also what the host has half, such as the program without the keys.
    let mut arguments = vec!["install", "--download-only", "--reinstall", "-qy", "--no-install-recommends"];
    arguments.extend(PACKAGES);
    run("downloading mmdebstrap", apt(archives, lists, &arguments), say).await
}

/// Returns apt-get with all that it writes in our folders.
fn apt(archives: &Path, lists: Option<&Path>, arguments: &[&str]) -> Command {
    let mut command = Command::new("apt-get");
    let mut set = |name: &str, value: &std::ffi::OsStr| {
        let mut option = OsString::from(format!("-o{name}="));
        option.push(value);
        command.arg(option);
    };
    set("Dir::Cache::archives", archives.as_os_str());
    // No index of packages is written into the host's cache.
    set("Dir::Cache::pkgcache", "".as_ref());
    set("Dir::Cache::srcpkgcache", "".as_ref());
    // Root's lock on installing is not ours, and apt's own user cannot write to our folders.
    set("Debug::NoLocking", "1".as_ref());
    set("APT::Sandbox::User", "".as_ref());
    set("APT::Update::Post-Invoke-Success::", "true".as_ref());
    if let Some(lists) = lists {
        set("Dir::State::lists", lists.as_os_str());
    }
    command.env("DEBIAN_FRONTEND", "noninteractive").env("LC_ALL", "C").args(arguments);
    command
}

/// Says what mmdebstrap lacks to make a root file system as this user; `None` when it lacks nothing.
fn missing_for_this_user() -> Option<String> {
    let user = nix::unistd::User::from_uid(nix::unistd::geteuid()).ok().flatten().map(|user| user.name);
    let subordinates = ["/etc/subuid", "/etc/subgid"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let has_range = |text: &String| text.lines().any(|line| line.split(':').next() == user.as_deref());
    lacks(
        nix::unistd::geteuid().is_root(),
        on_path("newuidmap").is_some(),
        subordinates.iter().all(has_range),
        on_path("fakechroot").is_some() && on_path("fakeroot").is_some(),
    )
}

#[expect(clippy::fn_params_excessive_bools, reason = "four facts of a host, named at the one call")]
fn lacks(is_root: bool, newuidmap: bool, range: bool, fakechroot: bool) -> Option<String> {
    let missing = match (newuidmap, range) {
        _ if is_root || fakechroot => return None,
        (true, true) => return None,
        (false, true) => "newuidmap (package uidmap)",
        (true, false) => "a range of user ids for this user in /etc/subuid and /etc/subgid",
        (false, false) => {
            "newuidmap (package uidmap) and a range of user ids for this user in /etc/subuid and /etc/subgid"
        }
    };
    Some(format!("without root it needs {missing}, or fakechroot and fakeroot"))
}

/// Where PATH has the program.
fn on_path(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).map(|folder| folder.join(program)).find(|path| path.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn root(files: &[&str]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for file in files {
            let path = root.path().join(file);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, "").unwrap();
        }
        root
    }

    #[test]
    fn the_hosts_own_tools_come_first() {
        let cache =
            root(&["usr/bin/mmdebstrap", KEYRING, "usr/share/perl5/Some.pm", "usr/lib/x-linux-gnu/perl/5.36/IO.pm"]);
        let (whole, none) = (root(&[KEYRING]), root(&[]));
        let find = |installed, host: &tempfile::TempDir, cache: &tempfile::TempDir| {
            Tools::find(installed, host.path(), cache.path())
        };
        let of = |program: &tempfile::TempDir, keys: &tempfile::TempDir| {
            Some(Tools { program: program.path().to_owned(), keyring: keys.path().join(KEYRING) })
        };
        assert_eq!(find(true, &whole, &cache), of(&whole, &whole));
        assert_eq!(find(false, &whole, &cache), of(&cache, &whole));
        assert_eq!(find(true, &none, &cache), of(&none, &cache));
        assert_eq!(find(false, &none, &none), None);
        assert_eq!(find(true, &none, &none), None, "without keys nothing can be trusted");
        let command = find(false, &none, &cache).unwrap().mmdebstrap();
        let command = command.as_std();
        assert_eq!(command.get_program(), cache.path().join("usr/bin/mmdebstrap"));
        let perl = command.get_envs().find(|(name, _)| *name == "PERL5LIB").unwrap().1.unwrap();
        let perl: Vec<_> = std::env::split_paths(perl).collect();
        assert_eq!(perl, ["usr/share/perl5", "usr/lib/x-linux-gnu/perl/5.36"].map(|end| cache.path().join(end)));
    }

    #[test]
    fn nothing_is_written_outside_our_folders() {
        let command = apt(Path::new("/ours/archives"), Some(Path::new("/ours/lists")), &["update"]);
        let line = format!("{:?}", command.as_std());
        for option in
            ["Dir::Cache::archives=/ours/archives", "Dir::State::lists=/ours/lists", "Dir::Cache::pkgcache=\""]
        {
            assert!(line.contains(option), "{line}");
        }
    }

    #[test]
    fn a_user_without_root_is_told_what_is_missing() {
        assert_eq!(lacks(true, false, false, false), None);
        assert_eq!(lacks(false, true, true, false), None);
        assert_eq!(lacks(false, false, false, true), None);
        assert!(lacks(false, false, true, false).unwrap().contains("package uidmap"));
        assert!(lacks(false, true, false, false).unwrap().contains("/etc/subuid"));
    }
}
