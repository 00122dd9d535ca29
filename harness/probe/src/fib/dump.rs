//! Dumps of the kernel's routes and addresses.

use anyhow::{Context as _, bail};
use netlink_packet_core::{NLM_F_DUMP, NLM_F_DUMP_INTR, NLM_F_REQUEST, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::route::RouteMessage;
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use rtnetlink::sys::{Socket, SocketAddr, protocols::NETLINK_ROUTE};

const CHUNK: usize = 64 * 1024;

/// A socket that asks for dumps.
pub(crate) struct Dumper {
    socket: Socket,
    sequence: u32,
}

impl Dumper {
    /// Opens the socket.
    pub(crate) fn open() -> anyhow::Result<Self> {
        let mut socket = Socket::new(NETLINK_ROUTE).context("no rtnetlink socket")?;
        socket.bind_auto()?;
        Ok(Self { socket, sequence: 0 })
    }

    /// All routes of both families.
    pub(crate) fn routes(&mut self) -> anyhow::Result<Vec<RouteMessage>> {
        let mut routes = Vec::new();
        for family in [AddressFamily::Inet, AddressFamily::Inet6] {
            let mut route = RouteMessage::default();
            route.header.address_family = family;
            let dump =
                self.consistent(&RouteNetlinkMessage::GetRoute(route)).context("rtnetlink dump of the routes")?;
            routes.extend(dump.into_iter().filter_map(|message| match message {
                RouteNetlinkMessage::NewRoute(route) => Some(route),
                _ => None,
            }));
        }
        Ok(routes)
    }

    /// All addresses of all interfaces.
    pub(crate) fn addresses(&mut self) -> anyhow::Result<Vec<AddressMessage>> {
        let request = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        let dump = self.consistent(&request).context("rtnetlink dump of the addresses")?;
        let addresses = dump.into_iter().filter_map(|message| match message {
            RouteNetlinkMessage::NewAddress(address) => Some(address),
            _ => None,
        });
        Ok(addresses.collect())
    }

    /// A dump during which the table changed is inconsistent, and marked so.
    fn consistent(&mut self, request: &RouteNetlinkMessage) -> anyhow::Result<Vec<RouteNetlinkMessage>> {
        loop {
            if let Some(dump) = self.dump(request)? {
                return Ok(dump);
            }
        }
    }

    fn dump(&mut self, request: &RouteNetlinkMessage) -> anyhow::Result<Option<Vec<RouteNetlinkMessage>>> {
        self.sequence = self.sequence.wrapping_add(1);
        self.socket.send_to(&packed(request, self.sequence), &SocketAddr::new(0, 0), 0)?;
        let (mut entries, mut consistent) = (Vec::new(), true);
        let mut buffer = Vec::with_capacity(CHUNK);
        loop {
            buffer.clear();
            self.socket.recv(&mut buffer, 0)?;
            let mut rest = buffer.as_slice();
            while !rest.is_empty() {
                let message = NetlinkMessage::<RouteNetlinkMessage>::deserialize(rest)?;
                let length = message.header.length as usize;
                rest = rest.get(length.next_multiple_of(4).max(4)..).unwrap_or_default();
                consistent &= message.header.flags & NLM_F_DUMP_INTR == 0;
                match message.payload {
                    NetlinkPayload::InnerMessage(entry) => entries.push(entry),
                    NetlinkPayload::Done(_) => return Ok(consistent.then_some(entries)),
                    NetlinkPayload::Error(error) => bail!(error.to_io()),
                    _ => {}
                }
            }
        }
    }
}

/// The name of an interface, or its number when it is gone.
pub(crate) fn interface_name(index: u32) -> String {
    let name = nix::net::if_::if_indextoname(index).ok();
    name.map_or_else(|| format!("interface {index}"), |name| name.to_string_lossy().into_owned())
}

fn packed(request: &RouteNetlinkMessage, sequence: u32) -> Vec<u8> {
    let mut message = NetlinkMessage::from(request.clone());
    message.header.flags = NLM_F_REQUEST | NLM_F_DUMP;
    message.header.sequence_number = sequence;
    message.finalize();
    let mut buffer = vec![0; message.buffer_len()];
    message.serialize(&mut buffer);
    buffer
}
