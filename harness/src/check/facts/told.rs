//! What one node's daemons did and said.

use std::collections::BTreeSet;
use std::net::IpAddr;

use protocol::TcpEvent;

use crate::check::phases::detects;
use crate::history::{BgpMessage, Event, Seen};
use crate::plan::Plan;

/// What one node's daemons did and said, in the order of its clock.
#[derive(Default)]
pub(in crate::check) struct Told {
    /// Daemons that started and ended; a watchdog that says that it withdraws; UPDATEs, and what ends them; what cannot be read.
    pub(in crate::check) events: Vec<Event>,
    /// When its watchdog wrote a line; nanoseconds.
    pub(in crate::check) wrote: Vec<u64>,
    /// The addresses that `lo` lost: which one, when, and when it came back (or never).
    pub(in crate::check) absences: Vec<(IpAddr, u64, u64)>,
    /// The peers to which it has announced something in a session that has not ended since.
    announced: BTreeSet<IpAddr>,
}

impl Told {
    pub(super) const fn nothing() -> Self {
        Self { events: Vec::new(), wrote: Vec::new(), absences: Vec::new(), announced: BTreeSet::new() }
    }

    pub(super) fn take(&mut self, plan: &Plan, event: &Event) {
        let keep = match &event.saw {
            Seen::Exited { .. } | Seen::Started { .. } => true,
            Seen::Line { daemon, .. } => {
                if daemon == "watchdog" {
                    self.wrote.push(event.at);
                }
                detects(&event.saw)
            }
            Seen::Bgp { src, sent: true, message: BgpMessage::Malformed(_), .. } => is_own(plan, event, src.ip()),
            Seen::Bgp { src, dst, sent: true, message: BgpMessage::Update { announced, .. }, .. } => {
                let own = is_own(plan, event, src.ip());
                if own && !announced.is_empty() {
                    self.announced.insert(dst.ip());
                }
                own
            }
            // What was said in a session ends with it; where nothing was, there is nothing to end.
            Seen::Bgp { src, dst, message: BgpMessage::Notification { .. }, .. }
            | Seen::Tcp { src, dst, event: TcpEvent::Fin | TcpEvent::Rst, .. } => {
                let ended = [src.ip(), dst.ip()].map(|peer| self.announced.remove(&peer));
                ended.contains(&true)
            }
            Seen::Address { address, present } => {
                self.address(*address, *present, event.at);
                false
            }
            _ => false,
        };
        if keep {
            self.events.push(event.clone());
        }
    }

    fn address(&mut self, address: IpAddr, present: bool, at: u64) {
        let open = self.absences.iter_mut().rev().find(|(its, _, back)| (*its, *back) == (address, u64::MAX));
        match (open, present) {
            (Some((.., back)), true) => *back = at,
            (None, false) => self.absences.push((address, at, u64::MAX)),
            _ => {}
        }
    }
}

fn is_own(plan: &Plan, event: &Event, address: IpAddr) -> bool {
    plan.owner_of(address) == event.node.as_deref()
}
