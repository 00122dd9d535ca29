//! Finding the engine, and agreeing on a version of its API.

use std::io::{self, ErrorKind};
use std::time::Duration;

use bollard::errors::Error;
use bollard::{API_DEFAULT_VERSION, Docker as Api};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;

use super::super::error::Unreachable;
use super::{About, Docker, EngineError, Flavour, Result, words};

const DEFAULT: &str = "unix:///var/run/docker.sock";

/// How long an engine may take for one answer's head, in seconds: an import or a removal on a busy machine is slow.
const PATIENCE: u64 = 600;

/// What came before has other networks.
const OLDEST_PODMAN: (u32, u32) = (4, 3);

/// How long a connection may take.
const REACH: Duration = Duration::from_secs(5);

impl Docker {
    /// The engine that `DOCKER_HOST` names, or that of this host.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] when nothing answers there.
    pub async fn connect() -> Result<Self> {
        let host = std::env::var("DOCKER_HOST").ok().filter(|host| !host.is_empty());
        Self::connect_to(host.as_deref().unwrap_or(DEFAULT)).await
    }

    /// The engine at `unix:///PATH` or `tcp://HOST:PORT`.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] when nothing answers there.
    pub async fn connect_to(at: &str) -> Result<Self> {
        let unreachable = |why| EngineError::Unreachable { at: at.to_owned(), why };
        let stranger = |error: Error| unreachable(Unreachable::Stranger(words(&error)));
        knock(at).await.map_err(unreachable)?;
        let api = match at.strip_prefix("unix://") {
            Some(path) => Api::connect_with_unix(path, PATIENCE, API_DEFAULT_VERSION),
            None => Api::connect_with_http(at, PATIENCE, API_DEFAULT_VERSION),
        };
        // An old engine refuses a version it does not know. bollard 0.21 asks for the version, and for all else, without a
        // version in the path, so this holds from 20.10 on.
        let api = api.map_err(stranger)?.negotiate_version().await.map_err(stranger)?;
        let version = api.version().await.map_err(stranger)?;
        let components = version.components.unwrap_or_default();
        let flavour = flavour(components.iter().map(|component| component.name.as_str()));
        let version = version.version.unwrap_or_default();
        if flavour == Flavour::Podman && is_before(&version, OLDEST_PODMAN) {
            return Err(unreachable(Unreachable::TooOld(format!("Podman {version}"))));
        }
        Ok(Self { api, flavour, at: at.to_owned() })
    }

    pub(super) async fn who(&self) -> Result<About> {
        let (version, info) = futures::try_join!(self.api.version(), self.api.info()).map_err(|error| {
            EngineError::Unreachable { at: self.at.clone(), why: Unreachable::Stranger(words(&error)) }
        })?;
        Ok(About {
            engine: format!("{:?} {}", self.flavour, version.version.unwrap_or_default()),
            api: self.api.client_version().to_string(),
            kernel: version.kernel_version.unwrap_or_default(),
            cpus: info.ncpu.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
            memory: info.mem_total.and_then(|n| u64::try_from(n).ok()).unwrap_or(0),
        })
    }
}

/// Podman is one of its own components, as Docker is.
fn flavour<'n>(mut components: impl Iterator<Item = &'n str>) -> Flavour {
    if components.any(|name| name == "Podman Engine") { Flavour::Podman } else { Flavour::Docker }
}

/// Whether a version such as `5.4.2` is before this (major, minor). One that cannot be read is not.
fn is_before(version: &str, (major, minor): (u32, u32)) -> bool {
    let mut numbers = version.split(['.', '-', '+']).map_while(|number| number.parse::<u32>().ok());
    matches!((numbers.next(), numbers.next()), (Some(a), Some(b)) if (a, b) < (major, minor))
}

/// Connects once by hand: the socket's own error says why it cannot, which the HTTP client's does not.
async fn knock(at: &str) -> std::result::Result<(), Unreachable> {
    let reach = async {
        if let Some(path) = at.strip_prefix("unix://") {
            UnixStream::connect(path).await.map(drop)
        } else if let Some(address) = at.strip_prefix("tcp://") {
            TcpStream::connect(address.trim_end_matches('/')).await.map(drop)
        } else {
            Err(ErrorKind::InvalidInput.into())
        }
    };
    match timeout(REACH, reach).await.unwrap_or_else(|_| Err(io::Error::from(ErrorKind::TimedOut))) {
        Ok(()) => Ok(()),
        Err(error) => Err(match error.kind() {
            ErrorKind::PermissionDenied => Unreachable::Denied,
            ErrorKind::InvalidInput => Unreachable::Address,
            _ => Unreachable::Nobody(error.to_string()),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn podman_is_told_from_docker() {
        assert_eq!(flavour(["Podman Engine", "Conmon"].into_iter()), Flavour::Podman);
        assert_eq!(flavour(["Engine", "containerd", "runc"].into_iter()), Flavour::Docker);
        assert_eq!(flavour([].into_iter()), Flavour::Docker);
    }

    #[test]
    fn versions_are_compared_by_their_numbers() {
        for old in ["3.4.4", "4.0.0", "4.2.1-dev"] {
            assert!(is_before(old, OLDEST_PODMAN), "{old}");
        }
        for new in ["4.3.1", "4.10.0", "5.4.2+ds1", "10.0.0", "unknown"] {
            assert!(!is_before(new, OLDEST_PODMAN), "{new}");
        }
    }
}
