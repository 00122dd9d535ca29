//! Signals that end a run.

use std::process::exit;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::exit::{INTERRUPTED, say};

/// How long the run may take to notice. One that is stuck, in a terminal that takes no more text or a loop, is left: its nodes end by
/// themselves, and its reaper takes the rest.
const NOTICE: Duration = Duration::from_secs(1);

/// How long the teardown may take; then, too, the reaper goes on alone.
const TEARDOWN: Duration = Duration::from_secs(120);

/// Completes at the first signal that asks this process to end, with its name. From then on the process ends within [`TEARDOWN`], or
/// at once when another signal comes.
///
/// # Errors
/// The handlers cannot be installed.
pub(super) fn interrupted() -> std::io::Result<impl Future<Output = &'static str>> {
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut hup = signal(SignalKind::hangup())?;
    let (first, told) = oneshot::channel();
    let noticed = Arc::new(AtomicBool::new(false));
    let notices = Arc::clone(&noticed);
    let _detached = tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = int.recv() => "SIGINT",
                _ = term.recv() => "SIGTERM",
                _ = hup.recv() => "SIGHUP",
            }
        };
        let name = next().await;
        // A terminal that takes no text must not hold this task.
        let _said = tokio::task::spawn_blocking(move || say(&format!("{name}: taking the lab down")));
        let _finished = first.send(name);
        let again = timeout(NOTICE, next()).await.is_ok();
        if !again && noticed.load(Ordering::Acquire) {
            let _again_or_late = timeout(TEARDOWN, next()).await;
        }
        exit(i32::from(INTERRUPTED));
    });
    Ok(async move {
        match told.await {
            Ok(name) => {
                notices.store(true, Ordering::Release);
                name
            }
            Err(_) => std::future::pending().await,
        }
    })
}
