//! What every engine must do: one suite that the fake and Docker pass (tests/engine.rs).
//!
//! Each check makes what it needs under names of its own, and removes it. It panics with what was expected and found. `image`
//! is one that is present and has `cat`.

use std::collections::BTreeMap;
use std::future::Future;
use std::sync::Mutex;
use std::time::Duration;

use futures::StreamExt;
use tokio::io::AsyncWriteExt;
use tokio::time::{interval, timeout};

use super::{
    Build, Chunk, Engine, EngineError, Life, Limits, Network, Node, NodeSpec, NodeState, Owned, Place, Result, What,
};
use crate::owner::{self, Labels};

/// How long anything may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// Networks get carriers of their own, also when made side by side, are found by label, and can be removed twice.
///
/// # Panics
/// When the engine does not do so.
pub async fn networks(engine: &dyn Engine) {
    let labels = labels("networks");
    let names: Vec<_> = (0..6).map(|n| format!("{}-{n}", labels.run)).collect();
    let made = futures::future::join_all(names.iter().map(|name| engine.create_network(name, &labels))).await;
    let made: Vec<Network> = made.into_iter().map(|network| network.expect("a network is created")).collect();
    for (n, network) in made.iter().enumerate() {
        let clash = made[..n].iter().find(|other| overlap(other, network));
        assert_eq!(clash, None, "carriers are distinct: {network:?}");
    }
    let mut found: Vec<_> = owned(engine, &labels).await.into_iter().map(|thing| (thing.what, thing.name)).collect();
    found.sort();
    assert_eq!(found, names.into_iter().map(|name| (What::Network, name)).collect::<Vec<_>>());
    remove_twice(engine, &labels).await;
}

fn overlap(a: &Network, b: &Network) -> bool {
    a.carrier.contains(&b.carrier) || b.carrier.contains(&a.carrier)
}

/// What is written to a node's stdin reaches its program, and the program's output comes back; dropping the input ends it, and the
/// container is gone, and then its networks can go.
///
/// # Panics
/// When the engine does not do so.
pub async fn input_is_a_dead_mans_switch(engine: &dyn Engine, image: &str) {
    let labels = labels("switch");
    let (a, b) = (format!("{}-a", labels.run), format!("{}-b", labels.run));
    let a = engine.create_network(&a, &labels).await.expect("a network is created");
    let b = engine.create_network(&b, &labels).await.expect("a network is created");
    let networks = vec![a.id, b.id];
    let mut node =
        start(engine, &NodeSpec { place: Place::Networks(networks), ..spec("switch", image, &labels) }).await;
    node.input.write_all(b"spoken\n").await.expect("stdin takes a line");
    node.input.flush().await.expect("stdin takes a line");
    assert_eq!(read(&mut node, 7).await, (b"spoken\n".to_vec(), vec![]));
    drop(node.input);
    let rest = timeout(PATIENCE, node.output.next()).await.expect("the output ends when the input is dropped");
    assert!(rest.is_none(), "nothing more is said: {rest:?}");
    until("the container is gone", || no_container(engine, &labels)).await;
    remove_twice(engine, &labels).await;
}

/// What the program says on stderr is told apart, and its end is the end of the output.
///
/// # Panics
/// When the engine does not do so.
pub async fn stderr_is_told_apart(engine: &dyn Engine, image: &str) {
    let labels = labels("stderr");
    let argv = vec!["cat".to_owned(), "/no/such/file".to_owned()];
    let mut node = start(engine, &NodeSpec { argv, ..spec("stderr", image, &labels) }).await;
    let (stdout, stderr) = read(&mut node, usize::MAX).await;
    assert_eq!(stdout, b"");
    assert_eq!(String::from_utf8_lossy(&stderr), "cat: /no/such/file: No such file or directory\n");
    until("the container is gone", || no_container(engine, &labels)).await;
}

/// A crash ends the output while the input is held, and the container is gone.
///
/// # Panics
/// When the engine does not do so.
pub async fn crash_ends_the_output(engine: &dyn Engine, image: &str) {
    let labels = labels("crash");
    let mut node = start(engine, &spec("crash", image, &labels)).await;
    engine.crash(&node.id).await.expect("a node that runs can be crashed");
    let rest = timeout(PATIENCE, node.output.next()).await.expect("the output ends");
    assert!(rest.is_none(), "nothing is said: {rest:?}");
    until("the container is gone", || no_container(engine, &labels)).await;
    assert!(engine.crash(&node.id).await.is_err(), "what is gone cannot be crashed");
}

/// A write to a node that has ended does not fail at once: who waits for an answer must watch the output, or the time.
///
/// # Panics
/// When the engine does not do so.
pub async fn a_write_to_a_node_that_ended_is_lost(engine: &dyn Engine, image: &str) {
    let labels = labels("lost");
    let mut node = start(engine, &spec("lost", image, &labels)).await;
    engine.crash(&node.id).await.expect("a node that runs can be crashed");
    let rest = timeout(PATIENCE, node.output.next()).await.expect("the output ends");
    assert!(rest.is_none(), "nothing is said: {rest:?}");
    for _ in 0..3 {
        let write = async {
            node.input.write_all(b"nobody reads this\n").await?;
            node.input.flush().await
        };
        timeout(PATIENCE, write).await.expect("a write does not wait").expect("a write does not fail");
    }
    until("the container is gone", || no_container(engine, &labels)).await;
}

