//! DOCKER: what a lab needs of a container engine, in a dozen verbs.
//!
//! The probe does everything inside a node, so an engine only makes networks and nodes, hands over a node's stdin and
//! stdout, and removes what carries our labels. `docker` is the only room that names bollard; `fake` needs no Docker; both
//! pass `conformance`.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures::future::BoxFuture;
use futures::stream::BoxStream;
use ipnet::IpNet;
use tokio::io::AsyncWrite;

use crate::owner::Labels;

pub mod conformance;
pub mod docker;
mod error;
pub mod fake;

pub use error::{EngineError, Unreachable};

/// What every verb returns.
pub type Result<T> = std::result::Result<T, EngineError>;

/// Connects to the engine that this machine is set up for: the one place that chooses.
///
/// # Errors
/// [`EngineError::Unreachable`] when nothing answers there.
pub async fn connect() -> Result<Box<dyn Engine>> {
    Ok(Box::new(docker::Docker::connect().await?))
}

/// A container engine. No verb waits for ever: an engine that does not answer is [`EngineError::Silent`].
pub trait Engine: Send + Sync {
    /// Asks the engine who it is; the first call of every run.
    ///
    /// # Errors
    /// [`EngineError::Unreachable`] when nothing answers there.
    fn about(&self) -> BoxFuture<'_, Result<About>>;

    /// The images that carry `label`, or all when it is `None`.
    fn images(&self, label: Option<&str>) -> BoxFuture<'_, Result<Vec<Image>>>;

    /// Gets an image from its registry.
    ///
    /// # Errors
    /// [`EngineError::NoRegistry`] when no registry answers or it does not have the image.
    fn pull<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Makes an image of a root file system in a tar file; `label` is `key=value`.
    fn import<'a>(&'a self, tag: &'a str, tarball: PathBuf, label: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Builds an image; `said` gets the build's output line by line.
    ///
    /// # Errors
    /// [`EngineError::Build`] with the last lines of the output when an instruction fails.
    fn build<'a>(&'a self, build: &'a Build, said: &'a (dyn Fn(&str) + Send + Sync)) -> BoxFuture<'a, Result<()>>;

    /// Removes an image tag; one that is not there is no error.
    fn remove_image<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Makes a network: a bridge without an address of its own, without masquerading, on a subnet of the engine's choice.
    fn create_network<'a>(&'a self, name: &'a str, labels: &'a Labels) -> BoxFuture<'a, Result<Network>>;

    /// Creates and starts a container whose stdin is a dead man's switch: when the returned input is dropped, or this process
    /// dies, stdin closes; when the container's program ends, the container is removed.
    fn start_node<'a>(&'a self, node: &'a NodeSpec) -> BoxFuture<'a, Result<Node>>;

    /// Kills the container without warning, as a power cut would.
    fn crash<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Stops all processes of the container where they are, as `docker pause` does.
    fn pause<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>>;

    /// Takes the container off a network, both by identifier.
    fn disconnect<'a>(&'a self, id: &'a str, network: &'a str) -> BoxFuture<'a, Result<()>>;

    /// How a container is; one that is not there has ended.
    fn state<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<NodeState>>;

    /// Everything that carries our labels, of this and of other runs.
    fn owned(&self) -> BoxFuture<'_, Result<Vec<Owned>>>;

    /// Removes one thing, by force; one that is already gone, or going, is no error.
    fn remove<'a>(&'a self, thing: &'a Owned) -> BoxFuture<'a, Result<()>>;
}

/// Who the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    /// Such as `Docker 20.10.24`.
    pub engine: String,
    /// The API version agreed on, such as `1.41`.
    pub api: String,
    /// The kernel that the nodes run on.
    pub kernel: String,
    /// Processors that the nodes share.
    pub cpus: u64,
    /// Bytes of memory that the nodes share.
    pub memory: u64,
}

/// An image that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Image {
    /// `name:tag`; the identifier of an image that has no name, such as the left-over first stage of a build.
    pub tag: String,
    /// The engine's identifier: `sha256:...`.
    pub id: String,
    /// Bytes on disk, shared layers included.
    pub size: u64,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
}

/// An image to be built.
#[derive(Debug, Clone)]
pub struct Build {
    /// `name:tag` of the result.
    pub tag: String,
    /// Build arguments.
    pub args: BTreeMap<String, String>,
    /// The build context: path -> contents and permission bits. `Dockerfile` is in it.
    pub context: BTreeMap<String, (Vec<u8>, u32)>,
    /// Labels on the result.
    pub labels: BTreeMap<String, String>,
}

/// A network that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// The engine's identifier.
    pub id: String,
    /// The subnet from which the engine gives addresses, which the probe removes.
    pub carrier: IpNet,
    /// The bridge in the host's network namespace, where the engine has one.
    pub bridge: Option<Bridge>,
}

