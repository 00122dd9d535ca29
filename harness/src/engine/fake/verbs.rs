//! The engine's verbs, in memory.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt, ready};

use super::super::{
    About, Build, Engine, EngineError, Image, Life, Network, Node, NodeSpec, NodeState, Owned, Result, What,
};
use super::{FakeEngine, Verb};
use crate::owner::Labels;
use crate::wait::pause;

const SAID: &str = "the test asked for it";

impl Engine for FakeEngine {
    fn about(&self) -> BoxFuture<'_, Result<About>> {
        let about =
            About { engine: "fake".to_owned(), api: "0.0".to_owned(), kernel: String::new(), cpus: 1, memory: 1 << 30 };
        ready(Ok(about)).boxed()
    }

    fn images(&self, label: Option<&str>) -> BoxFuture<'_, Result<Vec<Image>>> {
        let state = self.lock();
        let wanted = |image: &&Image| label.is_none_or(|label| image.labels.contains_key(label));
        ready(Ok(state.images.values().filter(wanted).cloned().collect())).boxed()
    }

    fn pull<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>> {
        let mut state = self.lock();
        if state.ask(Verb::Pull, tag) {
            let error = EngineError::NoRegistry { image: tag.to_owned(), said: SAID.to_owned() };
            return ready(Err(error)).boxed();
        }
        state.add_image(tag, BTreeMap::new());
        ready(Ok(())).boxed()
    }

    fn import<'a>(&'a self, tag: &'a str, _: PathBuf, label: &'a str) -> BoxFuture<'a, Result<()>> {
        let mut state = self.lock();
        if state.ask(Verb::Import, tag) {
            return refused(format!("image {tag}"), "import it", SAID);
        }
        let (key, value) = label.split_once('=').unwrap_or((label, ""));
        state.add_image(tag, BTreeMap::from([(key.to_owned(), value.to_owned())]));
        ready(Ok(())).boxed()
    }

    /// Says each instruction, and what `RUN echo ...; false` writes; one that is `RUN ... false` fails.
    fn build<'a>(&'a self, build: &'a Build, said: &'a (dyn Fn(&str) + Send + Sync)) -> BoxFuture<'a, Result<()>> {
        let failing = self.lock().ask(Verb::Build, &build.tag);
        let dockerfile = build.context.get("Dockerfile").map(|(text, _)| String::from_utf8_lossy(text).into_owned());
        let dockerfile = dockerfile.unwrap_or_default();
        let instructions: Vec<_> = dockerfile.lines().filter(|line| !line.trim().is_empty()).collect();
        let mut output = Vec::new();
        for (number, line) in instructions.iter().enumerate() {
            let step = format!("Step {}/{} : {line}", number + 1, instructions.len());
            said(&step);
            output.push(step.clone());
            if let Some(text) = line.strip_prefix("RUN echo ").and_then(|rest| rest.strip_suffix("; false")) {
                said(text);
                output.push(text.to_owned());
            }
            if failing || line.starts_with("RUN ") && line.ends_with("false") {
                let error =
                    EngineError::Build { tag: build.tag.clone(), step, said: "non-zero code: 1".to_owned(), output };
                return ready(Err(error)).boxed();
            }
        }
        self.lock().add_image(&build.tag, build.labels.clone());
        ready(Ok(())).boxed()
    }

    fn remove_image<'a>(&'a self, tag: &'a str) -> BoxFuture<'a, Result<()>> {
        let mut state = self.lock();
        if state.ask(Verb::RemoveImage, tag) {
            return refused(format!("image {tag}"), "remove it", SAID);
        }
        state.images.remove(tag);
        ready(Ok(())).boxed()
    }

    fn create_network<'a>(&'a self, name: &'a str, labels: &'a Labels) -> BoxFuture<'a, Result<Network>> {
        let mut state = self.lock();
        if state.ask(Verb::CreateNetwork, name) {
            let error = EngineError::NoSubnet { network: name.to_owned(), said: SAID.to_owned() };
            return ready(Err(error)).boxed();
        }
        let number = state.next();
        let id = format!("{number:064x}");
        let carrier = ipnet::Ipv4Net::new_assert([172, (number >> 8) as u8, number as u8, 0].into(), 24).into();
        state.networks.push(Owned {
            what: What::Network,
            id: id.clone(),
            name: name.to_owned(),
            labels: labels.clone(),
        });
        ready(Ok(Network { id, carrier, bridge: None })).boxed()
    }

    fn start_node<'a>(&'a self, node: &'a NodeSpec) -> BoxFuture<'a, Result<Node>> {
        async move {
            let thing = format!("container {}", node.name);
            let refused = |said| Err(EngineError::Refused { thing, step: "create it", said });
            if self.takes > Duration::ZERO {
                pause(self.takes).await;
            }
            let mut state = self.lock();
            if state.ask(Verb::StartNode, &node.name) {
                return refused(SAID.to_owned());
            }
            if !state.images.contains_key(&node.image) {
                return refused(format!("No such image: {}", node.image));
            }
            if let Some(missing) =
                node.networks().iter().find(|id| state.networks.iter().all(|network| network.id != **id))
            {
                return refused(format!("network {missing} not found"));
            }
            if state.nodes.iter().any(|running| running.owned.name == node.name) {
                return Err(EngineError::NameTaken { name: node.name.clone(), said: "it is running".to_owned() });
            }
            Ok(state.start(node, self.script.clone(), self.clock.clone(), Arc::downgrade(&self.state)))
        }
        .boxed()
    }

    fn crash<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        let mut state = self.lock();
        let Some(place) = state.nodes.iter().position(|node| node.owned.id == id) else {
            return refused(format!("container {id}"), "kill it", "No such container");
        };
        let name = state.nodes[place].owned.name.clone();
        if state.ask(Verb::Crash, &name) {
            return refused(format!("container {name}"), "kill it", SAID);
        }
        state.nodes.remove(place);
        ready(Ok(())).boxed()
    }

    fn pause<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<()>> {
        let mut state = self.lock();
        let Some(name) = state.by_id(id).map(|node| node.owned.name.clone()) else {
            return refused(format!("container {id}"), "pause it", "No such container");
        };
        if state.ask(Verb::Pause, &name) {
            return refused(format!("container {name}"), "pause it", SAID);
        }
        if let Some(node) = state.by_id(id) {
            node.paused.send_replace(true);
        }
        ready(Ok(())).boxed()
    }

    fn disconnect<'a>(&'a self, id: &'a str, network: &'a str) -> BoxFuture<'a, Result<()>> {
        let mut state = self.lock();
        let Some(name) = state.by_id(id).map(|node| node.owned.name.clone()) else {
            return refused(format!("container {id}"), "take it off a network", "No such container");
        };
        if state.ask(Verb::Disconnect, &name) {
            return refused(format!("container {name}"), "take it off a network", SAID);
        }
        if let Some(node) = state.by_id(id) {
            node.on.retain(|on| on != network);
        }
        ready(Ok(())).boxed()
    }

    fn state<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<NodeState>> {
        let mut state = self.lock();
        let Some(node) = state.by_id(id) else {
            let gone = NodeState { life: Life::Ended, networks: Vec::new(), out_of_memory: false };
            return ready(Ok(gone)).boxed();
        };
        let life = if *node.paused.borrow() { Life::Paused } else { Life::Running };
        let found = NodeState { life, networks: node.on.clone(), out_of_memory: node.out_of_memory };
        let name = node.owned.name.clone();
        if state.ask(Verb::State, &name) {
            return refused(format!("container {name}"), "inspect it", SAID);
        }
        ready(Ok(found)).boxed()
    }

    fn owned(&self) -> BoxFuture<'_, Result<Vec<Owned>>> {
        let state = self.lock();
        let nodes = state.nodes.iter().map(|node| node.owned.clone());
        ready(Ok(nodes.chain(state.networks.iter().cloned()).collect())).boxed()
    }

    fn remove<'a>(&'a self, thing: &'a Owned) -> BoxFuture<'a, Result<()>> {
        let mut state = self.lock();
        if state.ask(Verb::Remove, &thing.name) {
            return refused(thing.name.clone(), "remove it", SAID);
        }
        if state.nodes.iter().any(|node| node.on.contains(&thing.id)) {
            return refused(format!("network {}", thing.name), "remove it", "it has active endpoints");
        }
        state.nodes.retain(|node| node.owned.id != thing.id);
        state.networks.retain(|network| network.id != thing.id);
        ready(Ok(())).boxed()
    }
}

fn refused<'a, T: Send + 'a>(thing: String, step: &'static str, said: &str) -> BoxFuture<'a, Result<T>> {
    ready(Err(EngineError::Refused { thing, step, said: said.to_owned() })).boxed()
}
