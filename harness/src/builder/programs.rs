//! Our own programs that run inside nodes: the probe and the watchdog, static, for this host's processor.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use tokio::process::Command;
use tokio::sync::OnceCell;

use super::build::Progress;
use super::run::run;
use super::{ImageError, Result, elf};
use crate::image::catalog;

/// The variable that names a folder with all programs.
const VARIABLE: &str = "ANYCAST_LAB_PROGRAMS";

/// Beginnings of cargo's variables that would change what is built, or where it goes. Under `cargo test` some are set.
const CHANGES_THE_BUILD: [&str; 5] =
    ["CARGO_BUILD_", "CARGO_ENCODED_RUSTFLAGS", "CARGO_PROFILE_", "CARGO_TARGET_", "RUSTC_WORKSPACE_WRAPPER"];

/// The programs' contents, by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Programs(BTreeMap<&'static str, Vec<u8>>);

impl Programs {
    /// The programs of this process: found, and in a checkout built, once.
    ///
    /// # Errors
    /// One that is missing, cannot be built, or is not static.
    pub async fn get(progress: &dyn Progress) -> Result<&'static Self> {
        static PROGRAMS: OnceCell<Programs> = OnceCell::const_new();
        PROGRAMS.get_or_try_init(|| Self::find(progress)).await
    }

    /// Programs that a test brings, by name.
    #[must_use]
    pub fn of(programs: &[(&'static str, &[u8])]) -> Self {
        Self(programs.iter().map(|(name, contents)| (*name, contents.to_vec())).collect())
    }

    /// The program's contents; none of one that is not in the catalog.
    #[must_use]
    pub fn contents(&self, name: &str) -> &[u8] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    async fn find(progress: &dyn Progress) -> Result<Self> {
        if let Some(folder) = std::env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) {
            let folder = PathBuf::from(folder);
            return Self::read(&[(folder.clone(), format!("{} ({VARIABLE})", folder.display()))]);
        }
        let checkout = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap_or(Path::new("/"));
        if checkout.join("harness/probe/Cargo.toml").exists() {
            let folder = compile(checkout, progress).await?;
            return Self::read(&[(folder.clone(), folder.display().to_string())]);
        }
        let beside = std::env::current_exe().ok().and_then(|program| Some(program.parent()?.to_owned()));
        let beside = beside.map(|folder| (folder.clone(), format!("{} (beside this program)", folder.display())));
        Self::read(&beside.into_iter().collect::<Vec<_>>()).map_err(|error| match error {
            ImageError::NoProgram { name, mut looked } => {
                looked.insert(0, format!("{VARIABLE} (not set)"));
                looked.push(format!("a checkout at {} (not there)", checkout.display()));
                ImageError::NoProgram { name, looked }
            }
            other => other,
        })
    }

    /// Reads all of them from the folders, given with words for them.
    fn read(folders: &[(PathBuf, String)]) -> Result<Self> {
        let mut programs = BTreeMap::new();
        for name in catalog::parts().iter().filter_map(|part| part.program) {
            let places = folders.iter().map(|(folder, _)| folder.join(name));
            let Some(path) = places.into_iter().find(|path| path.is_file()) else {
                return Err(ImageError::NoProgram {
                    name,
                    looked: folders.iter().map(|(_, words)| words.clone()).collect(),
                });
            };
            let contents = std::fs::read(&path).map_err(|error| ImageError::File { path: path.clone(), error })?;
            elf::check_static(&contents).map_err(|problem| ImageError::BadProgram { path, problem })?;
            programs.insert(name, contents);
        }
        Ok(Self(programs))
    }
}

/// Builds the programs of a checkout; cargo does nothing when they are up to date, and lets one build at a time.
async fn compile(checkout: &Path, progress: &dyn Progress) -> Result<PathBuf> {
    const WHAT: &str = "the lab's own programs";
    let started = progress.begin(WHAT);
    let target = format!("{}-unknown-linux-gnu", std::env::consts::ARCH);
    let folder = checkout.join("target/programs");
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if CHANGES_THE_BUILD.iter().any(|prefix| name.starts_with(prefix)) {
            command.env_remove(name);
        }
    }
    command.current_dir(checkout).env("RUSTFLAGS", "-C target-feature=+crt-static");
    command.args(["build", "--profile", "programs", "--target", &target, "--target-dir"]).arg(&folder);
    for program in catalog::parts().iter().filter_map(|part| part.program) {
        command.args(["--package", program]);
    }
    run("building the lab's own programs", command, &|line| {
        progress.line(WHAT, line);
    })
    .await?;
    progress.finished(WHAT, started.elapsed());
    Ok(folder.join(target).join("programs"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_dynamic_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let folders = [(folder.path().to_owned(), "the test's folder".to_owned())];
        let error = Programs::read(&folders).unwrap_err();
        assert_eq!(error.to_string(), "cannot find the program anycast-hickory: looked for the test's folder");
        std::fs::write(folder.path().join("anycast-hickory"), "#!/bin/sh").unwrap();
        let error = Programs::read(&folders).unwrap_err();
        assert!(error.to_string().contains("anycast-hickory cannot run inside a node: it is not a 64-bit"), "{error}");
        assert!(error.hint().unwrap().contains("crt-static"));
    }
}
