//! Paths of a scenario: in a node, and beside the scenario file. Neither can be built without its check.

use std::borrow::Borrow;
use std::fmt;
use std::fs::{File, OpenOptions};
use std::io::Read as _;
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, PermissionsExt};
use std::path::{Component, Path, PathBuf};

use nix::sys::statfs::{PROC_SUPER_MAGIC, SYSFS_MAGIC};
use serde::{Deserialize, Serialize};

/// The longest path, in bytes.
const LONGEST: usize = 1024;

/// The longest name of one file (`NAME_MAX` of Linux), in bytes.
const LONGEST_NAME: usize = 255;

/// The largest file that a scenario gives a node, in bytes.
const LARGEST: u64 = 16 << 20;

/// The file systems of the kernel: a file written there is no file of the node's.
const KERNEL: [&str; 3] = ["dev", "proc", "sys"];

/// An absolute path in a node, such as `/etc/bird/bird.conf`. It stays below any folder that it is joined to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodePath(String);

impl NodePath {
    /// The same path below a folder of the host.
    #[must_use]
    pub fn below(&self, folder: &Path) -> PathBuf {
        folder.join(self.0.trim_start_matches('/'))
    }

    /// The path as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for NodePath {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{}` is not a path in a node: {why}", text.escape_debug()));
        let Some(rest) = text.strip_prefix('/') else {
            return wrong("expected an absolute path, such as \"/etc/bird/bird.conf\"");
        };
        if text.len() > LONGEST || rest.split('/').any(|name| name.len() > LONGEST_NAME) {
            return Err(format!(
                "a path in a node is too long: expected {LONGEST} bytes at most, {LONGEST_NAME} a name"
            ));
        }
        if text.contains(char::is_control) {
            return wrong("it has a control character");
        }
        if rest.split('/').any(|name| ["", ".", ".."].contains(&name)) {
            return wrong("expected names between single `/`, without `.` and `..`");
        }
        if let Some(kernel) = KERNEL.into_iter().find(|kernel| rest.split('/').next() == Some(kernel)) {
            return wrong(&format!("/{kernel} belongs to the kernel"));
        }
        Ok(Self(text))
    }
}

impl From<NodePath> for String {
    fn from(path: NodePath) -> Self {
        path.0
    }
}

impl Borrow<str> for NodePath {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A file below the scenario's folder, such as `own-checker/checker`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Beside(String);

impl Beside {
    /// Opens the file. A symbolic link may lead to another place in the folder, and not out of it.
    ///
    /// # Errors
    /// There is no such file, it lies outside the folder, or it is no regular file of at most 16 MiB.
    pub fn open(&self, folder: &Path) -> Result<Regular, FileError> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let path = folder.join(&self.0);
        let real = |path: &Path| path.canonicalize().map_err(|error| FileError::of(path, error));
        let (root, target) = (real(folder)?, real(&path)?);
        if !target.starts_with(&root) {
            return Err(FileError::Outside { path, folder: folder.to_owned() });
        }
        // The target has no link in it: one that has come since then is not followed.
        Regular::open_with(&target, &path, nix::libc::O_NOFOLLOW)
    }
}

impl TryFrom<String> for Beside {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("a path beside the scenario is too long: expected {LONGEST} bytes at most"));
        }
        let normal = |part: Component<'_>| matches!(part, Component::Normal(name) if name.len() <= LONGEST_NAME);
        let good = !text.is_empty() && !text.contains(char::is_control) && Path::new(&text).components().all(normal);
        good.then_some(()).map(|()| Self(text.clone())).ok_or_else(|| {
            format!(
                "`{}` is not a file beside the scenario: expected a path below its folder, without `..`",
                text.escape_debug()
            )
        })
    }
}

impl From<Beside> for String {
    fn from(path: Beside) -> Self {
        path.0
    }
}

impl fmt::Display for Beside {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A regular file of bounded size, open for reading.
#[derive(Debug)]
pub struct Regular {
    file: File,
    shown: PathBuf,
    /// Permission bits, such as 0o644.
    pub mode: u32,
}

impl Regular {
    /// Opens a file that the user names: it may be anywhere.
    ///
    /// # Errors
    /// There is no such file, or it is no regular file of at most 16 MiB.
    pub fn open(path: &Path) -> Result<Self, FileError> {
        Self::open_with(path, path, 0)
    }

    fn open_with(path: &Path, shown: &Path, flags: i32) -> Result<Self, FileError> {
        // Nothing here may wait: neither for the writer of a FIFO nor for the kernel's log.
        let flags = flags | nix::libc::O_NONBLOCK | nix::libc::O_NOCTTY;
        let what = std::fs::metadata(path).map_err(|error| FileError::of(shown, error))?;
        is_regular(&what, shown)?;
        let file = OpenOptions::new().read(true).custom_flags(flags).open(path);
        let file = file.map_err(|error| FileError::of(shown, error))?;
        let what = file.metadata().map_err(|error| FileError::of(shown, error))?;
        is_regular(&what, shown)?;
        // A file of /proc may say that it is a regular one, and its contents may have no end.
        let system = nix::sys::statfs::fstatfs(&file).map_err(|error| FileError::of(shown, error.into()))?;
        if [PROC_SUPER_MAGIC, SYSFS_MAGIC].contains(&system.filesystem_type()) {
            return Err(FileError::NotRegular { path: shown.to_owned(), found: "a file of the kernel's" });
        }
        if what.len() > LARGEST {
            return Err(FileError::Large { path: shown.to_owned() });
        }
        Ok(Self { file, shown: shown.to_owned(), mode: what.permissions().mode() & 0o777 })
    }

