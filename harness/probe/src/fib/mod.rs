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

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use protocol::Observation;

use self::dump::Dumper;
use self::monitor::Heard;
pub(crate) use self::monitor::Monitor;
use self::pairs::Pairs;
use self::stamps::{Stamps, When};
use self::table::{Entry, Table};
use crate::clock::{self, Wakes};
use crate::mark::{Membership, Pass, Stage};
use crate::observer;
use crate::report::Reporter;
use crate::served::Own;

/// Who listens. Of the stamps that they give to a notification the latest holds: they err to the early side, when one that had
/// to wait for a processor finds several notifications, or when its account of waiting is wrong.
pub(crate) const LISTENERS: [&str; 2] = ["rtnetlink 1", "rtnetlink 2"];

/// How long without a notification until the table is taken to be settled.
const SETTLED: Duration = Duration::from_millis(3);
/// How long a listener is waited for that has not heard what another one has, or what a dump shows.
const BEHIND: Duration = Duration::from_millis(100);

/// Notifications that wait for the thread that dumps. One that does not keep up says so, as the kernel does of its own queue.
const MOST_WAITING: usize = 65_536;

/// Marks that have been sent to the listeners, by number.
type Sent = Arc<Mutex<HashMap<u32, Pass>>>;

/// Reports the table as it is, and from then on its changes. Returns the addresses of `lo`, which it keeps up to date.
pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<Own> {
    let own = Own::default();
    let (sender, notifications) = sync_channel(MOST_WAITING);
    let mut monitors = Vec::new();
    // Subscribed before the first dump, so that no change falls between.
    for (by, name) in LISTENERS.into_iter().enumerate() {
        let monitor = Arc::new(Monitor::subscribe().context("rtnetlink multicast")?);
        monitors.push(Arc::clone(&monitor));
        let (sender, to) = (sender.clone(), reporter.clone());
        observer::watch(name, reporter, move || listen(by, &monitor, &sender, &to))?;
    }
    let sent = Sent::default();
    let membership = send_marks(reporter, monitors, Arc::clone(&sent));
    let mut watch = Watch {
        dumper: Dumper::open()?,
        known: Table::new(),
        bound: BTreeSet::new(),
        own: Arc::clone(&own),
        pairs: Pairs::default(),
        marks: Marks { sent, heard: HashMap::new(), due: Vec::new() },
        dumped: clock::monotonic(),
        agreed: clock::monotonic(),
        reporter: reporter.clone(),
    };
    let mut stamps = Stamps::new(watch.dumped);
    watch.compare(&mut stamps, true)?;
    watch.compare_addresses(true)?;
    observer::watch("fib", reporter, move || {
        let _membership = membership;
        watch.run(&notifications)
    })?;
    Ok(own)
}

/// Sends each mark through the queues of the listeners.
fn send_marks(reporter: &Reporter, monitors: Vec<Arc<Monitor>>, sent: Sent) -> Membership {
    let (next, to) = (AtomicU32::new(1), reporter.clone());
    reporter.marks().join_with(Stage::Kernel, "fib", move |pass| {
        let number = next.fetch_add(1, Ordering::Relaxed);
        sent.lock().unwrap_or_else(PoisonError::into_inner).insert(number, pass);
        for monitor in &monitors {
            // The mark then does not pass in its time, which is a hole too; this says why.
            if let Err(error) = monitor.mark(number) {
                observer::broken("fib", format!("a mark could not be sent: {error}"), &to);
            }
        }
    })
}

fn listen(
    by: usize,
    monitor: &Monitor,
    to: &SyncSender<(usize, Heard)>,
    reporter: &Reporter,
) -> anyhow::Result<Infallible> {
    let mut wakes = Wakes::of_this_thread();
    loop {
        let heard = monitor.hear(&mut wakes).context("rtnetlink notifications")?;
        match to.try_send((by, heard)) {
            Ok(()) => {}
            Err(TrySendError::Full((by, heard))) => {
                reporter.report_at(heard.at, Observation::Overflow { observer: "fib".into(), lost: 0 });
                // If the kernel drops announcements while this waits, it reports an overflow.
                to.send((by, heard)).context("nobody dumps the tables any more")?;
            }
            Err(TrySendError::Disconnected(_)) => bail!("nobody dumps the tables any more"),
        }
    }
}

/// Marks on their way through the listeners.
struct Marks {
    sent: Sent,
    /// How many listeners a mark has come through.
    heard: HashMap<u32, usize>,
    /// Marks that have come through all, and pass when the tables are settled.
    due: Vec<Pass>,
}

impl Marks {
    fn hear(&mut self, number: u32) {
        let heard = self.heard.entry(number).or_default();
        *heard += 1;
        if *heard == LISTENERS.len() {
            self.heard.remove(&number);
            self.due.extend(self.sent.lock().unwrap_or_else(PoisonError::into_inner).remove(&number));
        }
    }
}

