//! The kernel's main route table, both families, and the addresses of `lo`. A notification says when it changed, a fresh dump says what changed:
//! notifications of IPv6 multipath routes name one next hop at a time, and some changes of IPv4 have none of their own.

mod addresses;
mod dump;
mod monitor;
mod table;

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::IpAddr;

use anyhow::Context as _;
use protocol::Observation;

use self::dump::Dumper;
use self::monitor::{Heard, Monitor};
use self::table::Table;
use crate::report::Reporter;
use crate::{clock, observer};

/// Reports the table as it is, and from then on its changes.
pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<()> {
    // Subscribed before the first dump, so that no change falls between.
    let monitor = Monitor::subscribe().context("rtnetlink multicast")?;
    let mut watch =
        Watch { dumper: Dumper::open()?, known: Table::new(), bound: BTreeSet::new(), reporter: reporter.clone() };
    watch.compare(clock::monotonic())?;
    observer::watch("fib", reporter, move || watch.run(&monitor))?;
    Ok(())
}

struct Watch {
    dumper: Dumper,
    known: Table,
    bound: BTreeSet<IpAddr>,
    reporter: Reporter,
}

impl Watch {
    fn run(&mut self, monitor: &Monitor) -> anyhow::Result<Infallible> {
        loop {
            let at = self.hear(monitor, None)?.unwrap_or_else(clock::monotonic);
            self.compare(at)?;
            // The kernel announces the removal of an IPv4 route just before it removes it: once it is quiet, look again.
            let mut last = at;
            while let Some(at) = self.hear(monitor, Some(monitor::SETTLED))? {
                self.compare(at)?;
                last = at;
            }
            self.compare(last)?;
        }
    }

    /// Waits for notifications, at most for `patience`; returns when the first of them was read.
    fn hear(&self, monitor: &Monitor, patience: Option<u16>) -> anyhow::Result<Option<u64>> {
        match monitor.wait(patience)? {
            Heard::Nothing => Ok(None),
            Heard::Change => {
                let at = clock::monotonic();
                if monitor.drain()? {
                    self.overflow();
                }
                Ok(Some(at))
            }
        }
    }

    fn overflow(&self) {
        self.reporter.report(Observation::Overflow { observer: "fib".into(), lost: 0 });
    }

    fn compare(&mut self, at: u64) -> anyhow::Result<()> {
        let bound = addresses::read(&self.dumper.addresses()?);
        for (address, present) in addresses::changes(&self.bound, &bound) {
            self.reporter.report_at(at, Observation::Address { address, present });
        }
        self.bound = bound;
        let found = table::read(&self.dumper.routes()?, dump::interface_name);
        for (prefix, entry) in table::changes(&self.known, &found) {
            let (protocol, next_hops) = (entry.protocol, entry.next_hops);
            self.reporter.report_at(at, Observation::Fib { prefix, protocol, next_hops });
        }
        self.known = found;
        Ok(())
    }
}
