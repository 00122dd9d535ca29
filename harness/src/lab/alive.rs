//! Whether the nodes still run, and answer, while nobody asks them for anything: no run waits for a node that is lost.

use std::convert::Infallible;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::node::LiveNode;
use crate::clock::Distance;
use crate::engine::{Engine, Life, NodeState};
use crate::history::{Journal, Seen};
use crate::observe::Phase;
use crate::wait::pause;

/// From one question to the next.
const BEAT: Duration = Duration::from_secs(2);

/// How long the engine may take to say how a node is. Where it takes longer, the nodes' own answers must do.
const ENGINE: Duration = Duration::from_secs(5);

/// A clock that seems to have moved by less is followed; by more, and stamps of before and after cannot be compared. Nanoseconds.
const DRIFT: u64 = 20_000_000;

/// Asks the engine how the nodes are.
#[derive(Clone)]
pub(super) struct Looker(mpsc::UnboundedSender<oneshot::Sender<()>>);

/// Who is asked.
pub(super) struct Requests(mpsc::UnboundedReceiver<oneshot::Sender<()>>);

impl Looker {
    pub(super) fn new() -> (Self, Requests) {
        let (sender, receiver) = mpsc::unbounded_channel();
        (Self(sender), Requests(receiver))
    }

    /// Returns when the engine has said how each node is, or did not in time: what is wrong is in the history.
    pub(super) async fn look(&self) {
        let (done, looked) = oneshot::channel();
        if self.0.send(done).is_ok() {
            let _late = timeout(ENGINE + ENGINE, looked).await;
        }
    }
}

/// Watches over the nodes for as long as it is polled.
pub(super) async fn watch_over(nodes: &[Arc<LiveNode>], engine: &dyn Engine, requests: Requests) -> Infallible {
    let beats = join_all(nodes.iter().map(|node| beats(node)));
    let (_beats, never) = join(beats, looks(nodes, engine, requests)).await;
    never
}

/// Has a node answer again and again, until it is lost.
async fn beats(node: &LiveNode) {
    while node.status.closed().is_none() {
        pause(BEAT).await;
        // The probe does not answer while it sets its node up.
        if node.status.phase() == Phase::Ready
            && let Some(distance) = node.ping().await
        {
            follow(node, distance);
        }
    }
}

async fn looks(nodes: &[Arc<LiveNode>], engine: &dyn Engine, Requests(mut requests): Requests) -> Infallible {
    loop {
        let asked = match timeout(BEAT, requests.recv()).await {
            Ok(Some(asked)) => Some(asked),
            // The lab has ended: so does this, soon.
            Ok(None) => pending().await,
            Err(_) => None,
        };
        join_all(nodes.iter().map(|node| look(node, engine))).await;
        if let Some(asked) = asked {
            let _gone = asked.send(());
        }
    }
}

/// Has the engine say how a node is. What it does not know, or does not say in time, is not counted against the node.
async fn look(node: &LiveNode, engine: &dyn Engine) {
    if node.status.closed().is_some() {
        return;
    }
    let Ok(Ok(NodeState { life, networks, out_of_memory })) = timeout(ENGINE, engine.state(&node.id)).await else {
        return;
    };
    match life {
        Life::Running => {}
        Life::Paused => return node.status.lost("its container is paused"),
        Life::Ended if out_of_memory => return node.status.lost("its container ran out of memory"),
        Life::Ended => return node.status.lost("its container has ended"),
    }
    if out_of_memory {
        return node.status.lost("the kernel killed a process of it: it reached its memory limit");
    }
    if let Some(network) = node.networks.iter().find(|id| !networks.contains(id)) {
        node.status.lost(&format!("its container was taken off the network {}", network.get(..12).unwrap_or(network)));
    }
}

/// A clock that runs a little differently is followed. One that jumps is a hole.
fn follow(node: &LiveNode, distance: Distance) {
    let journal = node.status.journal();
    let shift = journal.clock().shift();
    match distance.misses(shift) {
        0 => {}
        1..=DRIFT => set(journal, distance, shift.clamp(distance.least, distance.most)),
        missed => node.status.hole(&format!(
            "its clock and the harness's have moved apart by {} ms since they were compared",
            missed / 1_000_000
        )),
    }
}

/// Compares the clocks of all nodes with the harness's, and sets the harness's right.
///
/// Returns why that cannot be done: they are not on one clock.
pub(super) async fn compare(nodes: &[Arc<LiveNode>], journal: &Journal) -> Result<(), String> {
    let mut all = Distance::UNKNOWN;
    for _ in 0..COMPARED {
        let marks = join_all(nodes.iter().map(|node| node.ping())).await;
        for (node, distance) in nodes.iter().zip(marks) {
            let Some(distance) = distance else { continue };
            all = all.and(distance).ok_or_else(|| {
                let apart = distance.misses(all.guess()) / 1_000_000;
                format!("the clock of {} is {apart} ms away from the other nodes'", node.name())
            })?;
        }
    }
    if all != Distance::UNKNOWN {
        // A distance that is possible is kept: at first, none.
        let shift = Some(journal.clock().shift()).filter(|shift| all.misses(*shift) == 0);
        set(journal, all, shift.unwrap_or_else(|| all.guess()));
    }
    Ok(())
}

/// How often: the shortest of a few ways there and back tells most.
const COMPARED: usize = 3;

fn set(journal: &Journal, distance: Distance, shift: i64) {
    journal.clock().set_shift(shift);
    journal.note(None, Seen::Clock { shift, error: distance.error(shift) });
}