    /// Reads all of it.
    ///
    /// # Errors
    /// It cannot be read, or has grown beyond 16 MiB.
    pub fn read(self) -> Result<Vec<u8>, FileError> {
        let mut content = Vec::new();
        let read = self.file.take(LARGEST + 1).read_to_end(&mut content);
        read.map_err(|error| FileError::of(&self.shown, error))?;
        if content.len() as u64 > LARGEST { Err(FileError::Large { path: self.shown }) } else { Ok(content) }
    }
}

fn is_regular(what: &std::fs::Metadata, path: &Path) -> Result<(), FileError> {
    let kind = what.file_type();
    let found = match () {
        () if kind.is_file() => return Ok(()),
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a FIFO",
        () if kind.is_socket() => "a socket",
        () => "a device",
    };
    Err(FileError::NotRegular { path: path.to_owned(), found })
}

/// Why a file cannot be taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// It is not there.
    #[error("there is no file {}", .0.display())]
    Missing(PathBuf),
    /// It cannot be read.
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A symbolic link leads out of the folder.
    #[error("{} leads out of the scenario's folder {}: expected a file in it", path.display(), folder.display())]
    Outside {
        /// The file, as it was named.
        path: PathBuf,
        /// The folder.
        folder: PathBuf,
    },
    /// It is something else.
    #[error("{} is {found}: expected a regular file", path.display())]
    NotRegular {
        /// The file.
        path: PathBuf,
        /// What it is.
        found: &'static str,
    },
    /// It is too large.
    #[error("{} is too large: expected 16 MiB at most", path.display())]
    Large {
        /// The file.
        path: PathBuf,
    },
}

impl FileError {
    fn of(path: &Path, source: std::io::Error) -> Self {
        match source.kind() {
            std::io::ErrorKind::NotFound => Self::Missing(path.to_owned()),
            _ => Self::Unreadable { path: path.to_owned(), source },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::time::{Duration, Instant};

    use super::*;

    fn node(text: &str) -> Result<NodePath, String> {
        text.to_owned().try_into()
    }

    fn beside(text: &str) -> Result<Beside, String> {
        text.to_owned().try_into()
    }

    #[test]
    fn a_path_in_a_node_cannot_leave_the_folder_that_it_is_joined_to() {
        for good in ["/a", "/etc/bird/bird.conf", "/usr/local/bin/my checker", "/procfs", "/etc/..data", "/ä"] {
            assert_eq!(node(good).map(|path| path.below(Path::new("/run"))), Ok(PathBuf::from(format!("/run{good}"))));
        }
        let long = format!("/{}", "a".repeat(256));
        let deep = "/abc".repeat(300);
        for bad in [
            "",
            "/",
            "a",
            "./a",
            "../a",
            "/..",
            "/../a",
            "/a/../b",
            "/a/..",
            "/a//b",
            "//a",
            "/a/",
            "/./a",
            "/a\0",
            "/a\nb",
            "/proc/1/mem",
            "/sys/a",
            "/dev/log",
            "/proc",
            &long,
            &deep,
        ] {
            assert!(node(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_file_beside_the_scenario_is_named_from_its_folder_down() {
        for good in ["a", "a/b.conf.j2", "my file", "-a", "..a", "a/./b"] {
            assert!(beside(good).is_ok(), "{good:?}");
        }
        for bad in ["", "/etc/passwd", "../a", "a/../b", "a/..", "..", "a\0b", "a\nb"] {
            assert!(beside(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_link_that_leaves_the_folder_is_refused_and_one_that_stays_is_not() {
        let outer = tempfile::tempdir().expect("a folder");
        let folder = outer.path().join("scenarios");
        fs::create_dir_all(folder.join("sub")).expect("a folder");
        fs::write(outer.path().join("secret"), "x").expect("a file");
        fs::write(folder.join("own"), "own").expect("a file");
        symlink("../own", folder.join("sub/inside")).expect("a link");
        symlink(outer.path().join("secret"), folder.join("outside")).expect("a link");
        symlink(outer.path(), folder.join("up")).expect("a link");
        symlink("loop", folder.join("loop")).expect("a link");
        let open = |name: &str| beside(name).expect("a name").open(&folder);
        assert_eq!(open("sub/inside").and_then(Regular::read).expect("own"), b"own");
        for name in ["outside", "up/secret"] {
            assert!(matches!(open(name), Err(FileError::Outside { .. })), "{name}: {:?}", open(name));
        }
        assert!(matches!(open("loop"), Err(FileError::Unreadable { .. })));
        assert!(matches!(open("nothing"), Err(FileError::Missing(_))));
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        nix::unistd::mkfifo(&at("fifo"), nix::sys::stat::Mode::S_IRUSR).expect("a FIFO");
        fs::create_dir(at("folder")).expect("a folder");
        File::create(at("large")).and_then(|file| file.set_len(LARGEST + 1)).expect("a file");
        let began = Instant::now();
        for name in ["fifo", "folder", "large"] {
            assert!(beside(name).expect("a name").open(folder.path()).is_err(), "{name}");
        }
        // The kernel's log says that it is a regular file, and a read of it waits for the next message.
        for path in ["/dev/zero", "/dev/null", "/proc/kmsg", "/proc/uptime", "/sys/kernel/uevent_seqnum"] {
            assert!(Regular::open(Path::new(path)).is_err(), "{path}");
        }
        assert!(began.elapsed() < Duration::from_secs(2));
    }
}
