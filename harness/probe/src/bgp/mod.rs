//! BGP as it crosses the wire: TCP on port 179 of every interface, reassembled into messages.

mod capture;
mod filter;
mod framing;
mod segment;
mod stream;
mod tracker;

use std::convert::Infallible;
use std::sync::Arc;

use protocol::Observation;

pub(crate) use self::capture::{Capture, Packet};
pub(crate) use self::filter::Passes;
pub(crate) use self::segment::payload;
use self::tracker::Tracker;
use crate::bell::MarkBell;
use crate::mark::Stage;
use crate::report::Reporter;
use crate::{clock, observer};

/// TCP's port of BGP (RFC 4271, section 8.2.1).
const PORT: u16 = 179;

/// Captures from now on.
pub(crate) fn observe(reporter: &Reporter) -> anyhow::Result<()> {
    let capture = Capture::open(Passes::Bgp)?;
    let (to, bell) = (reporter.clone(), MarkBell::new()?);
    let rung = Arc::clone(&bell);
    let membership = reporter.marks().join_with(Stage::Kernel, "bgp", move |pass| rung.ring(pass));
    observer::watch("bgp", reporter, move || {
        let _membership = membership;
        run(capture, &bell, &to)
    })?;
    Ok(())
}

fn run(mut capture: Capture, bell: &MarkBell, reporter: &Reporter) -> anyhow::Result<Infallible> {
    let mut tracker = Tracker::default();
    loop {
        capture.wait(bell)?;
        let marks = bell.answer();
        let began = clock::monotonic();
        while let Some(packet) = capture.receive()? {
            let at = packet.at;
            take(&packet, &mut tracker, reporter);
            // On a busy wire the queue is never empty: what came after the marks is not theirs.
            if !marks.is_empty() && at > began {
                break;
            }
        }
    }
}

fn take(packet: &Packet<'_>, tracker: &mut Tracker, reporter: &Reporter) {
    if packet.lost > 0 {
        reporter.report(Observation::Overflow { observer: "bgp".into(), lost: packet.lost });
    }
    if !packet.counts {
        return;
    }
    if let Some(segment) = segment::parse(packet.data) {
        for saw in tracker.track(&segment, packet.sent, packet.at) {
            reporter.report_at(packet.at, saw);
        }
    }
}
