//! The ports of bridges: the host's ends of the nodes' interfaces, as they come.

use anyhow::Context as _;
use futures::channel::mpsc::UnboundedReceiver;
use futures::{StreamExt as _, TryStreamExt as _};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use rtnetlink::sys::SocketAddr;
use rtnetlink::{Handle, LinkBridge, MulticastGroup, new_multicast_connection};

pub(super) struct Ports {
    handle: Handle,
    news: UnboundedReceiver<(NetlinkMessage<RouteNetlinkMessage>, SocketAddr)>,
    /// Bridges that are guarded, by index.
    bridges: Vec<u32>,
    /// Those that were made here, by name.
    made: Vec<String>,
}

impl Ports {
    /// Hears of all interfaces from now on.
    pub(super) async fn watch() -> anyhow::Result<Self> {
        let opened = new_multicast_connection(&[MulticastGroup::Link]).context("no rtnetlink socket")?;
        let (connection, handle, news) = opened;
        let _runs_on = tokio::spawn(connection);
        Ok(Self { handle, news, bridges: Vec::new(), made: Vec::new() })
    }

    /// Makes a bridge, if there is no interface of this name. It has no address but the kernel's own link-local one.
    pub(super) async fn make(&mut self, bridge: &str) -> anyhow::Result<()> {
        if self.all().await?.iter().any(|link| name(link) == Some(bridge)) {
            return Ok(());
        }
        let link = LinkBridge::new(bridge).build();
        let made = self.handle.link().add(link).execute().await;
        made.with_context(|| format!("could not make the bridge {bridge} (rootless engines cannot)"))?;
        self.made.push(bridge.to_owned());
        Ok(())
    }

    /// Removes what was made here and no node has come to: the engine removes the others with their last node.
    pub(super) async fn remove_unused(&self) -> anyhow::Result<()> {
        let all = self.all().await?;
        for link in all.iter().filter(|link| name(link).is_some_and(|name| self.made.iter().any(|made| made == name))) {
            let index = link.header.index;
            if all.iter().all(|port| controller(port) != Some(index)) {
                // One that the engine removes meanwhile is as well.
                drop(self.handle.link().del(index).execute().await);
            }
        }
        Ok(())
    }

    async fn all(&self) -> anyhow::Result<Vec<LinkMessage>> {
        let all = self.handle.link().get().execute().try_collect().await;
        all.context("rtnetlink: could not list the interfaces")
    }

    /// The ports that a bridge has; [`Self::next`] tells those that it gets.
    pub(super) async fn of(&mut self, bridge: &str) -> anyhow::Result<Vec<String>> {
        let all = self.all().await?;
        let found = all.iter().find(|link| name(link) == Some(bridge));
        let index = found.with_context(|| format!("there is no interface {bridge} on the host"))?.header.index;
        self.bridges.push(index);
        Ok(all.iter().filter(|link| controller(link) == Some(index)).filter_map(name).map(str::to_owned).collect())
    }

    /// The next interface that has become a port of a guarded bridge.
    ///
    /// # Errors
    /// The kernel's announcements have ended.
    pub(super) async fn next(&mut self) -> anyhow::Result<String> {
        loop {
            let (message, _) = self.news.next().await.context("rtnetlink: no more announcements of interfaces")?;
            let NetlinkPayload::InnerMessage(RouteNetlinkMessage::NewLink(link)) = message.payload else { continue };
            let guarded = controller(&link).is_some_and(|bridge| self.bridges.contains(&bridge));
            if let (true, Some(name)) = (guarded, name(&link)) {
                return Ok(name.to_owned());
            }
        }
    }
}

fn name(link: &LinkMessage) -> Option<&str> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::IfName(name) => Some(name.as_str()),
        _ => None,
    })
}

fn controller(link: &LinkMessage) -> Option<u32> {
    link.attributes.iter().find_map(|attribute| match attribute {
        LinkAttribute::Controller(index) => Some(*index),
        _ => None,
    })
}
