//! Observers: an observer that ends, by error or panic, is a hole in the history, and is reported as one.

use std::any::Any;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;

use protocol::Observation;

use crate::report::Reporter;

/// Runs an observer on a thread of its own.
pub(crate) fn watch(
    name: &'static str,
    reporter: &Reporter,
    observe: impl FnOnce() -> anyhow::Result<Infallible> + Send + 'static,
) -> std::io::Result<()> {
    let reporter = reporter.clone();
    thread::Builder::new().name(name.into()).spawn(move || {
        let error = match catch_unwind(AssertUnwindSafe(observe)) {
            Ok(Ok(never)) => match never {},
            Ok(Err(error)) => format!("{error:#}"),
            Err(panic) => panic_text(&*panic),
        };
        broken(name, error, &reporter);
    })?;
    Ok(())
}

/// Runs an observer as a task.
pub(crate) fn attend(name: String, reporter: &Reporter, observe: impl Future<Output = Infallible> + Send + 'static) {
    let reporter = reporter.clone();
    let task = tokio::spawn(observe);
    tokio::spawn(async move {
        let Err(error) = task.await;
        let error = error.try_into_panic().map_or_else(|error| error.to_string(), |panic| panic_text(&*panic));
        broken(&name, error, &reporter);
    });
}

/// Reports that an observer has ended.
pub(crate) fn broken(name: &str, error: String, reporter: &Reporter) {
    reporter.report(Observation::Broken { observer: name.into(), error });
}

fn panic_text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(ToString::to_string);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("it panicked: {}", text.as_deref().unwrap_or("for no stated reason"))
}
