//! Queues of the kernel that run over, on the probe's own sockets with less room.

use std::net::{IpAddr, Ipv4Addr, TcpListener, TcpStream};

use anyhow::{Context as _, ensure};
use netlink_packet_route::RouteNetlinkMessage;

use super::tables::{Kernel, unreachable};
use crate::bgp::{Capture, Passes};
use crate::clock::Wakes;
use crate::fib::Monitor;

/// The kernel makes more of so little, but not enough.
const ROOM: usize = 1;
const BURST: u32 = 500;

/// Lets each run over, and says what was said of it.
pub(super) fn overflow() -> anyhow::Result<()> {
    let monitor = Monitor::with_room_for(ROOM)?;
    let mut kernel = Kernel::open()?;
    for nth in 0..BURST {
        let route = unreachable(IpAddr::from(Ipv4Addr::from(u32::from(Ipv4Addr::new(198, 18, 0, 0)) + nth)))?;
        kernel.ask(RouteNetlinkMessage::NewRoute(route.clone()))?.1?;
        kernel.ask(RouteNetlinkMessage::DelRoute(route))?.1?;
    }
    let heard = monitor.hear(&mut Wakes::of_this_thread())?;
    ensure!(heard.dropped, "{BURST} routes came and went unheard, and nothing was said of it");
    println!("fib: {} of {} notifications were heard, and that some were not", heard.routes.len(), 2 * BURST);

    let mut capture = Capture::with_room_for(Passes::Bgp, ROOM)?;
    let _listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 179)).context("port 179 of lo")?;
    let connect = || TcpStream::connect((Ipv4Addr::LOCALHOST, 179)).context("port 179 of lo");
    for _ in 0..BURST / 10 {
        drop(connect()?);
    }
    let (mut seen, mut lost) = (0, 0);
    // What was dropped is told with the next packet that has room.
    let mut connections = BURST / 10;
    while lost == 0 {
        match capture.receive()? {
            Some(packet) => (seen, lost) = (seen + 1, packet.lost),
            None => {
                drop(connect()?);
                connections += 1;
            }
        }
        ensure!(connections < BURST, "{seen} packets were seen, and nothing was said of those that were dropped");
    }
    println!("bgp: {seen} packets were seen, {lost} were dropped");
    Ok(())
}
