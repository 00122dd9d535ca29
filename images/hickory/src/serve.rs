//! The server from start to end.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};

use anyhow::{Context, anyhow};
use hickory_proto::rr::rdata::opt::NSIDPayload;
use hickory_server::Server;
use tokio::net::{TcpListener, UdpSocket};
use tokio::signal::unix::{SignalKind, signal};

use crate::behaviour::Force;
use crate::config::Config;
use crate::control;
use crate::forward::Forwarder;
use crate::node::Node;
use crate::zones::Zones;

/// Answers that wait for one slow TCP connection.
const TCP_BUFFER: usize = 128;

/// Serves until SIGTERM or SIGINT.
///
/// # Errors
/// What it cannot serve, or where.
pub async fn serve(config: Config, socket: &Path) -> anyhow::Result<()> {
    let nsid = NSIDPayload::new(config.name.clone()).context("`name` is too long for NSID")?;
    let force = Arc::new(Mutex::new(Force::default()));
    let zones = Zones::read(&config.zones, nsid.clone())?;
    let forward = config.forward.map(|place| Forwarder::new(place.0)).transpose().context("cannot forward")?;
    let node = Node { name: config.name.clone(), nsid, zones, forward, force: Arc::clone(&force) };
    let mut server = Server::new(node);
    let mut places = Vec::new();
    for place in &config.listen {
        let (tcp, udp) = bind(place.0).await.with_context(|| {
            format!(
                "cannot listen at {}\nhint: the address must be set, and no other server may have its port",
                place.0
            )
        })?;
        places.push(tcp.local_addr()?.to_string());
        server.register_listener(tcp, config.tcp_idle.0, TCP_BUFFER);
        server.register_socket(udp);
    }
    if places.is_empty() {
        return Err(anyhow!("`listen` names no address"));
    }
    let control = control::server::Control::bind(socket)?;
    let (mut term, mut int) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let zones: Vec<&str> = config.zones.keys().map(String::as_str).collect();
    eprintln!("anycast-hickory: {} serves {} at {}", config.name, zones.join(" "), places.join(" "));
    tokio::select! {
        ended = server.block_until_done() => Err(anyhow!("the server ended: {ended:?}")),
        ended = control.listen(&force) => ended.context("cannot listen for commands any more"),
        _ = term.recv() => Ok(()),
        _ = int.recv() => Ok(()),
    }
}

/// TCP and UDP of the same port, also when any port will do.
async fn bind(address: SocketAddr) -> io::Result<(TcpListener, UdpSocket)> {
    const TRIES: usize = 20;
    let mut tries = 0;
    loop {
        let tcp = TcpListener::bind(address).await?;
        match UdpSocket::bind(tcp.local_addr()?).await {
            Ok(udp) => return Ok((tcp, udp)),
            Err(error) if address.port() != 0 || tries == TRIES => return Err(error),
            Err(_) => tries += 1,
        }
    }
}
