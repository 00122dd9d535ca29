//! Static routes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use anyhow::Context as _;
use futures::TryStreamExt as _;
use netlink_packet_route::route::{RouteHeader, RouteMessage, RouteType};
use protocol::Route;
use rtnetlink::{Handle, RouteMessageBuilder};

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
