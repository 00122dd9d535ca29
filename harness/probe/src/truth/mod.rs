//! `anycast-lab-probe truth ...`: things that happen at known times, against which a test holds what the probe reported.
//!
//! Each line of its output is one thing: what, and CLOCK_MONOTONIC right before and right after it.

mod change;
mod exit;
mod listeners;
mod overflow;
mod queries;
mod tables;

use std::time::Duration;

use anyhow::{Context as _, bail};

use crate::clock;

/// Makes happen what the arguments name.
pub(crate) fn run(mut arguments: impl Iterator<Item = String>) -> anyhow::Result<()> {
    let what = arguments.next().unwrap_or_default();
    if what == "change" {
        return change::change(arguments);
    }
    let mut number = |name: &str| -> anyhow::Result<u32> {
        let text = arguments.next().with_context(|| format!("truth {what}: {name} is missing"))?;
        text.parse().with_context(|| format!("truth {what}: expected {name}, found `{text}`"))
    };
    match what.as_str() {
        "routes" => tables::routes(number("how many")?),
        "addresses" => tables::addresses(number("how many")?),
        "exit" => exit::exit(),
        "queries" => queries::answer(number("how many")?),
        "overflow" => overflow::overflow(),
        _ => bail!("truth: expected routes, addresses, change, exit, queries or overflow, found `{what}`"),
    }
}

/// When something was done.
struct Moment {
    before: u64,
    after: u64,
}

impl Moment {
    fn of<T>(deed: impl FnOnce() -> T) -> (Self, T) {
        let before = clock::monotonic();
        let done = deed();
        (Self { before, after: clock::monotonic() }, done)
    }

    fn print(&self, what: &str) {
        println!("{what} {} {}", self.before, self.after);
    }
}

/// A while in which nothing happens, of another length each time: no timer's beat is met again and again.
fn pause(nth: u32) {
    // Things that happen at once cannot be told apart.
    sleep(Duration::from_micros(7_000 + u64::from(nth) * 1_237 % 6_000));
}

#[expect(clippy::disallowed_methods, reason = "there is no event to wait for: this is what makes the events")]
fn sleep(length: Duration) {
    std::thread::sleep(length);
}
