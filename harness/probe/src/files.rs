//! Files of the node.

use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context as _, ensure};
use protocol::File;

/// Writes a file, in place: Docker mounts some, such as /etc/resolv.conf, and a mount cannot be renamed over.
pub(crate) fn write(file: &File) -> anyhow::Result<()> {
    let path = Path::new(&file.path);
    ensure!(path.is_absolute(), "file `{}`: expected an absolute path", file.path);
    try_write(path, file).with_context(|| format!("could not write {}", file.path))
}

fn try_write(path: &Path, file: &File) -> std::io::Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent)?;
    }
    let mut out = OpenOptions::new().write(true).create(true).truncate(true).mode(file.mode).open(path)?;
    // The mode given to open(2) is masked, and is not applied to a file that is there.
    out.set_permissions(Permissions::from_mode(file.mode))?;
    out.write_all(&file.content.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parents_are_made_and_the_mode_is_set() {
        let folder = std::env::temp_dir().join(format!("anycast-lab-probe-{}", std::process::id()));
        let path = folder.join("a/b");
        for (mode, content) in [(0o755, "first, and longer"), (0o640, "second")] {
            write(&File { path: path.display().to_string(), mode, content: content.into() }).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, mode);
        }
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_relative_path_is_refused() {
        let error = write(&File { path: "etc/x".into(), mode: 0o644, content: "".into() }).unwrap_err();
        assert_eq!(error.to_string(), "file `etc/x`: expected an absolute path");
    }
}