/// The interface of a network's bridge, by its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Bridge {
    /// It is there as soon as the network is (Docker).
    There(String),
    /// The engine makes it, with an address, when the first node comes, and removes it with the last. One of this name that is there
    /// already it takes as it is (Podman).
    WithFirstNode(String),
}

/// A container to be started.
#[derive(Debug, Clone)]
pub struct NodeSpec {
    /// The container's name, unique on the engine.
    pub name: String,
    /// The hostname inside.
    pub hostname: String,
    /// `name:tag` of its image.
    pub image: String,
    /// The program that runs as PID 1, and its arguments.
    pub argv: Vec<String>,
    /// Where its network interfaces are.
    pub place: Place,
    /// Kernel parameters of its network namespace, such as `net.ipv4.ip_forward` = `1`.
    pub sysctls: BTreeMap<String, String>,
    /// Ownership.
    pub labels: Labels,
    /// What it may use of the machine.
    pub limits: Limits,
}

/// What a container may use of the machine, so that a defect in it ends there. Open files are limited by the engine's own hard limit,
/// which no container can be given more than.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of memory; swap is not added to it. What needs more is killed.
    pub memory: u64,
    /// Processes and threads.
    pub processes: u32,
}

impl Default for Limits {
    /// Far beyond what a node of any scenario uses (50 MiB, 40 threads).
    fn default() -> Self {
        Self { memory: 1 << 30, processes: 1024 }
    }
}

impl Limits {
    /// The default ones, with those that the environment names: `ANYCAST_LAB_NODE_MEMORY` in MiB, `ANYCAST_LAB_NODE_PROCESSES`.
    ///
    /// # Errors
    /// A value is not a number, or too small for a probe to run.
    pub fn from_environment() -> std::result::Result<Self, String> {
        Self::read(|name| std::env::var(name).ok())
    }

    fn read(get: impl Fn(&str) -> Option<String>) -> std::result::Result<Self, String> {
        let number = |name: &str, least: u32| -> std::result::Result<Option<u32>, String> {
            let Some(text) = get(name).filter(|text| !text.is_empty()) else { return Ok(None) };
            let value = text.parse().ok().filter(|value| *value >= least);
            let value = value.ok_or_else(|| format!("{name} = {text:?}: expected a number, {least} or more"))?;
            Ok(Some(value))
        };
        let default = Self::default();
        let memory = number("ANYCAST_LAB_NODE_MEMORY", 64)?.map(|mib| u64::from(mib) << 20);
        let processes = number("ANYCAST_LAB_NODE_PROCESSES", 32)?;
        Ok(Self { memory: memory.unwrap_or(default.memory), processes: processes.unwrap_or(default.processes) })
    }
}

impl NodeSpec {
    /// The networks that it is on, by identifier.
    #[must_use]
    pub fn networks(&self) -> &[String] {
        match &self.place {
            Place::Networks(networks) => networks,
            Place::Host => &[],
        }
    }
}

/// Which network namespace a container has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// One of its own, with an interface on each of these networks, by identifier.
    Networks(Vec<String>),
    /// The engine's host's, to guard the lab's networks from there.
    Host,
}

/// A started container.
pub struct Node {
    /// The engine's identifier.
    pub id: String,
    /// The program's stdin.
    pub input: Box<dyn AsyncWrite + Send + Unpin>,
    /// The program's stdout, chunk by chunk, to its end. What the program writes on stderr comes as [`Chunk::Stderr`].
    pub output: BoxStream<'static, Result<Chunk>>,
}

/// How a container is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeState {
    /// Whether its processes run.
    pub life: Life,
    /// Identifiers of the networks that it is on.
    pub networks: Vec<String>,
    /// Whether the kernel killed a process of it because its memory was used up. Docker 20.10 tells it only of a container that has
    /// ended.
    pub out_of_memory: bool,
}

/// Whether a container's processes run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// They do.
    Running,
    /// Somebody has stopped all of them where they are.
    Paused,
    /// They have ended, or the container is gone.
    Ended,
}

/// A piece of a program's output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// From stdout.
    Stdout(Vec<u8>),
    /// From stderr.
    Stderr(Vec<u8>),
}

/// A container or network that carries our labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owned {
    /// What it is.
    pub what: What,
    /// The engine's identifier.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its labels.
    pub labels: Labels,
}

/// What a lab owns on an engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A node; removed before the networks that it is on.
    Container,
    /// A network.
    Network,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_are_settable_and_nonsense_is_refused() {
        let read =
            |memory: &'static str| Limits::read(move |name| (name.ends_with("MEMORY")).then(|| memory.to_owned()));
        assert_eq!(read("2048").map(|limits| limits.memory), Ok(2 << 30));
        assert_eq!(read(""), Ok(Limits::default()));
        for nonsense in ["2g", "1", "-5"] {
            let error = read(nonsense).unwrap_err();
            assert!(error.contains("ANYCAST_LAB_NODE_MEMORY") && error.contains(nonsense), "{error}");
        }
    }
}