/// The engine tells how a node is: that it runs and on which networks, that it is paused, that it has ended.
///
/// # Panics
/// When the engine does not do so.
pub async fn the_state_is_told(engine: &dyn Engine, image: &str) {
    let labels = labels("state");
    let (a, b) = (format!("{}-a", labels.run), format!("{}-b", labels.run));
    let a = engine.create_network(&a, &labels).await.expect("a network is created");
    let b = engine.create_network(&b, &labels).await.expect("a network is created");
    let networks = vec![a.id.clone(), b.id.clone()];
    let node = start(engine, &NodeSpec { place: Place::Networks(networks), ..spec("state", image, &labels) }).await;
    let state = async || {
        let mut state = engine.state(&node.id).await.expect("a node's state is told");
        state.networks.sort();
        state
    };
    let mut both = [a.id.clone(), b.id.clone()];
    both.sort();
    let runs = NodeState { life: Life::Running, networks: both.to_vec(), out_of_memory: false };
    assert_eq!(state().await, runs);
    engine.disconnect(&node.id, &b.id).await.expect("it can be taken off a network");
    assert_eq!(state().await, NodeState { networks: vec![a.id.clone()], ..runs.clone() });
    engine.pause(&node.id).await.expect("a node that runs can be paused");
    assert_eq!(state().await, NodeState { life: Life::Paused, networks: vec![a.id], ..runs });
    remove_twice(engine, &labels).await;
    assert_eq!(state().await.life, Life::Ended);
    assert!(engine.pause(&node.id).await.is_err(), "what is gone cannot be paused");
    drop(node);
}

/// A node that runs can be removed, and then its network at once.
///
/// # Panics
/// When the engine does not do so.
pub async fn removal_is_by_force(engine: &dyn Engine, image: &str) {
    let labels = labels("removal");
    let network = engine.create_network(&labels.run, &labels).await.expect("a network is created");
    let node =
        start(engine, &NodeSpec { place: Place::Networks(vec![network.id]), ..spec("removal", image, &labels) }).await;
    let found = owned(engine, &labels).await;
    assert_eq!(found.len(), 2, "a container and a network: {found:?}");
    remove_twice(engine, &labels).await;
    drop(node);
}

/// Two containers cannot have one name, and the error says so; the first is unharmed.
///
/// # Panics
/// When the engine does not do so.
pub async fn names_clash(engine: &dyn Engine, image: &str) {
    let labels = labels("clash");
    let spec = spec("clash", image, &labels);
    let mut first = start(engine, &spec).await;
    match engine.start_node(&spec).await.map(|node| node.id) {
        Err(EngineError::NameTaken { name, .. }) => assert_eq!(name, spec.name),
        other => panic!("expected that the name is taken, found {other:?}"),
    }
    first.input.write_all(b"alive").await.expect("stdin takes a line");
    assert_eq!(read(&mut first, 5).await.0, b"alive");
    remove_twice(engine, &labels).await;
}

/// A node that cannot start leaves no container behind.
///
/// # Panics
/// When the engine does not do so.
pub async fn a_failed_start_leaves_nothing(engine: &dyn Engine, image: &str) {
    let labels = labels("nothing");
    let broken =
        NodeSpec { place: Place::Networks(vec!["no-such-network".to_owned()]), ..spec("nothing", image, &labels) };
    let error = engine.start_node(&broken).await.map(|node| node.id).expect_err("there is no such network");
    assert!(error.to_string().contains(&broken.name), "the error names the container: {error}");
    assert_eq!(owned(engine, &labels).await, []);
}

/// Images are built with their labels, listed, and removed twice.
///
/// # Panics
/// When the engine does not do so.
pub async fn images(engine: &dyn Engine, image: &str) {
    let label = format!("anycast-lab.test-{}", std::process::id());
    let build =
        Build { labels: BTreeMap::from([(label.clone(), "yes".to_owned())]), ..build("images", image, "ENV BUILT=1") };
    let output = Mutex::new(Vec::new());
    let said = |line: &str| output.lock().expect("no other line panicked").push(line.to_owned());
    engine.build(&build, &said).await.expect("the image builds");
    let lines = output.into_inner().expect("no line panicked");
    assert!(lines.iter().any(|line| line.contains("ENV BUILT=1")), "the build says what it does: {lines:?}");
    let found = engine.images(Some(&label)).await.expect("images are listed");
    let [found] = &found[..] else { panic!("expected one image with label {label}, found {found:?}") };
    assert_eq!((found.tag.as_str(), found.labels.get(&label)), (build.tag.as_str(), Some(&"yes".to_owned())));
    let all = engine.images(None).await.expect("images are listed");
    assert!(all.iter().any(|other| other.tag == image), "{image} is among all images: {all:?}");
    for _ in 0..2 {
        engine.remove_image(&build.tag).await.expect("an image is removed, and once gone that is no error");
    }
    assert_eq!(engine.images(Some(&label)).await.expect("images are listed"), []);
}

