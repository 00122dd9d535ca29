//! The kernel's main route table, both families, and the addresses of `lo`. A notification says when it changed, a fresh dump
//! says what changed: notifications of IPv6 multipath routes name one next hop at a time, and some changes of IPv4 have none
//! of their own.
//!
//! Threads that do nothing but listen are asleep when a notification comes, and so know when it came; another one dumps.

mod addresses;
mod dump;
mod monitor;
mod pairs;
mod stamps;
mod table;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use protocol::Observation;

use self::dump::Dumper;
use self::monitor::Heard;
pub(crate) use self::monitor::Monitor;
use self::pairs::Pairs;
use self::stamps::Stamps;
use self::table::{Entry, Table};
use crate::clock::{self, Wakes};
use crate::observer;
use crate::report::Reporter;

/// Who listens. Of the stamps that they give to a notification the latest holds: they err to the early side, when one that had
/// to wait for a processor finds several notifications, or when its account of waiting is wrong.
pub(crate) const LISTENERS: [&str; 2] = ["rtnetlink 1", "rtnetlink 2"];

/// How long without a notification until the table is taken to be settled.
const SETTLED: Duration = Duration::from_millis(3);
/// How long a listener is waited for that has not heard what another one has, or what a dump shows.
const BEHIND: Duration = Duration::from_millis(100);

/// Reports the table as it is, and from then on its changes.
pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<()> {
    let (sender, notifications) = channel();
    // Subscribed before the first dump, so that no change falls between.
    for (by, name) in LISTENERS.into_iter().enumerate() {
        let monitor = Monitor::subscribe().context("rtnetlink multicast")?;
        let sender = sender.clone();
        observer::watch(name, reporter, move || listen(by, &monitor, &sender))?;
    }
    let mut watch = Watch {
        dumper: Dumper::open()?,
        known: Table::new(),
        bound: BTreeSet::new(),
        pairs: Pairs::default(),
        reporter: reporter.clone(),
    };
    let mut stamps = Stamps::new(clock::monotonic());
    watch.compare(&mut stamps, true)?;
    watch.compare_addresses(&stamps, true)?;
    observer::watch("fib", reporter, move || watch.run(&notifications))?;
    Ok(())
}

fn listen(by: usize, monitor: &Monitor, to: &Sender<(usize, Heard)>) -> anyhow::Result<Infallible> {
    let mut wakes = Wakes::of_this_thread();
    loop {
        let heard = monitor.hear(&mut wakes).context("rtnetlink notifications")?;
        to.send((by, heard)).context("nobody dumps the tables any more")?;
    }
}

struct Watch {
    dumper: Dumper,
    known: Table,
    bound: BTreeSet<IpAddr>,
    pairs: Pairs,
    reporter: Reporter,
}

impl Watch {
    fn run(&mut self, notifications: &Receiver<(usize, Heard)>) -> anyhow::Result<Infallible> {
        loop {
            let first = notifications.recv().context("nobody hears notifications any more")?;
            let mut stamps = Stamps::new(first.1.at);
            self.take(first, notifications, &mut stamps)?;
            let mut waiting: Option<Instant> = None;
            loop {
                match notifications.recv_timeout(SETTLED) {
                    Ok(heard) => self.take(heard, notifications, &mut stamps)?,
                    // The kernel announces the removal of an IPv4 route just before it removes it: once it is quiet, look again.
                    Err(RecvTimeoutError::Timeout) => {
                        let forced = waiting.is_some_and(|since| since.elapsed() > BEHIND);
                        let unannounced =
                            self.compare(&mut stamps, forced)? | self.compare_addresses(&stamps, forced)?;
                        if forced || (!unannounced && stamps.is_complete()) {
                            break;
                        }
                        waiting.get_or_insert_with(Instant::now);
                    }
                    Err(RecvTimeoutError::Disconnected) => bail!("nobody hears notifications any more"),
                }
            }
            for (at, prefix, Entry { protocol, next_hops }) in stamps.flaps(&self.known) {
                self.reporter.report_at(at, Observation::Fib { prefix, protocol, next_hops });
            }
        }
    }

    /// Takes in a notification, and all that have come since, and looks what they changed.
    fn take(
        &mut self,
        first: (usize, Heard),
        others: &Receiver<(usize, Heard)>,
        stamps: &mut Stamps,
    ) -> anyhow::Result<()> {
        for (by, heard) in std::iter::once(first).chain(others.try_iter()) {
            for &(address, present) in &heard.addresses {
                if let Some((at, present)) = self.pairs.hear(by, address, heard.at, present) {
                    self.bind(at, address, present);
                }
            }
            if heard.dropped {
                self.reporter.report_at(heard.at, Observation::Overflow { observer: "fib".into(), lost: 0 });
                self.pairs.clear();
            }
            stamps.hear(by, heard);
        }
        self.compare(stamps, false).map(drop)
    }

    /// Reports an address, if that is news.
    fn bind(&mut self, at: u64, address: IpAddr, present: bool) {
        let news = if present { self.bound.insert(address) } else { self.bound.remove(&address) };
        if news {
            self.reporter.report_at(at, Observation::Address { address, present });
        }
    }

    /// Reports the routes that differ; returns whether there are others that no notification has named yet. These have happened just
    /// now, and it is on its way, unless none has come for long: then it is a change that has none of its own, or a full queue has
    /// lost it, and is `forced`.
    fn compare(&mut self, stamps: &mut Stamps, forced: bool) -> anyhow::Result<bool> {
        let found = table::read(&self.dumper.routes()?, dump::interface_name);
        let mut unannounced = false;
        for (prefix, entry) in table::changes(&self.known, &found) {
            let Some(at) = stamps.take(prefix, forced) else {
                unannounced = true;
                continue;
            };
            match found.get(&prefix) {
                Some(_) => self.known.insert(prefix, entry.clone()),
                None => self.known.remove(&prefix),
            };
            let (protocol, next_hops) = (entry.protocol, entry.next_hops);
            self.reporter.report_at(at, Observation::Fib { prefix, protocol, next_hops });
        }
        Ok(unannounced)
    }

    /// The same for addresses, whose coming and going is always announced.
    fn compare_addresses(&mut self, stamps: &Stamps, forced: bool) -> anyhow::Result<bool> {
        let bound = addresses::read(&self.dumper.addresses()?);
        let changes = addresses::changes(&self.bound, &bound);
        if forced {
            let lost = changes.iter().filter(|(address, _)| !self.pairs.waits(*address));
            for &(address, present) in lost.collect::<Vec<_>>() {
                self.bind(stamps.last(), address, present);
            }
        }
        Ok(!changes.is_empty())
    }
}