struct Watch {
    dumper: Dumper,
    known: Table,
    bound: BTreeSet<IpAddr>,
    own: Own,
    pairs: Pairs,
    marks: Marks,
    /// When the last dump of routes began.
    dumped: u64,
    /// When the last dump of addresses began that showed nothing new.
    agreed: u64,
    reporter: Reporter,
}

impl Watch {
    fn run(&mut self, notifications: &Receiver<(usize, Heard)>) -> anyhow::Result<Infallible> {
        loop {
            let first = notifications.recv().context("nobody hears notifications any more")?;
            let mut stamps = Stamps::new(self.dumped);
            self.take(first, notifications, &mut stamps)?;
            let mut waiting: Option<Instant> = None;
            loop {
                let forced = waiting.is_some_and(|since| since.elapsed() > BEHIND);
                match notifications.recv_timeout(SETTLED) {
                    Ok(heard) => {
                        self.take(heard, notifications, &mut stamps)?;
                        // Where it is never quiet, marks do not wait for quiet.
                        if self.marks.due.is_empty() || !forced {
                            if !self.marks.due.is_empty() {
                                waiting.get_or_insert_with(Instant::now);
                            }
                            continue;
                        }
                    }
                    // The kernel announces the removal of an IPv4 route just before it removes it: once it is quiet, look again.
                    Err(RecvTimeoutError::Timeout) => {}
                    Err(RecvTimeoutError::Disconnected) => bail!("nobody hears notifications any more"),
                }
                let unannounced = self.compare(&mut stamps, forced)? | self.compare_addresses(forced)?;
                if forced || (!unannounced && stamps.is_complete()) {
                    break;
                }
                waiting.get_or_insert_with(Instant::now);
            }
            for (at, prefix, Entry { protocol, next_hops }) in stamps.flaps(&self.known) {
                self.reporter.report_at(at, Observation::Fib { prefix, protocol, next_hops });
            }
            self.marks.due.clear();
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
                    self.bind(None, at, address, present);
                }
            }
            if heard.dropped {
                self.reporter.report_at(heard.at, Observation::Overflow { observer: "fib".into(), lost: 0 });
                self.pairs.clear();
            }
            heard.marks.iter().for_each(|&number| self.marks.hear(number));
            stamps.hear(by, heard);
        }
        self.compare(stamps, false).map(drop)
    }

    /// Reports an address, if that is news.
    fn bind(&mut self, since: Option<u64>, at: u64, address: IpAddr, present: bool) {
        let news = if present { self.bound.insert(address) } else { self.bound.remove(&address) };
        if news {
            self.own.lock().unwrap_or_else(PoisonError::into_inner).clone_from(&self.bound);
            self.report(When { since, at }, Observation::Address { address, present });
        }
    }

    fn report(&self, When { since, at }: When, saw: Observation) {
        match since {
            Some(since) => self.reporter.report_between(Some(since), at, saw),
            None => self.reporter.report_at(at, saw),
        }
    }

    /// Reports the routes that differ; returns whether there are others that no notification has named yet. Their notification is on its
    /// way, unless none has come for long: then it is a change that has none of its own, or a full queue has lost it, and is `forced`.
    fn compare(&mut self, stamps: &mut Stamps, forced: bool) -> anyhow::Result<bool> {
        let since = stamps.unnamed_since();
        let began = clock::monotonic();
        let found = table::read(&self.dumper.routes()?, dump::interface_name);
        let unnamed = When { since: Some(since), at: clock::monotonic() };
        stamps.dump(began);
        self.dumped = began;
        let mut unannounced = false;
        for (prefix, entry) in table::changes(&self.known, &found) {
            let Some(when) = stamps.take(prefix, unnamed, forced) else {
                unannounced = true;
                continue;
            };
            match found.get(&prefix) {
                Some(_) => self.known.insert(prefix, entry.clone()),
                None => self.known.remove(&prefix),
            };
            let (protocol, next_hops) = (entry.protocol, entry.next_hops);
            self.report(when, Observation::Fib { prefix, protocol, next_hops });
        }
        Ok(unannounced)
    }

    /// The same for addresses, whose coming and going is always announced.
    fn compare_addresses(&mut self, forced: bool) -> anyhow::Result<bool> {
        let began = clock::monotonic();
        let bound = addresses::read(&self.dumper.addresses()?);
        let at = clock::monotonic();
        let changes = addresses::changes(&self.bound, &bound);
        if forced {
            let lost = changes.iter().filter(|(address, _)| !self.pairs.waits(*address));
            for &(address, present) in lost.collect::<Vec<_>>() {
                self.bind(Some(self.agreed), at, address, present);
            }
        }
        if changes.is_empty() || forced {
            self.agreed = began;
        }
        Ok(!changes.is_empty())
    }
}
