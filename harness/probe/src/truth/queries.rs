//! A server that answers every other query, and says when it got each and when it answered.

use std::io::IoSliceMut;
use std::net::{Ipv4Addr, UdpSocket};
use std::os::fd::AsRawFd as _;

use anyhow::Context as _;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn, recvmsg, setsockopt, sockopt};
use nix::sys::time::TimeSpec;

use super::Moment;
use crate::clock;

/// An address of `lo` that no other server has.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 53);

/// Takes so many queries: on `lo` the kernel stamps one as it is sent.
pub(super) fn answer(queries: u32) -> anyhow::Result<()> {
    let socket = UdpSocket::bind((ADDRESS, 53)).with_context(|| format!("{ADDRESS}, port 53"))?;
    setsockopt(&socket, sockopt::ReceiveTimestampns, &true).context("SO_TIMESTAMPNS")?;
    let mut control = nix::cmsg_space!(TimeSpec);
    let mut nth = 0;
    while nth < queries {
        let mut octets = [0; 512];
        let mut slices = [IoSliceMut::new(&mut octets)];
        let received = recvmsg::<SockaddrIn>(socket.as_raw_fd(), &mut slices, Some(&mut control), MsgFlags::empty())?;
        let stamp = received.cmsgs()?.find_map(|control| match control {
            ControlMessageOwned::ScmTimestampns(stamp) => Some(clock::of_packet(stamp)),
            _ => None,
        });
        let at = stamp.context("the kernel gave no stamp")?;
        let (length, from) = (received.bytes, received.address.context("a query from nowhere")?);
        // Who the server is (RFC 4892) is a question beside the train.
        if is_chaos(&octets[..length]) {
            continue;
        }
        let what = if nth.is_multiple_of(2) { "answered" } else { "dropped" };
        println!("{what} {at} {at}");
        if nth.is_multiple_of(2) {
            // The flag that makes an answer of a query (RFC 1035, section 4.1.1: QR).
            octets[2] |= 0x80;
            let to = std::net::SocketAddrV4::from(from);
            let (moment, sent) = Moment::of(|| socket.send_to(&octets[..length], to));
            sent?;
            moment.print("reply");
        }
        nth += 1;
    }
    Ok(())
}

/// Whether a query is of class CH (RFC 1035, section 3.2.4): the class stands behind the name and the type.
fn is_chaos(query: &[u8]) -> bool {
    let mut at = 12;
    while let Some(length @ 1..) = query.get(at) {
        at += 1 + usize::from(*length);
    }
    query.get(at + 3..at + 5) == Some(&[0, 3])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_read_behind_the_name() {
        let query = |class: u8| [&[0; 12][..], b"\x02id\x06server\0", &[0, 16, 0, class]].concat();
        assert!(is_chaos(&query(3)) && !is_chaos(&query(1)) && !is_chaos(&[0; 12]));
    }
}
