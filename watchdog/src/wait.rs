//! The room that waits, besides what pulses and timers say: named, so that every wait for nothing but time is found.

use std::time::Duration;

/// Waits.
#[expect(clippy::disallowed_methods, reason = "this is the room that waits")]
pub(crate) async fn pause(length: Duration) {
    tokio::time::sleep(length).await;
}
