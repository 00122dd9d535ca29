//! BGP as it crosses the wire: TCP on port 179 of every interface, reassembled into messages.

mod capture;
mod filter;
mod framing;
mod segment;
mod stream;
mod tracker;

use std::convert::Infallible;

use protocol::Observation;

pub(crate) use self::capture::Capture;
use self::tracker::Tracker;
use crate::observer;
use crate::report::Reporter;

/// TCP's port of BGP (RFC 4271, section 8.2.1).
const PORT: u16 = 179;

/// Captures from now on.
pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<()> {
    let capture = Capture::open()?;
    let to = reporter.clone();
    observer::watch("bgp", reporter, move || run(capture, &to))?;
    Ok(())
}

fn run(mut capture: Capture, reporter: &Reporter) -> anyhow::Result<Infallible> {
    let mut tracker = Tracker::default();
    loop {
        let packet = capture.receive()?;
        if packet.lost > 0 {
            reporter.report(Observation::Overflow { observer: "bgp".into(), lost: packet.lost });
        }
        if !packet.counts {
            continue;
        }
        if let Some(segment) = segment::parse(packet.data) {
            for saw in tracker.track(&segment, packet.sent, packet.at) {
                reporter.report_at(packet.at, saw);
            }
        }
    }
}
