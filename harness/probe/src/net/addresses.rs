//! Addresses of interfaces.

use std::net::IpAddr;

use anyhow::Context as _;
use futures::TryStreamExt as _;
use ipnet::IpNet;
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use nix::errno::Errno;
use rtnetlink::Handle;

use super::is_errno;

/// An address that an interface has.
pub(crate) struct Held {
    pub(crate) index: u32,
    pub(crate) address: IpAddr,
    message: AddressMessage,
}

/// All addresses of all interfaces.
pub(crate) async fn list(handle: &Handle) -> anyhow::Result<Vec<Held>> {
    let messages: Vec<AddressMessage> =
        handle.address().get().execute().try_collect().await.context("rtnetlink: could not list the addresses")?;
    Ok(messages.into_iter().filter_map(held).collect())
}

/// Takes every address but the link-local ones from the interfaces.
pub(crate) async fn flush(handle: &Handle, indexes: &[u32]) -> anyhow::Result<()> {
    for Held { index, address, message } in list(handle).await? {
        let stays = matches!(address, IpAddr::V6(address) if address.is_unicast_link_local());
        if stays || !indexes.contains(&index) {
            continue;
        }
        match handle.address().del(message).execute().await {
            Ok(()) => {}
            // It went with another, whose secondary it was.
            Err(error) if is_errno(&error, Errno::EADDRNOTAVAIL) => {}
            Err(error) => return Err(error).with_context(|| format!("rtnetlink: could not remove {address}")),
        }
    }
    Ok(())
}

/// Adds an address, usable at once: duplicate address detection would keep it tentative for a second.
pub(crate) async fn add(handle: &Handle, index: u32, address: IpNet) -> anyhow::Result<()> {
    let mut request = handle.address().add(index, address.addr(), address.prefix_len()).replace();
    if address.addr().is_ipv6() {
        request.message_mut().header.flags = AddressHeaderFlags::Nodad;
    }
    request.execute().await.with_context(|| format!("rtnetlink: could not add {address} to interface {index}"))
}

fn held(message: AddressMessage) -> Option<Held> {
    // On a point-to-point link, `Address` is the peer's.
    let local = message.attributes.iter().find_map(|attribute| match attribute {
        AddressAttribute::Local(address) => Some(*address),
        _ => None,
    });
    let address = local.or_else(|| {
        message.attributes.iter().find_map(|attribute| match attribute {
            AddressAttribute::Address(address) => Some(*address),
            _ => None,
        })
    })?;
    Some(Held { index: message.header.index, address, message })
}
