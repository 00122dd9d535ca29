//! The one file that waits.

use std::time::Duration;

/// Waits for a while: a late answer is what was ordered.
#[expect(clippy::disallowed_methods, reason = "a delay is not a wait for something else")]
pub(crate) async fn delay(span: Duration) {
    tokio::time::sleep(span).await;
}
