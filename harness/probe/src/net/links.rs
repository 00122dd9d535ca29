//! Interfaces: found by the address that Docker gave them, then named, addressed and raised.

use std::collections::HashMap;
use std::net::Ipv6Addr;

use anyhow::{Context as _, bail, ensure};
use futures::TryStreamExt as _;
use ipnet::IpNet;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use protocol::{Link, MAC_PREFIX};
use rtnetlink::{Handle, LinkMessageBuilder, LinkUnspec};

use super::{addresses, name};

struct Interface {
    name: String,
    mac: Vec<u8>,
}

/// Gives each link its name and hardware address and takes Docker's addresses from it; returns their indexes in order.
///
/// An interface that needs a change is down afterwards: going down also removes the IPv6 link-local address that was made
/// of the old hardware address.
pub(crate) async fn arrange(handle: &Handle, links: &[Link]) -> anyhow::Result<Vec<u32>> {
    let interfaces = list(handle).await?;
    let given = addresses::list(handle).await?;
    let mut indexes = Vec::new();
    for link in links {
        let holder = given.iter().find(|held| link.carrier.contains(&held.address));
        let Some(holder) = holder else {
            let found = given.iter().map(|held| {
                let name = interfaces.get(&held.index).map_or("?", |interface| interface.name.as_str());
                format!("{name} {}", held.address)
            });
            bail!(
                "network {}: expected an interface with an address in {}, found: {}",
                link.network,
                link.carrier,
                found.collect::<Vec<_>>().join(", ")
            );
        };
        ensure!(
            !indexes.contains(&holder.index),
            "network {}: the interface with {} belongs to another network already",
            link.network,
            holder.address
        );
        indexes.push(holder.index);
    }

    let mut renames = Vec::new();
    for (position, (link, &index)) in links.iter().zip(&indexes).enumerate() {
        let mac = parse_mac(&link.mac).with_context(|| format!("network {}", link.network))?;
        let interface = interfaces.get(&index);
        let named = interface.is_some_and(|interface| interface.name == name(position));
        if !named || interface.is_some_and(|interface| interface.mac != mac) {
            let mut change = LinkUnspec::new_with_index(index).down().address(mac.to_vec());
            if !named {
                // A detour, because the name may still be another interface's.
                change = change.name(format!("lab-{position}"));
                renames.push((index, name(position)));
            }
            apply(handle, change, &format!("set {} on the interface of network {}", link.mac, link.network)).await?;
        }
    }
    for (index, name) in renames {
        apply(handle, LinkUnspec::new_with_index(index).name(name.clone()), &format!("rename to {name}")).await?;
    }
    addresses::flush(handle, &indexes).await?;
    Ok(indexes)
}

/// Sets the interfaces up.
pub(crate) async fn raise(handle: &Handle, indexes: &[u32]) -> anyhow::Result<()> {
    for (position, &index) in indexes.iter().enumerate() {
        apply(handle, LinkUnspec::new_with_index(index).up(), &format!("set {} up", name(position))).await?;
    }
    Ok(())
}

/// Sets `lo` up; returns its index.
pub(crate) async fn raise_loopback(handle: &Handle) -> anyhow::Result<u32> {
    let interfaces = list(handle).await?;
    let lo = interfaces.iter().find(|(_, interface)| interface.name == "lo").context("no interface lo")?;
    apply(handle, LinkUnspec::new_with_index(*lo.0).up(), "set lo up").await?;
    Ok(*lo.0)
}

async fn apply(handle: &Handle, change: LinkMessageBuilder<LinkUnspec>, what: &str) -> anyhow::Result<()> {
    handle.link().change(change.build()).execute().await.with_context(|| format!("rtnetlink: could not {what}"))
}

async fn list(handle: &Handle) -> anyhow::Result<HashMap<u32, Interface>> {
    let links: Vec<LinkMessage> =
        handle.link().get().execute().try_collect().await.context("rtnetlink: could not list the interfaces")?;
    Ok(links.into_iter().map(|link| (link.header.index, interface(link.attributes))).collect())
}

fn interface(attributes: Vec<LinkAttribute>) -> Interface {
    let mut interface = Interface { name: String::new(), mac: Vec::new() };
    for attribute in attributes {
        match attribute {
            LinkAttribute::IfName(name) => interface.name = name,
            LinkAttribute::Address(mac) => interface.mac = mac,
            _ => {}
        }
    }
    interface
}

/// The link-local address that the kernel makes of a hardware address (RFC 4291, appendix A).
pub(crate) fn link_local(mac: &str) -> anyhow::Result<IpNet> {
    let [a, b, c, d, e, f] = parse_mac(mac)?;
    let address = Ipv6Addr::from([0xfe, 0x80, 0, 0, 0, 0, 0, 0, a ^ 2, b, c, 0xff, 0xfe, d, e, f]);
    Ok(IpNet::new(address.into(), 64)?)
}

fn parse_mac(text: &str) -> anyhow::Result<[u8; 6]> {
    let octets: Option<Vec<u8>> = text.split(':').map(|octet| u8::from_str_radix(octet, 16).ok()).collect();
    let mac: Option<[u8; 6]> = octets.and_then(|octets| octets.try_into().ok());
    mac.filter(|mac| mac.starts_with(&MAC_PREFIX)).with_context(|| {
        let [a, b] = MAC_PREFIX;
        format!("expected a hardware address of six octets that begins with {a:02x}:{b:02x}, found `{text}`")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_local_address_is_the_kernels() {
        let address = link_local("ae:53:00:00:02:00").unwrap();
        assert_eq!(address.to_string(), "fe80::ac53:ff:fe00:200/64");
    }

    #[test]
    fn a_hardware_address_is_of_the_lab() {
        assert_eq!(parse_mac("ae:53:00:01:0a:FF").unwrap(), [0xae, 0x53, 0, 1, 10, 255]);
        for wrong in ["02:42:ac:11:00:02", "ae:53:00:01:0a", "ae:53:00:01:0a:1ff", ""] {
            assert!(parse_mac(wrong).unwrap_err().to_string().contains(&format!("found `{wrong}`")));
        }
    }
}
