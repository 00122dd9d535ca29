//! From a plan to running nodes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join_all, try_join_all};
use protocol::{Link, Setup};

use super::error::LabError;
use super::node::LiveNode;
use crate::engine::{Engine, Limits, Network, NodeSpec, Place};
use crate::history::Journal;
use crate::observe::{Observer, Phase, Status};
use crate::owner::Labels;
use crate::plan::{NodePlan, Plan};

/// The program that is PID 1, in every image.
pub(super) const PROBE: &str = "/usr/local/bin/anycast-lab-probe";

/// What the nodes get until all of them are set up, beyond which the lab did not come up.
const PATIENCE: Duration = Duration::from_secs(60);

/// Makes the networks, side by side; as with [`nodes`], none goes on behind the teardown's back.
pub(super) async fn networks(
    plan: &Plan,
    engine: &dyn Engine,
    labels: &Labels,
) -> Result<BTreeMap<String, Network>, LabError> {
    let make = |name: String| async move {
        let full = format!("anycast-lab-{}-{name}", labels.run);
        Ok::<_, LabError>((name, engine.create_network(&full, labels).await?))
    };
    let made = join_all(plan.networks.keys().cloned().map(make)).await;
    made.into_iter().collect()
}

/// Starts the nodes, side by side. All starts come to their end before the first error is returned: none goes on behind the
/// teardown's back.
pub(super) async fn nodes(
    plan: &Plan,
    engine: &dyn Engine,
    labels: &Labels,
    images: &BTreeMap<String, String>,
    networks: &BTreeMap<String, Network>,
    journal: &Journal,
) -> Result<BTreeMap<String, Arc<LiveNode>>, LabError> {
    let start = |node| start(node, engine, labels, images, networks, journal);
    let started = join_all(plan.nodes.iter().map(start)).await;
    started.into_iter().map(|node| node.map(|node| (node.name().to_owned(), Arc::new(node)))).collect()
}

/// Waits until all nodes are ready, or lost: a lost one is a hole in the history, by which the first step is judged.
pub(super) async fn ready(nodes: &BTreeMap<String, Arc<LiveNode>>) -> Result<(), LabError> {
    let all = try_join_all(nodes.values().map(|node| node.ready()));
    match tokio::time::timeout(PATIENCE, all).await {
        Ok(ready) => ready.map(drop),
        Err(_) => {
            let slow = nodes.values().filter(|node| node.status.phase() == Phase::Booting);
            Err(LabError::Slow { nodes: slow.map(|node| node.name().to_owned()).collect(), after: PATIENCE })
        }
    }
}

async fn start(
    node: &NodePlan,
    engine: &dyn Engine,
    labels: &Labels,
    images: &BTreeMap<String, String>,
    networks: &BTreeMap<String, Network>,
    journal: &Journal,
) -> Result<LiveNode, LabError> {
    let lacks = |what: String| LabError::Node { node: node.name.clone(), why: what };
    let network = |name: &String| networks.get(name).ok_or_else(|| lacks(format!("there is no network {name}")));
    let mut links = Vec::new();
    let mut attached = Vec::new();
    for link in &node.links {
        let Network { id, carrier, .. } = network(&link.network)?;
        attached.push(id.clone());
        let (network, mac, addresses) = (link.network.clone(), link.mac.clone(), link.addresses.clone());
        links.push(Link { network, carrier: *carrier, mac, addresses });
    }
    let limits = Limits::from_environment().map_err(lacks)?;
    let image = images.get(&node.name).ok_or_else(|| lacks("it has no image".to_owned()))?;
    let spec = NodeSpec {
        name: format!("anycast-lab-{}-{}", labels.run, node.name),
        hostname: node.name.clone(),
        image: image.clone(),
        argv: vec![PROBE.to_owned()],
        place: Place::Networks(attached.clone()),
        sysctls: node.sysctls.clone(),
        labels: labels.clone(),
        limits,
    };
    let started = engine.start_node(&spec).await?;
    let status = Status::new(&node.name, journal.clone());
    let observer = Observer::new(node, status.clone());
    let _detached = tokio::spawn(observer.observe(started.output));
    let live = LiveNode::new(started.id, attached, started.input, status);
    live.set_up(&setup(node, links))?;
    Ok(live)
}

fn setup(node: &NodePlan, links: Vec<Link>) -> Setup {
    Setup {
        node: node.name.clone(),
        links,
        loopback: node.loopback.clone(),
        routes: node.routes.clone(),
        files: node.files.whole().to_vec(),
        daemons: node.daemons.clone(),
        ribs: node.ribs.clone(),
        trains: node.trains.clone(),
    }
}
