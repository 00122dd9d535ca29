//! The one room that waits.

use std::time::Duration;

/// Waits for a while.
#[expect(clippy::disallowed_methods, reason = "this is the room that waits")]
pub(crate) async fn pause(span: Duration) {
    tokio::time::sleep(span).await;
}

/// Between two looks at a history that grows: what is seen is stamped where it happens, so that this delays a verdict and
/// never shifts it.
pub(crate) const TICK: Duration = Duration::from_millis(20);
