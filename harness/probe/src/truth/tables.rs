//! Routes and addresses that come and go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::{Context as _, bail};
use ipnet::IpNet;
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::route::{RouteMessage, RouteType};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::RouteMessageBuilder;
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

use super::{Moment, listeners, pause};
use crate::clock::Wakes;
use crate::fib::Monitor;

const LOOPBACK: u32 = 1;

/// So many routes, one after the other, each added and removed again.
pub(super) fn routes(count: u32) -> anyhow::Result<()> {
    let requests = |address| {
        let route = unreachable(address)?;
        Ok([RouteNetlinkMessage::NewRoute(route.clone()), RouteNetlinkMessage::DelRoute(route)])
    };
    happen(count, "route", requests, |_, _| Ok(()))
}

/// So many addresses of `lo`, one after the other, each added and removed again.
pub(super) fn addresses(count: u32) -> anyhow::Result<()> {
    let requests = |address| {
        let address = on_loopback(address);
        Ok([RouteNetlinkMessage::NewAddress(address.clone()), RouteNetlinkMessage::DelAddress(address)])
    };
    // The kernel announces an address of IPv6 from a thread of its own, and never one that is gone again by then.
    let (monitor, mut wakes) = (Monitor::subscribe()?, Wakes::of_this_thread());
    happen(count, "address", requests, |address, present| {
        while !monitor.hear(&mut wakes)?.addresses.contains(&(address, present)) {}
        Ok(())
    })
}

fn happen(
    count: u32,
    what: &str,
    requests: impl Fn(IpAddr) -> anyhow::Result<[RouteNetlinkMessage; 2]>,
    mut announced: impl FnMut(IpAddr, bool) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let mut kernel = Kernel::open()?;
    for nth in 0..count {
        let address = address(nth);
        for (deed, request) in ["added", "removed"].into_iter().zip(requests(address)?) {
            let (moment, done) = kernel.ask(request)?;
            done.with_context(|| format!("{what} {address}"))?;
            moment.print(&format!("{what} {deed} {address}"));
            announced(address, deed == "added")?;
            pause(nth);
            listeners::heard()?;
        }
    }
    Ok(())
}

/// Addresses for documentation (RFC 5737, RFC 3849), of both families in turn.
fn address(nth: u32) -> IpAddr {
    let last = (nth / 2) as u16;
    if nth.is_multiple_of(2) {
        Ipv4Addr::from(u32::from(Ipv4Addr::new(203, 0, 113, 0)) + u32::from(last % 256)).into()
    } else {
        Ipv6Addr::new(0x2001, 0xdb8, 0xffff, 0, 0, 0, 0, last).into()
    }
}

/// A route of a protocol that no daemon has, to nowhere.
pub(super) fn unreachable(address: IpAddr) -> anyhow::Result<RouteMessage> {
    let net = IpNet::from(address);
    let route = RouteMessageBuilder::<IpAddr>::new().destination_prefix(net.addr(), net.prefix_len())?;
    Ok(route.kind(RouteType::Unreachable).build())
}

pub(super) fn on_loopback(address: IpAddr) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = if address.is_ipv4() { AddressFamily::Inet } else { AddressFamily::Inet6 };
    message.header.prefix_len = IpNet::from(address).prefix_len();
    message.header.index = LOOPBACK;
    message.header.flags = AddressHeaderFlags::Nodad;
    message.attributes = vec![AddressAttribute::Local(address), AddressAttribute::Address(address)];
    message
}

/// A socket on which requests are answered.
pub(super) struct Kernel {
    socket: Socket,
    sequence: u32,
}

impl Kernel {
    pub(super) fn open() -> anyhow::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE).context("no rtnetlink socket")?;
        socket.bind_auto()?;
        Ok(Self { socket, sequence: 0 })
    }

    /// When the kernel did it, and whether it did.
    pub(super) fn ask(&mut self, request: RouteNetlinkMessage) -> anyhow::Result<(Moment, anyhow::Result<()>)> {
        self.sequence += 1;
        let mut message = NetlinkMessage::from(request);
        message.header.flags = NLM_F_REQUEST | NLM_F_ACK | NLM_F_CREATE;
        message.header.sequence_number = self.sequence;
        message.finalize();
        let mut octets = vec![0; message.buffer_len()];
        message.serialize(&mut octets);
        // The kernel does it within the call.
        let (moment, sent) = Moment::of(|| self.socket.send_to(&octets, &SocketAddr::new(0, 0), 0));
        sent?;
        let (answer, _) = self.socket.recv_from_full()?;
        let answer = NetlinkMessage::<RouteNetlinkMessage>::deserialize(&answer)?;
        let done = match answer.payload {
            NetlinkPayload::Error(error) if error.code.is_none() => Ok(()),
            NetlinkPayload::Error(error) => Err(error.to_io().into()),
            other => bail!("expected an acknowledgement, found {other:?}"),
        };
        Ok((moment, done))
    }
}
