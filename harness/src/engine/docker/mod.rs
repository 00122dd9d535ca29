//! DOCKER ENGINE: the verbs by its API, 1.41 (Docker 20.10) and later, which Podman 4.3 and later speak too. Only this room names
//! bollard.

mod connect;
mod image;
mod libpod;
mod names;
mod network;
mod node;

use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

use bollard::Docker as Api;
use bollard::errors::Error;
use futures::future::{BoxFuture, FutureExt};
use tokio::time::timeout;

use super::{About, Build, Engine, EngineError, Image, Network, Node, NodeSpec, NodeState, Owned, Place, Result, What};
use crate::owner::{self, Labels};

/// A Docker Engine, or Podman.
pub struct Docker {
    api: Api,
    flavour: Flavour,
    /// Where it is reached, for messages.
    at: String,
}

/// Whose engine answers: the API is one, what it says and does differs in places.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flavour {
    Docker,
    Podman,
}

/// How long the engine may take to look something up.
const LOOKS: Duration = Duration::from_secs(30);
/// How long it may take to make or remove one thing, on a machine that has much to do.
const ACTS: Duration = Duration::from_secs(60);

impl Engine for Docker {
    fn about(&self) -> BoxFuture<'_, Result<About>> {
        within(LOOKS, "the engine", "say who it is", self.who()).boxed()
    }

    fn images(&self, label: Option<&str>) -> BoxFuture<'_, Result<Vec<Image>>> {
        within(ACTS, "images", "list them", image::list(&self.api, label.map(str::to_owned))).boxed()
    }

    fn pull<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>> {
        image::pull(&self.api, tag).boxed()
    }

    fn import<'a>(&'a self, tag: &'a str, tarball: PathBuf, label: &'a str) -> BoxFuture<'a, Result<()>> {
        image::import(self, tag, tarball, label).boxed()
    }

    fn build<'a>(&'a self, build: &'a Build, said: &'a (dyn Fn(&str) + Send + Sync)) -> BoxFuture<'a, Result<()>> {
        image::build(self, build, said).boxed()
    }

    fn remove_image<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>> {
        image::remove(self, tag).boxed()
    }

    fn create_network<'a>(&'a self, name: &'a str, labels: &'a Labels) -> BoxFuture<'a, Result<Network>> {
        within(ACTS, name, "create it", network::create(self, name, labels)).boxed()
    }

    fn start_node<'a>(&'a self, node: &'a NodeSpec) -> BoxFuture<'a, Result<Node>> {
        within(ACTS, &node.name, "start it", node::start(self, node)).boxed()
    }

    fn crash<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        within(LOOKS, id, "kill it", node::crash(&self.api, id)).boxed()
    }

    fn pause<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        within(LOOKS, id, "pause it", node::pause(&self.api, id)).boxed()
    }

    fn disconnect<'a>(&'a self, id: &'a str, network: &'a str) -> BoxFuture<'a, Result<()>> {
        within(LOOKS, id, "take it off a network", node::disconnect(&self.api, id, network)).boxed()
    }

    fn state<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<NodeState>> {
        within(LOOKS, id, "say how it is", self.look(id)).boxed()
    }

    fn owned(&self) -> BoxFuture<'_, Result<Vec<Owned>>> {
        let owned = async {
            let (mut owned, networks) = futures::try_join!(self.containers(), network::owned(&self.api))?;
            owned.extend(networks);
            Ok(owned)
        };
        within(LOOKS, "containers and networks", "list them", owned).boxed()
    }

    fn remove<'a>(&'a self, thing: &'a Owned) -> BoxFuture<'a, Result<()>> {
        let remove = async move {
            match thing.what {
                What::Container => node::remove(&self.api, thing).await,
                What::Network => network::remove(&self.api, thing).await,
            }
        };
        within(ACTS, &thing.name, "remove it", remove).boxed()
    }
}

impl Docker {
    async fn look(&self, id: &str) -> Result<NodeState> {
        match self.flavour {
            Flavour::Docker => node::state(&self.api, id).await,
            Flavour::Podman => libpod::state(&self.at, id).await,
        }
    }

    async fn containers(&self) -> Result<Vec<Owned>> {
        match self.flavour {
            Flavour::Docker => node::owned(&self.api).await,
            Flavour::Podman => libpod::owned(&self.at).await,
        }
    }
}

/// An engine that accepts a request and never answers it is told apart from one that is slow.
async fn within<T>(
    after: Duration,
    thing: &str,
    step: &'static str,
    verb: impl Future<Output = Result<T>>,
) -> Result<T> {
    match timeout(after, verb).await {
        Ok(done) => done,
        Err(_) => Err(EngineError::Silent { thing: thing.to_owned(), step, after }),
    }
}

/// The engine's words for a failed `step` on `thing`.
fn refused(thing: &str, step: &'static str) -> impl Fn(Error) -> EngineError {
    move |error| EngineError::Refused { thing: thing.to_owned(), step, said: words(&error) }
}

fn words(error: &Error) -> String {
    match error {
        Error::DockerResponseServerError { message, .. } => message.trim().to_owned(),
        Error::DockerStreamError { error } => error.trim().to_owned(),
        other => other.to_string(),
    }
}

/// The HTTP status of the engine's answer, if it answered.
fn status(error: &Error) -> Option<u16> {
    match error {
        Error::DockerResponseServerError { status_code, .. } => Some(*status_code),
        _ => None,
    }
}

/// The filter that finds what is ours.
fn ours() -> HashMap<String, Vec<String>> {
    HashMap::from([("label".to_owned(), vec![owner::KEY.to_owned()])])
}

/// As [`Owned`]; `None` when the labels are not wholly ours.
fn as_owned(
    what: What,
    id: Option<String>,
    name: Option<String>,
    labels: Option<HashMap<String, String>>,
) -> Option<Owned> {
    let stored = labels?;
    let labels = Labels::from_map(|key| stored.get(key).map(String::as_str))?;
    Some(Owned { what, id: id?, name: name?.trim_start_matches('/').to_owned(), labels })
}
