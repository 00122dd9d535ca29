//! DOCKER ENGINE: the verbs by its API, 1.41 (Docker 20.10) and later. Only this room names bollard.

mod connect;
mod image;
mod network;
mod node;

use std::collections::HashMap;
use std::path::PathBuf;

use bollard::Docker as Api;
use bollard::errors::Error;
use futures::future::{BoxFuture, FutureExt};

use super::{About, Build, Engine, EngineError, Image, Network, Node, NodeSpec, Owned, Place, Result, What};
use crate::owner::{self, Labels};

/// A Docker Engine.
pub struct Docker {
    api: Api,
    /// Where it is reached, for messages.
    at: String,
}

impl Engine for Docker {
    fn about(&self) -> BoxFuture<'_, Result<About>> {
        self.who().boxed()
    }

    fn images(&self, label: Option<&str>) -> BoxFuture<'_, Result<Vec<Image>>> {
        image::list(&self.api, label.map(str::to_owned)).boxed()
    }

    fn pull<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>> {
        image::pull(&self.api, tag).boxed()
    }

    fn import<'a>(&'a self, tag: &'a str, tarball: PathBuf, label: &'a str) -> BoxFuture<'a, Result<()>> {
        image::import(&self.api, tag, tarball, label).boxed()
    }

    fn build<'a>(&'a self, build: &'a Build, said: &'a (dyn Fn(&str) + Send + Sync)) -> BoxFuture<'a, Result<()>> {
        image::build(&self.api, build, said).boxed()
    }

    fn remove_image<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>> {
        image::remove(&self.api, tag).boxed()
    }

    fn create_network<'a>(&'a self, name: &'a str, labels: &'a Labels) -> BoxFuture<'a, Result<Network>> {
        network::create(&self.api, name, labels).boxed()
    }

    fn start_node<'a>(&'a self, node: &'a NodeSpec) -> BoxFuture<'a, Result<Node>> {
        node::start(&self.api, node).boxed()
    }

    fn crash<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        node::crash(&self.api, id).boxed()
    }

    fn owned(&self) -> BoxFuture<'_, Result<Vec<Owned>>> {
        async move {
            let (mut owned, networks) = futures::try_join!(node::owned(&self.api), network::owned(&self.api))?;
            owned.extend(networks);
            Ok(owned)
        }
        .boxed()
    }

    fn remove<'a>(&'a self, thing: &'a Owned) -> BoxFuture<'a, Result<()>> {
        match thing.what {
            What::Container => node::remove(&self.api, thing).boxed(),
            What::Network => network::remove(&self.api, thing).boxed(),
        }
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
