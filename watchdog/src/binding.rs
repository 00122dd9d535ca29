//! Addresses on this machine: whether it has them, at once when one leaves or returns, and how they come to `lo`.
//!
//! To announce an address that the machine does not have sends queries to where nobody takes them. The kernel is asked by
//! rtnetlink(7), as `ip route get` does: an address is ours when its route is one of type `local`, on whatever interface.

use std::collections::BTreeSet;
use std::io;
use std::net::IpAddr;

use futures::TryStreamExt as _;
use futures::channel::mpsc::UnboundedReceiver;
use netlink_packet_core::NetlinkMessage;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::route::RouteType;
use rtnetlink::sys::SocketAddr;
use rtnetlink::{Error, Handle, MulticastGroup, RouteMessageBuilder};
use tokio::task::AbortHandle;

/// The loopback device is the first of every network namespace.
const LO: u32 = 1;

/// What tells that an address came or went; an interface that is set down takes its IPv6 addresses with it, not those of IPv4.
const GROUPS: [MulticastGroup; 3] = [MulticastGroup::Ipv4Ifaddr, MulticastGroup::Ipv6Ifaddr, MulticastGroup::Link];

/// Why nothing can be said, or done, about addresses.
#[derive(Debug, thiserror::Error)]
pub enum BindingError {
    /// The kernel cannot be spoken to.
    #[error("rtnetlink: {0}\nhint: does a sandbox forbid AF_NETLINK? in a systemd unit: RestrictAddressFamilies=")]
    Netlink(io::Error),
    /// It says no answer to whether an address is there.
    #[error("rtnetlink: cannot ask for the route to {address}: {reason}")]
    Route {
        /// The address.
        address: IpAddr,
        /// What the kernel says.
        reason: io::Error,
    },
    /// An address cannot be brought to `lo`, or taken off it.
    #[error("cannot {what} {address}: {reason}{}", hint(reason))]
    Change {
        /// What was tried.
        what: &'static str,
        /// The address.
        address: IpAddr,
        /// What the kernel says.
        reason: io::Error,
    },
}

fn hint(reason: &io::Error) -> &'static str {
    match reason.kind() {
        io::ErrorKind::PermissionDenied => {
            "\nhint: it needs CAP_NET_ADMIN, in a systemd unit AmbientCapabilities=CAP_NET_ADMIN; or let somebody else bind it, \
             with `binding = \"required\"`"
        }
        _ => "",
    }
}

/// Looks after a service's addresses.
#[derive(Debug)]
pub struct Addresses {
    addresses: Vec<IpAddr>,
    handle: Handle,
    events: UnboundedReceiver<(NetlinkMessage<RouteNetlinkMessage>, SocketAddr)>,
    connection: AbortHandle,
    /// Something has happened since `missing` was found.
    is_stale: bool,
    missing: Option<BTreeSet<IpAddr>>,
}

impl Addresses {
    /// Begins to listen. Needs a tokio runtime around it, of any kind, and no privilege.
    ///
    /// # Errors
    /// When there can be no netlink socket.
    pub fn watch(addresses: &[IpAddr]) -> Result<Self, BindingError> {
        let (connection, handle, events) =
            rtnetlink::new_multicast_connection(&GROUPS).map_err(BindingError::Netlink)?;
        let connection = tokio::spawn(connection).abort_handle();
        Ok(Self { addresses: addresses.to_vec(), handle, events, connection, is_stale: true, missing: None })
    }

