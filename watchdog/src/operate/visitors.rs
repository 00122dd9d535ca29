//! Who connects to the watchdog: so many at a time, and no failed accept ends the listening.

use std::io;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::time::interval;

/// So many may be connected; more wait for their turn.
pub(super) const CLIENTS: usize = 8;

/// An accept that failed is tried again after this time.
const RETRY: Duration = Duration::from_millis(100);

/// Serves whoever `accept` brings, each in a task of its own. Goes on until the future is dropped.
pub(super) async fn receive<C, S>(
    mut accept: impl FnMut(&mut Context<'_>) -> Poll<io::Result<C>>,
    serve: impl Fn(C) -> S,
) where
    S: Future<Output = ()> + Send + 'static,
{
    let clients = Arc::new(Semaphore::new(CLIENTS));
    let mut retry = interval(RETRY);
    loop {
        let Ok(free) = Arc::clone(&clients).acquire_owned().await else { return };
        let Ok(client) = std::future::poll_fn(&mut accept).await else {
            // No file descriptor is free: so it is until one is closed.
            retry.tick().await;
            continue;
        };
        let served = serve(client);
        tokio::spawn(async move {
            served.await;
            drop(free);
        });
    }
}
