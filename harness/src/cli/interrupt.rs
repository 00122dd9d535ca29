//! Signals that end a run.

use tokio::signal::unix::{SignalKind, signal};

use super::exit;

/// Completes at the first signal that asks this process to end, with its name. A second one ends it at once: nodes then end by
/// themselves, and networks are swept at the next start.
///
/// # Errors
/// The handlers cannot be installed.
pub(super) fn interrupted() -> std::io::Result<impl Future<Output = &'static str>> {
    let mut int = signal(SignalKind::interrupt())?;
    let mut term = signal(SignalKind::terminate())?;
    let mut hup = signal(SignalKind::hangup())?;
    let (first, told) = tokio::sync::oneshot::channel();
    let _detached = tokio::spawn(async move {
        let mut next = async || {
            tokio::select! {
                _ = int.recv() => "SIGINT",
                _ = term.recv() => "SIGTERM",
                _ = hup.recv() => "SIGHUP",
            }
        };
        let name = next().await;
        let _finished = first.send(name);
        next().await;
        std::process::exit(i32::from(exit::INTERRUPTED));
    });
    Ok(async {
        match told.await {
            Ok(name) => name,
            Err(_) => std::future::pending().await,
        }
    })
}
