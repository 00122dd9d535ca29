//! The limit of open files (getrlimit(2), RLIMIT_NOFILE). Each query has a socket of its own, and a container may have a soft limit
//! of 1024 files: the probe raises its own limit. Its children start with the limit that the container had, as an operator's
//! daemons do.

use std::io;
use std::sync::{OnceLock, PoisonError, RwLock, RwLockReadGuard};

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// The container's own limits, soft and hard; set once by [`raise`].
static CONTAINER: OnceLock<(u64, u64)> = OnceLock::new();
/// Written while a child starts, under the container's limit; read by whoever opens a file descriptor meanwhile.
static LIMIT: RwLock<()> = RwLock::new(());

/// Raises the limit of this process to the hard limit.
pub(crate) fn raise() -> io::Result<()> {
    let (soft, hard) = getrlimit(Resource::RLIMIT_NOFILE)?;
    CONTAINER.get_or_init(|| (soft, hard));
    Ok(setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?)
}

/// Waits until no child is starting. Hold the guard while a file descriptor is opened, and not longer.
pub(crate) fn opening() -> RwLockReadGuard<'static, ()> {
    LIMIT.read().unwrap_or_else(PoisonError::into_inner)
}

/// Calls `spawn` under the container's limit, which the child inherits.
pub(crate) fn for_child<T>(spawn: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    let Some(&(soft, hard)) = CONTAINER.get() else { return spawn() };
    let _alone = LIMIT.write().unwrap_or_else(PoisonError::into_inner);
    setrlimit(Resource::RLIMIT_NOFILE, soft, hard)?;
    let spawned = spawn();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard)?;
    spawned
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_child_has_the_limit_of_the_container_and_the_probe_the_hard_one() {
        // Other tests of this process open files: a limit that differs is enough.
        let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        let container = hard - 1;
        setrlimit(Resource::RLIMIT_NOFILE, container, hard).unwrap();
        raise().unwrap();
        let limit = for_child(|| Command::new("sh").args(["-c", "ulimit -Sn"]).output()).unwrap();
        assert_eq!(String::from_utf8(limit.stdout).unwrap().trim(), container.to_string());
        assert_eq!(getrlimit(Resource::RLIMIT_NOFILE).unwrap(), (hard, hard));
    }
}
