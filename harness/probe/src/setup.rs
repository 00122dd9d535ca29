//! From a fresh container to a node, step by step.

use anyhow::Context as _;
use protocol::{Route, Setup};

use crate::inspect::Packets;
use crate::process::{Children, Daemons, logs};
use crate::report::Reporter;
use crate::trains::Trains;
use crate::{bgp, clock, fib, files, net, rib, served};

/// What commands act on.
pub(crate) struct Node {
    pub(crate) children: Children,
    pub(crate) daemons: Daemons,
    pub(crate) links: net::Links,
    /// The static routes of the setup.
    pub(crate) routes: Vec<Route>,
    pub(crate) packets: Packets,
    /// Taken by the first [`protocol::Action::Ask`].
    pub(crate) trains: Option<Trains>,
}

/// Sets the node up as the first line of stdin says.
pub(crate) async fn set_up(line: &str, reporter: &Reporter) -> anyhow::Result<Node> {
    let setup: Setup = serde_json::from_str(line).context("the first line on stdin is not a setup")?;
    let trains = Trains::prepare(&setup.trains)?;
    let children = Children::reaped(reporter)?;

    net::set_up(&setup, &children).await?;
    for file in &setup.files {
        files::write(file)?;
    }
    let own = fib::observe(reporter).context("the route table cannot be watched")?;
    // A node without service addresses gives no answers.
    if !setup.loopback.is_empty() {
        served::observe(&setup.node, own, reporter).context("answers cannot be captured")?;
    }
    clock::observe(reporter).context("the clocks cannot be compared")?;
    bgp::observe(reporter).context("BGP cannot be captured")?;
    let packets = Packets::observe(reporter).context("packets cannot be kept")?;
    for control in setup.ribs {
        rib::observe(control, reporter);
    }
    let daemons = Daemons::new(setup.daemons, children.clone(), reporter.clone())?;
    logs::observe(&daemons, reporter);
    daemons.start_all()?;
    let links = net::Links(setup.links.into_iter().map(|link| link.network).collect());
    Ok(Node { children, daemons, links, routes: setup.routes, packets, trains: Some(trains) })
}
