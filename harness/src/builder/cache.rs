//! The user's own folder for what outlives a run: fetched tools and lock files.

use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use super::{ImageError, Result};

/// Returns the folder `name` in the user's cache, made if missing: `$XDG_CACHE_HOME/anycast-lab/NAME`, else
/// `~/.cache/anycast-lab/NAME`, else a folder of this user in the system's folder for temporary files.
///
/// # Errors
/// When it cannot be made, or belongs to another user, who could put programs there for us to run.
pub(super) fn folder(name: &str) -> Result<PathBuf> {
    let variable = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let cache = variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    let cache = cache.map(|cache| cache.join("anycast-lab"));
    let user = nix::unistd::geteuid();
    let temporary = std::env::temp_dir().join(format!("anycast-lab-{user}"));
    match cache.map(|cache| make(&cache, name)) {
        Some(Ok(folder)) => Ok(folder),
        // Accounts without a home of their own, such as those of services.
        Some(Err(_)) | None => make(&temporary, name),
    }
}

fn make(parent: &Path, name: &str) -> Result<PathBuf> {
    let folder = parent.join(name);
    let failed = |error| ImageError::File { path: folder.clone(), error };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(&folder).map_err(failed)?;
    for place in [parent, &folder] {
        let owner = std::fs::symlink_metadata(place).map_err(failed)?.uid();
        let user = nix::unistd::geteuid().as_raw();
        if owner != user {
            let words = format!("it belongs to user {owner}, expected {user}");
            return Err(ImageError::File { path: place.to_owned(), error: std::io::Error::other(words) });
        }
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_private_and_made_once() {
        let parent = tempfile::tempdir().unwrap();
        let cache = parent.path().join("anycast-lab");
        let folder = make(&cache, "tools").unwrap();
        assert_eq!(make(&cache, "tools").unwrap(), folder);
        assert_eq!(std::fs::metadata(&folder).unwrap().mode() & 0o777, 0o700);
    }

    #[test]
    fn a_folder_of_another_user_is_refused() {
        // In /proc nothing of process 1 is ours, unless we are root: then a folder that we give away is another's.
        let parent = tempfile::tempdir().unwrap();
        let other = if nix::unistd::geteuid().is_root() {
            std::os::unix::fs::chown(parent.path(), Some(65534), None).unwrap();
            parent.path().to_owned()
        } else {
            std::env::temp_dir()
        };
        let error = make(&other, "anycast-lab-test-of-owners").unwrap_err().to_string();
        assert!(error.contains("it belongs to user"), "{error}");
        std::fs::remove_dir(other.join("anycast-lab-test-of-owners")).ok();
    }
}
