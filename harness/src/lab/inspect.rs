//! What the nodes show when something is wrong.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use protocol::{Action, Inspection};

use super::Lab;

/// What a node is given to show its state.
const PATIENCE: Duration = Duration::from_secs(5);

impl Lab<'_> {
    /// Has every node show its state; or why one does not. A node that does not answer costs [`PATIENCE`], and no verdict.
    pub async fn inspect(&self) -> BTreeMap<String, Result<Inspection, String>> {
        let one = async |name: &str| {
            let shown = tokio::time::timeout(PATIENCE, self.act(name, Action::Inspect)).await;
            let effect = shown.map_err(|_| format!("it did not answer within {} s", PATIENCE.as_secs()))?;
            let effect = effect.map_err(|error| error.to_string())?;
            serde_json::from_str(&effect.detail).map_err(|error| format!("its answer is not readable: {error}"))
        };
        let shown = join_all(self.nodes.keys().map(|name| one(name))).await;
        self.nodes.keys().cloned().zip(shown).collect()
    }
}
