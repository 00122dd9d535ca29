//! The guard: a container in the host's network namespace that keeps the lab's networks and the host apart.
//!
//! A node drops what the host sends, and a root process in the node can undo that. The guard's rules are out of its reach
//! (`harness/probe/src/guard/`), and go with the guard's container.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::BoxStream;
use tokio::io::{AsyncWrite, AsyncWriteExt as _};
use tokio::time::timeout;

use super::error::LabError;
use super::up::PROBE;
use crate::engine::{Bridge, Chunk, Engine, EngineError, Limits, Network, NodeSpec, Place};
use crate::history::{Journal, Seen};
use crate::observe::Lines;
use crate::owner::Labels;

/// Set to `1`: labs run without a guard, on an engine or a kernel that cannot have one.
pub(super) const UNGUARDED: &str = "ANYCAST_LAB_UNGUARDED";

/// How long the rules of one bridge may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A guard that has covered every network of its lab.
pub(super) struct Guard {
    /// Its stdin: when this is dropped, it ends.
    _input: Box<dyn AsyncWrite + Send + Unpin>,
}

/// A guard that covers nothing yet.
pub(super) struct Recruit(Option<Started>);

struct Started {
    input: Box<dyn AsyncWrite + Send + Unpin>,
    words: Words,
}

/// What it says, line by line.
struct Words {
    output: BoxStream<'static, Result<Chunk, EngineError>>,
    lines: Lines,
    said: Vec<String>,
    complained: String,
}

impl Guard {
    /// Starts it, beside the making of the networks. `image` is any of the lab's: each has the probe and nft(8).
    ///
    /// # Errors
    /// The engine cannot start it.
    pub(super) async fn start(engine: &dyn Engine, labels: &Labels, image: Option<&str>) -> Result<Recruit, LabError> {
        let (Some(image), false) = (image, std::env::var(UNGUARDED).is_ok_and(|value| value == "1")) else {
            return Ok(Recruit(None));
        };
        let spec = NodeSpec {
            name: format!("anycast-lab-{}.guard", labels.run),
            hostname: "guard".to_owned(),
            image: image.to_owned(),
            argv: [PROBE, "guard"].map(str::to_owned).to_vec(),
            place: Place::Host,
            sysctls: BTreeMap::new(),
            labels: labels.clone(),
            limits: Limits::default(),
        };
        let node = engine.start_node(&spec).await?;
        let words = Words { output: node.output, lines: Lines::default(), said: Vec::new(), complained: String::new() };
        Ok(Recruit(Some(Started { input: node.input, words })))
    }
}

impl Recruit {
    /// Has it guard each network that has a bridge on the host. Its end before the run's is a hole in the history.
    ///
    /// # Errors
    /// A bridge cannot be guarded.
    pub(super) async fn cover(
        self,
        networks: &BTreeMap<String, Network>,
        journal: &Journal,
    ) -> Result<Option<Guard>, LabError> {
        let Some(Started { mut input, mut words }) = self.0 else { return Ok(None) };
        for bridge in networks.values().filter_map(|network| network.bridge.as_ref()) {
            let (command, bridge) = match bridge {
                Bridge::There(bridge) => (bridge.clone(), bridge),
                Bridge::WithFirstNode(bridge) => (format!("make {bridge}"), bridge),
            };
            let asked = async {
                let told = async { input.write_all(format!("{command}\n").as_bytes()).await.and(input.flush().await) };
                told.await.map_err(|error| error.to_string())?;
                words.answer(bridge).await
            };
            let answer = timeout(PATIENCE, asked).await;
            let answer = answer.unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())));
            answer.map_err(|why| LabError::Guard { why })?;
        }
        let journal = journal.clone();
        let _watching = tokio::spawn(async move {
            while words.next().await.is_some() {}
            let reason = format!("the guard of the lab's networks has ended {}", words.complained);
            journal.note(None, Seen::Hole { reason });
        });
        Ok(Some(Guard { _input: input }))
    }
}

impl Words {
    async fn answer(&mut self, bridge: &str) -> Result<(), String> {
        while let Some(line) = self.next().await {
            if line.strip_prefix("guarded ") == Some(bridge) {
                return Ok(());
            }
            if let Some(why) = line.strip_prefix("failed ") {
                return Err(why.to_owned());
            }
        }
        Err(format!("its guard has ended {}", self.complained))
    }

    async fn next(&mut self) -> Option<String> {
        while self.said.is_empty() {
            match self.output.next().await?.ok()? {
                Chunk::Stdout(octets) => self.said = self.lines.push(&octets),
                Chunk::Stderr(octets) => self.complained.push_str(&String::from_utf8_lossy(&octets)),
            }
        }
        Some(self.said.remove(0))
    }
}
