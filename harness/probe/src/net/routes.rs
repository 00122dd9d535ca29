//! Static routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context as _;
use futures::TryStreamExt as _;
use ipnet::IpNet;
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{RouteAddress, RouteAttribute, RouteHeader, RouteMessage, RouteProtocol, RouteType};
use nix::errno::Errno;
use protocol::Route;
use rtnetlink::{Handle, RouteMessageBuilder};

use super::is_errno;

/// Removes the default routes that Docker made: no packet leaves a lab.
pub(crate) async fn drop_defaults(handle: &Handle) -> anyhow::Result<()> {
    let families = [RouteMessageBuilder::<Ipv4Addr>::new().build(), RouteMessageBuilder::<Ipv6Addr>::new().build()];
    for family in families {
        let routes: Vec<RouteMessage> =
            handle.route().get(family).execute().try_collect().await.context("rtnetlink: could not list the routes")?;
        for route in routes.into_iter().filter(is_default) {
            handle.route().del(route).execute().await.context("rtnetlink: could not remove a default route")?;
        }
    }
    Ok(())
}

/// Adds a static route.
pub(crate) async fn add(handle: &Handle, route: &Route) -> anyhow::Result<()> {
    let Route { to, via } = route;
    try_add(handle, route).await.with_context(|| format!("could not add the route to {to} via {via}"))
}

/// Removes every route, of any table, that is neither the kernel's (its own, redirects, router advertisements) nor one of
/// `kept`: those of daemons that are gone. Returns how many.
pub(crate) async fn flush(handle: &Handle, kept: &[Route]) -> anyhow::Result<usize> {
    let families = [RouteMessageBuilder::<Ipv4Addr>::new().build(), RouteMessageBuilder::<Ipv6Addr>::new().build()];
    let mut removed = 0;
    for family in families {
        let routes: Vec<RouteMessage> =
            handle.route().get(family).execute().try_collect().await.context("rtnetlink: could not list the routes")?;
        for route in routes.into_iter().filter(|route| !stays(route, kept)) {
            match handle.route().del(route).execute().await {
                Ok(()) => removed += 1,
                // It went with another one, or by itself.
                Err(error) if is_errno(&error, Errno::ESRCH) => {}
                Err(error) => return Err(error).context("rtnetlink: could not remove a route"),
            }
        }
    }
    Ok(removed)
}

fn stays(route: &RouteMessage, kept: &[Route]) -> bool {
    match route.header.protocol {
        RouteProtocol::Unspec | RouteProtocol::IcmpRedirect | RouteProtocol::Kernel | RouteProtocol::Ra => true,
        RouteProtocol::Static => destination(route).is_some_and(|to| kept.iter().any(|route| route.to.trunc() == to)),
        _ => false,
    }
}

/// Where a route leads.
pub(super) fn destination(route: &RouteMessage) -> Option<IpNet> {
    let address = route.attributes.iter().find_map(|attribute| match attribute {
        RouteAttribute::Destination(RouteAddress::Inet(address)) => Some(IpAddr::from(*address)),
        RouteAttribute::Destination(RouteAddress::Inet6(address)) => Some(IpAddr::from(*address)),
        _ => None,
    });
    let any = match route.header.address_family {
        AddressFamily::Inet => IpAddr::from(Ipv4Addr::UNSPECIFIED),
        _ => IpAddr::from(Ipv6Addr::UNSPECIFIED),
    };
    IpNet::new(address.unwrap_or(any), route.header.destination_prefix_length).ok()
}

async fn try_add(handle: &Handle, Route { to, via }: &Route) -> anyhow::Result<()> {
    let message =
        RouteMessageBuilder::<IpAddr>::new().destination_prefix(to.network(), to.prefix_len())?.gateway(*via)?.build();
    Ok(handle.route().add(message).execute().await?)
}

fn is_default(route: &RouteMessage) -> bool {
    route.header.destination_prefix_length == 0
        && route.header.table == RouteHeader::RT_TABLE_MAIN
        && route.header.kind == RouteType::Unicast
}

#[cfg(test)]
mod tests {
    use super::*;

    fn route(to: &str, protocol: RouteProtocol) -> RouteMessage {
        let to: IpNet = to.parse().unwrap();
        let mut message =
            RouteMessageBuilder::<IpAddr>::new().destination_prefix(to.network(), to.prefix_len()).unwrap().build();
        message.header.protocol = protocol;
        message
    }

    #[test]
    fn a_boot_keeps_the_kernels_routes_and_the_setups() {
        let kept = [Route { to: "0.0.0.0/0".parse().unwrap(), via: "10.0.0.1".parse().unwrap() }];
        let stays = |to, protocol| stays(&route(to, protocol), &kept);
        assert!(stays("10.0.0.0/24", RouteProtocol::Kernel));
        assert!(stays("0.0.0.0/0", RouteProtocol::Static));
        for (to, protocol) in [
            ("10.1.53.1/32", RouteProtocol::Static),
            ("10.1.53.1/32", RouteProtocol::Bird),
            ("2001:db8::1/128", RouteProtocol::Zebra),
            ("10.1.53.1/32", RouteProtocol::Boot),
            ("10.1.53.1/32", RouteProtocol::Bgp),
        ] {
            assert!(!stays(to, protocol), "{to} {protocol:?}");
        }
    }
}
