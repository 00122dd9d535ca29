//! One at a time on this host: two runs that start together make each image once, and apt-get is called by one of them.

use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::time::Duration;

use super::{ImageError, Result};
use crate::wait::pause;

/// How often to look whether it is our turn. Making an image takes seconds.
const LOOK: Duration = Duration::from_millis(50);

/// The only one who does this, until it is dropped or its process ends, however it ends.
#[derive(Debug)]
pub(super) struct Alone(#[expect(dead_code, reason = "it is held, not read")] UnixListener);

/// Waits until nobody else on this host does `what`.
///
/// A socket's abstract name (unix(7)) has one owner, leaves no file behind, and is free again when its process dies.
pub(super) async fn alone(what: &str) -> Result<Alone> {
    let name = format!("anycast-lab/{what}");
    let failed = |error| ImageError::File { path: format!("@{name}").into(), error };
    let address = SocketAddr::from_abstract_name(&name).map_err(failed)?;
    loop {
        match UnixListener::bind_addr(&address) {
            Ok(socket) => return Ok(Alone(socket)),
            Err(error) if error.kind() == ErrorKind::AddrInUse => pause(LOOK).await,
            Err(error) => return Err(failed(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn the_second_waits_for_the_first_and_no_other() {
        let what = format!("a test of {}", std::process::id());
        let first = alone(&what).await.unwrap();
        alone(&format!("another {what}")).await.unwrap();
        assert!(timeout(LOOK * 3, alone(&what)).await.is_err(), "it is taken");
        drop(first);
        alone(&what).await.unwrap();
    }
}