/// A build that fails says at which instruction, and what was said before.
///
/// # Panics
/// When the engine does not do so.
pub async fn a_failed_build_shows_its_output(engine: &dyn Engine, image: &str) {
    let build = build("fails", image, "RUN echo the reason; false");
    match engine.build(&build, &|_| {}).await {
        Err(EngineError::Build { tag, step, output, .. }) => {
            assert_eq!(tag, build.tag);
            assert!(step.ends_with("RUN echo the reason; false"), "{step}");
            // What the instruction wrote, and not the instruction itself, which engines write as well.
            assert!(output.iter().any(|line| line.trim() == "the reason"), "{output:?}");
        }
        other => panic!("expected a failed build, found {other:?}"),
    }
    let all = engine.images(None).await.expect("images are listed");
    assert!(all.iter().all(|image| image.tag != build.tag), "there is no such image");
}

/// An image that no registry has cannot be pulled, and the error says which.
///
/// # Panics
/// When the engine does not do so.
pub async fn what_no_registry_has(engine: &dyn Engine) {
    const NOWHERE: &str = "registry.invalid/anycast-lab/nowhere:latest";
    match engine.pull(NOWHERE).await {
        Err(EngineError::NoRegistry { image, .. }) => assert_eq!(image, NOWHERE),
        other => panic!("expected that {NOWHERE} cannot be pulled, found {other:?}"),
    }
}

/// A node that runs, for a process that is to be killed while it holds it.
///
/// # Panics
/// When the node does not start.
pub async fn held(engine: &dyn Engine, image: &str) -> Node {
    start(engine, &spec("held", image, &labels("held"))).await
}

fn labels(check: &str) -> Labels {
    Labels::of_this_process(&format!("conformance-{check}-{}", std::process::id()))
}

fn spec(check: &str, image: &str, labels: &Labels) -> NodeSpec {
    NodeSpec {
        name: format!("{}-node", labels.run),
        hostname: check.to_owned(),
        image: image.to_owned(),
        argv: vec!["cat".to_owned()],
        place: Place::Networks(vec![]),
        sysctls: BTreeMap::from([("net.ipv6.conf.all.disable_ipv6".to_owned(), "0".to_owned())]),
        labels: labels.clone(),
        limits: Limits::default(),
    }
}

fn build(check: &str, image: &str, instruction: &str) -> Build {
    let dockerfile = format!("ARG BASE\nFROM ${{BASE}}\n{instruction}\n");
    Build {
        tag: format!("anycast-lab-test:{check}-{}", std::process::id()),
        args: BTreeMap::from([("BASE".to_owned(), image.to_owned())]),
        context: BTreeMap::from([("Dockerfile".to_owned(), (dockerfile.into_bytes(), 0o644))]),
        labels: BTreeMap::new(),
    }
}

async fn start(engine: &dyn Engine, spec: &NodeSpec) -> Node {
    engine.start_node(spec).await.unwrap_or_else(|error| panic!("{} starts: {error}", spec.name))
}

/// What comes on stdout and stderr until `enough` octets are there or the output ends.
async fn read(node: &mut Node, enough: usize) -> (Vec<u8>, Vec<u8>) {
    let (mut stdout, mut stderr) = (vec![], vec![]);
    while stdout.len() + stderr.len() < enough {
        match timeout(PATIENCE, node.output.next()).await.expect("the program speaks") {
            Some(Ok(Chunk::Stdout(octets))) => stdout.extend(octets),
            Some(Ok(Chunk::Stderr(octets))) => stderr.extend(octets),
            Some(Err(error)) => panic!("the output is read: {error}"),
            None => break,
        }
    }
    (stdout, stderr)
}

async fn owned(engine: &dyn Engine, labels: &Labels) -> Vec<Owned> {
    let owned = engine.owned().await.expect("what is ours is listed");
    assert!(owned.iter().all(|thing| thing.labels.to_map().contains_key(owner::KEY)));
    owned.into_iter().filter(|thing| thing.labels == *labels).collect()
}

async fn no_container(engine: &dyn Engine, labels: &Labels) -> bool {
    owned(engine, labels).await.iter().all(|thing| thing.what != What::Container)
}

/// Removes what carries the labels, containers first, and once more when it is gone.
async fn remove_twice(engine: &dyn Engine, labels: &Labels) {
    let mut things = owned(engine, labels).await;
    things.sort_by_key(|thing| thing.what);
    for thing in things.iter().chain(&things) {
        let removed: Result<()> = engine.remove(thing).await;
        removed.unwrap_or_else(|error| panic!("{} is removed, and once gone that is no error: {error}", thing.name));
    }
    until("all is gone", || async { owned(engine, labels).await.is_empty() }).await;
}

async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) {
    let mut tick = interval(Duration::from_millis(20));
    let wait = async {
        while !holds().await {
            tick.tick().await;
        }
    };
    timeout(PATIENCE, wait).await.unwrap_or_else(|_| panic!("expected within {PATIENCE:?}: {what}"));
}
