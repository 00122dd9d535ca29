//! Answers that leave this node's port 53 and do not say by NSID who gave them: the wire knows.
//!
//! What says so needs no second witness, and is not reported: an ordinary lab has no such answers.

use std::collections::BTreeSet;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use protocol::Observation;

use crate::bell::MarkBell;
use crate::bgp::{self, Capture, Packet, Passes};
use crate::mark::Stage;
use crate::report::Reporter;
use crate::{clock, observer};

const UDP: u8 = 17;
/// Source port, destination port, length, checksum (RFC 768).
const UDP_HEADER: usize = 8;
/// RFC 1035, section 4.1.1.
const DNS_HEADER: usize = 12;
/// The EDNS option of the name server identifier (RFC 5001, section 2.3).
const NSID: u16 = 3;

/// The addresses of `lo`.
pub(crate) type Own = Arc<Mutex<BTreeSet<IpAddr>>>;

/// Watches from now on. `node` is the host name; answers from other addresses than `own` are only forwarded here.
pub(crate) fn observe(node: &str, own: Own, reporter: &Reporter) -> anyhow::Result<()> {
    let capture = Capture::open(Passes::DnsAnswers)?;
    let (to, bell) = (reporter.clone(), MarkBell::new()?);
    let rung = Arc::clone(&bell);
    let membership = reporter.marks().join_with(Stage::Kernel, "served", move |pass| rung.ring(pass));
    let nsid = nsid(node);
    observer::watch("served", reporter, move || {
        let _membership = membership;
        run(capture, &bell, &nsid, &own, &to)
    })?;
    Ok(())
}

fn run(
    mut capture: Capture,
    bell: &MarkBell,
    nsid: &[u8],
    own: &Mutex<BTreeSet<IpAddr>>,
    reporter: &Reporter,
) -> anyhow::Result<Infallible> {
    loop {
        capture.wait(bell)?;
        let marks = bell.answer();
        let began = clock::monotonic();
        while let Some(Packet { at, sent, on_loopback, lost, data, .. }) = capture.receive()? {
            if lost > 0 {
                reporter.report(Observation::Overflow { observer: "served".into(), lost });
            }
            // What a health check on this node asks is of no interest.
            if sent
                && !on_loopback
                && let Some(Answer { to, client, id }) = anonymous(data, nsid)
                && own.lock().unwrap_or_else(PoisonError::into_inner).contains(&to)
            {
                reporter.report_at(at, Observation::Served { to, client, id });
            }
            if !marks.is_empty() && at > began {
                break;
            }
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
struct Answer {
    to: IpAddr,
    client: SocketAddr,
    id: u16,
}

/// The option as this node sends it.
fn nsid(node: &str) -> Vec<u8> {
    let length = u16::try_from(node.len()).unwrap_or(u16::MAX);
    [&NSID.to_be_bytes()[..], &length.to_be_bytes(), node.as_bytes()].concat()
}

/// Reads a DNS answer from an IP packet; none if it is no answer, or says by NSID that this node gave it.
fn anonymous(packet: &[u8], nsid: &[u8]) -> Option<Answer> {
    let (to, from, udp) = bgp::payload(packet, UDP)?;
    let port = u16::from_be_bytes([*udp.get(2)?, *udp.get(3)?]);
    let dns = udp.get(UDP_HEADER..).filter(|dns| dns.len() >= DNS_HEADER)?;
    let is_answer = dns[2] & 0x80 != 0;
    let signed = dns.windows(nsid.len()).any(|window| window == nsid);
    let id = u16::from_be_bytes([dns[0], dns[1]]);
    (is_answer && !signed).then_some(Answer { to, client: SocketAddr::new(from, port), id })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packet(flags: u8, tail: &[u8]) -> Vec<u8> {
        let dns = [&[0x12, 0x34, flags, 0, 0, 0, 0, 0, 0, 0, 0, 0][..], tail].concat();
        let length = (UDP_HEADER + dns.len()) as u16;
        let udp = [&[0, 53, 0x9c, 0x40][..], &length.to_be_bytes(), &[0, 0], &dns].concat();
        let total = (20 + udp.len()) as u16;
        let ip = [&[0x45, 0][..], &total.to_be_bytes(), &[0, 1, 0, 0, 64, UDP, 0, 0, 10, 1, 53, 1, 10, 0, 0, 9]];
        [ip.concat(), udp].concat()
    }

    #[test]
    fn an_answer_without_this_node_s_nsid_is_told_and_one_with_it_is_not() {
        let own = nsid("ns1");
        let told = Answer { to: IpAddr::from([10, 1, 53, 1]), client: "10.0.0.9:40000".parse().unwrap(), id: 0x1234 };
        assert_eq!(anonymous(&packet(0x84, b""), &own), Some(told));
        assert_eq!(anonymous(&packet(0x84, &own), &own), None);
        assert!(anonymous(&packet(0x84, &nsid("ns10")), &own).is_some(), "another name that begins the same");
        assert_eq!(anonymous(&packet(0x04, b""), &own), None, "a query");
    }

    #[test]
    fn what_is_cut_off_is_no_answer() {
        let whole = packet(0x84, b"");
        for length in 0..whole.len() {
            assert_eq!(anonymous(&whole[..length], &nsid("ns1")), None, "{length} bytes");
        }
    }
}
