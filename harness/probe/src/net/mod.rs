//! The node's network: links, addresses, isolation, static routes.

mod addresses;
mod isolation;
mod links;
mod routes;
mod silence;
mod tables;

use anyhow::Context as _;
use netlink_packet_core::ErrorMessage;
use protocol::{Route, Setup};

use crate::process::Children;

pub(crate) use silence::Links;

/// Makes the container's network the node's.
pub(crate) async fn set_up(setup: &Setup, children: &Children) -> anyhow::Result<()> {
    let (connection, handle, _) = rtnetlink::new_connection().context("no rtnetlink socket")?;
    let connection = tokio::spawn(connection);
    let indexes = links::arrange(&handle, &setup.links).await?;
    routes::drop_defaults(&handle).await?;
    for (link, index) in setup.links.iter().zip(&indexes) {
        // Before the kernel makes the same address when the link comes up, and checks it for duplicates for seconds.
        addresses::add(&handle, *index, links::link_local(&link.mac)?).await?;
    }
    links::raise(&handle, &indexes).await?;
    for (link, index) in setup.links.iter().zip(&indexes) {
        for address in &link.addresses {
            addresses::add(&handle, *index, *address).await?;
        }
    }
    let lo = links::raise_loopback(&handle).await?;
    for address in &setup.loopback {
        addresses::add(&handle, lo, (*address).into()).await?;
    }
    isolation::isolate(children, indexes.len()).await?;
    for route in &setup.routes {
        routes::add(&handle, route).await?;
    }
    connection.abort();
    Ok(())
}

/// Removes the routes that no boot would bring; what was done, in words.
pub(crate) async fn flush_routes(kept: &[Route]) -> anyhow::Result<String> {
    let (connection, handle, _) = rtnetlink::new_connection().context("no rtnetlink socket")?;
    let connection = tokio::spawn(connection);
    let removed = routes::flush(&handle, kept).await;
    connection.abort();
    Ok(match removed? {
        0 => String::new(),
        1 => "1 route flushed".to_owned(),
        count => format!("{count} routes flushed"),
    })
}

/// Addresses, routes of all tables, and neighbours, in lines for a person; by name.
pub(crate) async fn tables() -> anyhow::Result<Vec<(&'static str, String)>> {
    let (connection, handle, _) = rtnetlink::new_connection().context("no rtnetlink socket")?;
    let connection = tokio::spawn(connection);
    let tables = tables::tables(&handle).await;
    connection.abort();
    tables
}

/// The kernel's number of the interface of the nth link, while there is one.
pub(crate) fn index(position: usize) -> Option<u32> {
    nix::net::if_::if_nametoindex(name(position).as_str()).ok()
}

/// The name under which the interface of the nth link goes.
fn name(position: usize) -> String {
    format!("eth{position}")
}

/// The kernel's answer, if it is an error of this number.
fn is_errno(error: &rtnetlink::Error, errno: nix::errno::Errno) -> bool {
    matches!(error, rtnetlink::Error::NetlinkError(ErrorMessage { code: Some(code), .. }) if code.get() == -(errno as i32))
}