    /// Which of the addresses this machine does not have now.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    pub async fn missing(&mut self) -> Result<Vec<IpAddr>, BindingError> {
        // What happens from here on will be in the events.
        while self.events.try_recv().is_ok() {}
        let mut missing = BTreeSet::new();
        for address in &self.addresses {
            if !is_local(&self.handle, *address).await? {
                missing.insert(*address);
            }
        }
        self.is_stale = false;
        self.missing = Some(missing.clone());
        Ok(missing.into_iter().collect())
    }

    /// Waits until other addresses are missing than were, when last told; then tells which. Can be given up and begun anew.
    ///
    /// # Errors
    /// When the kernel cannot be asked.
    pub async fn changed(&mut self) -> Result<Vec<IpAddr>, BindingError> {
        loop {
            if !self.is_stale {
                let gone = || BindingError::Netlink(io::ErrorKind::ConnectionAborted.into());
                // Of what has happened nothing counts but that it has: events may even have been lost.
                self.events.recv().await.map_err(|_| gone())?;
                self.is_stale = true;
            }
            let before = self.missing.clone();
            let missing = self.missing().await?;
            if self.missing != before {
                return Ok(missing);
            }
        }
    }

    /// Brings an address to `lo`; it may be there already.
    ///
    /// # Errors
    /// When the kernel refuses; without CAP_NET_ADMIN it does.
    pub async fn bind(&self, address: IpAddr) -> Result<(), BindingError> {
        let mut request = self.handle.address().add(LO, address, host_bits(address));
        if address.is_ipv6() {
            // Else it were tentative, and not to be used, for a second.
            request.message_mut().header.flags = AddressHeaderFlags::Nodad;
        }
        match request.execute().await.map_err(reason) {
            Err(reason) if reason.kind() != io::ErrorKind::AlreadyExists => {
                Err(BindingError::Change { what: "bind to lo", address, reason })
            }
            _ => Ok(()),
        }
    }

    /// Takes an address off `lo`; it may be gone already.
    ///
    /// # Errors
    /// When the kernel refuses; without CAP_NET_ADMIN it does.
    pub async fn unbind(&self, address: IpAddr) -> Result<(), BindingError> {
        let failed = |error| BindingError::Change { what: "take from lo", address, reason: reason(error) };
        let all: Vec<AddressMessage> = self.handle.address().get().execute().try_collect().await.map_err(failed)?;
        for held in all.into_iter().filter(|held| held.header.index == LO && local(held) == Some(address)) {
            match self.handle.address().del(held).execute().await.map_err(reason) {
                Err(reason) if reason.kind() != io::ErrorKind::AddrNotAvailable => {
                    return Err(BindingError::Change { what: "take from lo", address, reason });
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl Drop for Addresses {
    fn drop(&mut self) {
        self.connection.abort();
    }
}

fn host_bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Where a packet to the address would go: no packet is sent.
async fn is_local(handle: &Handle, address: IpAddr) -> Result<bool, BindingError> {
    let failed = |reason| BindingError::Route { address, reason };
    let question = RouteMessageBuilder::<IpAddr>::new()
        .destination_prefix(address, host_bits(address))
        .map_err(|error| failed(io::Error::other(error.to_string())))?;
    match handle.route().get(question.build()).execute().try_next().await.map_err(reason) {
        Ok(route) => Ok(route.is_some_and(|route| route.header.kind == RouteType::Local)),
        // There is no route, or one that says no: blackhole, prohibit, throw.
        Err(error) if is_no_route(&error) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

fn is_no_route(error: &io::Error) -> bool {
    use io::ErrorKind::{HostUnreachable, InvalidInput, NetworkUnreachable, PermissionDenied};
    matches!(error.kind(), NetworkUnreachable | HostUnreachable | InvalidInput | PermissionDenied)
}

fn local(held: &AddressMessage) -> Option<IpAddr> {
    held.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        AddressAttribute::Address(address) if address.is_ipv6() => Some(*address),
        _ => None,
    })
}

fn reason(error: Error) -> io::Error {
    match error {
        Error::NetlinkError(message) => message.to_io(),
        other => io::Error::other(other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_this_machine_has_and_what_it_has_not() {
        let addresses = ["127.0.0.1", "192.0.2.1", "127.53.0.1", "2001:db8:ffff::1"].map(|text| text.parse().unwrap());
        let mut watched = Addresses::watch(&addresses).unwrap();
        let expected: [IpAddr; 2] = [addresses[1], addresses[3]];
        assert_eq!(watched.missing().await.unwrap(), expected);
    }

    #[test]
    fn what_needs_a_privilege_says_so() {
        let reason = io::ErrorKind::PermissionDenied.into();
        let error = BindingError::Change { what: "bind to lo", address: "10.1.53.1".parse().unwrap(), reason };
        let text = error.to_string();
        assert!(
            text.starts_with("cannot bind to lo 10.1.53.1: permission denied\nhint: it needs CAP_NET_ADMIN"),
            "{text}"
        );
    }
}
