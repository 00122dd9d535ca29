//! The kernel's main route table, both families, and the addresses of `lo`. A notification says when it changed, a fresh dump
//! says what changed: notifications of IPv6 multipath routes name one next hop at a time, and some changes of IPv4 have none
//! of their own.
//!
//! One thread does nothing but listen, so that it sleeps when a notification comes; another one dumps.

mod addresses;
mod dump;
mod monitor;
mod table;

use std::collections::{BTreeSet, HashMap};
use std::convert::Infallible;
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

use anyhow::{Context as _, bail};
use ipnet::IpNet;
use protocol::Observation;

use self::dump::Dumper;
use self::monitor::Heard;
pub(crate) use self::monitor::Monitor;
use self::table::Table;
use crate::clock::{self, Wakes};
use crate::observer;
use crate::report::Reporter;

/// How long without a notification until the table is taken to be settled.
const SETTLED: Duration = Duration::from_millis(3);

/// Reports the table as it is, and from then on its changes.
pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<()> {
    // Subscribed before the first dump, so that no change falls between.
    watch(Monitor::subscribe().context("rtnetlink multicast")?, reporter)
}

fn watch(monitor: Monitor, reporter: &Reporter) -> anyhow::Result<()> {
    let (sender, notifications) = channel();
    let mut watch =
        Watch { dumper: Dumper::open()?, known: Table::new(), bound: BTreeSet::new(), reporter: reporter.clone() };
    watch.compare(&mut Stamps::new(clock::monotonic()), true)?;
    observer::watch("fib", reporter, move || watch.run(&notifications))?;
    observer::watch("rtnetlink", reporter, move || {
        let mut wakes = Wakes::of_this_thread();
        loop {
            let heard = monitor.hear(&mut wakes).context("rtnetlink notifications")?;
            sender.send(heard).context("nobody dumps the tables any more")?;
        }
    })?;
    Ok(())
}

struct Watch {
    dumper: Dumper,
    known: Table,
    bound: BTreeSet<IpAddr>,
    reporter: Reporter,
}

impl Watch {
    fn run(&mut self, notifications: &Receiver<Heard>) -> anyhow::Result<Infallible> {
        loop {
            let first = notifications.recv().context("nobody hears notifications any more")?;
            let mut stamps = Stamps::new(first.at);
            self.take(first, notifications, &mut stamps)?;
            // The kernel announces the removal of an IPv4 route just before it removes it: once it is quiet, look again.
            loop {
                match notifications.recv_timeout(SETTLED) {
                    Ok(heard) => self.take(heard, notifications, &mut stamps)?,
                    Err(RecvTimeoutError::Timeout) => break,
                    Err(RecvTimeoutError::Disconnected) => bail!("nobody hears notifications any more"),
                }
            }
            self.compare(&mut stamps, true)?;
        }
    }

    /// Takes in a notification, and all that have come since, and looks what they changed.
    fn take(&mut self, first: Heard, others: &Receiver<Heard>, stamps: &mut Stamps) -> anyhow::Result<()> {
        for heard in std::iter::once(first).chain(others.try_iter()) {
            if heard.dropped {
                self.reporter.report_at(heard.at, Observation::Overflow { observer: "fib".into(), lost: 0 });
            }
            stamps.hear(heard);
        }
        self.compare(stamps, false)
    }

    /// Reports what differs. What no notification has named yet waits for one until the table is settled.
    fn compare(&mut self, stamps: &mut Stamps, settled: bool) -> anyhow::Result<()> {
        let bound = addresses::read(&self.dumper.addresses()?);
        for (address, present) in addresses::changes(&self.bound, &bound) {
            let Some(at) = stamps.take_address(address, settled) else { continue };
            self.reporter.report_at(at, Observation::Address { address, present });
            if present {
                self.bound.insert(address)
            } else {
                self.bound.remove(&address)
            };
        }
        let found = table::read(&self.dumper.routes()?, dump::interface_name);
        for (prefix, entry) in table::changes(&self.known, &found) {
            let Some(at) = stamps.take_route(prefix, settled) else { continue };
            match found.get(&prefix) {
                Some(_) => self.known.insert(prefix, entry.clone()),
                None => self.known.remove(&prefix),
            };
            let (protocol, next_hops) = (entry.protocol, entry.next_hops);
            self.reporter.report_at(at, Observation::Fib { prefix, protocol, next_hops });
        }
        Ok(())
    }
}

/// When each thing was last announced to have changed: a dump may come after the notifications of several, and before that of
/// one that it shows.
struct Stamps {
    /// What has no notification of its own changed with the last one of all.
    last: u64,
    routes: HashMap<IpNet, u64>,
    addresses: HashMap<IpAddr, u64>,
}

impl Stamps {
    fn new(last: u64) -> Self {
        Self { last, routes: HashMap::new(), addresses: HashMap::new() }
    }

    fn hear(&mut self, heard: Heard) {
        self.last = heard.at;
        self.routes.extend(heard.prefixes.into_iter().map(|prefix| (prefix, heard.at)));
        self.addresses.extend(heard.addresses.into_iter().map(|address| (address, heard.at)));
    }

    /// When the route changed; none if that is to be announced yet. A stamp is used once: the next change has its own.
    fn take_route(&mut self, prefix: IpNet, settled: bool) -> Option<u64> {
        self.routes.remove(&prefix).or_else(|| settled.then_some(self.last))
    }

    fn take_address(&mut self, address: IpAddr, settled: bool) -> Option<u64> {
        self.addresses.remove(&address).or_else(|| settled.then_some(self.last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_thing_has_the_stamp_of_its_own_notification_once() {
        let [a, b]: [IpNet; 2] = ["10.0.0.1/32", "2001:db8::/64"].map(|text| text.parse().unwrap());
        let mut stamps = Stamps::new(1);
        stamps.hear(Heard { at: 2, prefixes: vec![a], ..Heard::default() });
        stamps.hear(Heard { at: 3, addresses: vec![b.addr()], ..Heard::default() });
        assert_eq!(stamps.take_route(a, false), Some(2));
        assert_eq!(stamps.take_address(b.addr(), false), Some(3));
        // Not announced yet, or never: a link that went down.
        assert_eq!(stamps.take_route(a, false), None);
        assert_eq!(stamps.take_route(b, false), None);
        assert_eq!(stamps.take_route(b, true), Some(3));
        assert_eq!(stamps.take_address(b.addr(), true), Some(3));
    }
}
