//! Nodes: containers that live as long as their stdin is held.

use std::collections::HashMap;

use bollard::Docker as Api;
use bollard::container::{AttachContainerResults, LogOutput};
use bollard::models::{
    ContainerCreateBody, EndpointSettings, HostConfig, HostConfigLogConfig, NetworkConnectRequest,
    NetworkDisconnectRequest, NetworkingConfig,
};
use bollard::query_parameters::{
    AttachContainerOptionsBuilder, CreateContainerOptionsBuilder, KillContainerOptionsBuilder,
    ListContainersOptionsBuilder, RemoveContainerOptionsBuilder,
};
use futures::StreamExt;
use tokio::io::{AsyncWriteExt, DuplexStream};

use super::super::Chunk;
use super::super::{Life, NodeState};
use super::{
    Docker, EngineError, Node, NodeSpec, Owned, Place, Result, What, as_owned, image, ours, refused, status, words,
};

/// Octets on their way to a node's stdin.
const IN_FLIGHT: usize = 64 * 1024;

/// What root in a node may do (capabilities(7)): no more than its daemons and the probe use.
const CAPABILITIES: [&str; 11] = [
    // Addresses, routes, nftables; packets as the kernel sees them.
    "NET_ADMIN",
    "NET_RAW",
    // Ports 53 and 179.
    "NET_BIND_SERVICE",
    // Daemons leave root for a user of their own, with files that are then theirs.
    "SETUID",
    "SETGID",
    "SETPCAP",
    "CHOWN",
    "FOWNER",
    "DAC_OVERRIDE",
    // Faults send signals to daemons of other users.
    "KILL",
    // `named -t`, and FRR.
    "SYS_CHROOT",
];

pub(super) async fn start(engine: &Docker, node: &NodeSpec) -> Result<Node> {
    let api = &engine.api;
    let image = image::stored(engine).await?.of(&node.image);
    let options = CreateContainerOptionsBuilder::default().name(&node.name).build();
    let made = api.create_container(Some(options), body(api, node, image)).await;
    let id = made.map_err(|error| match status(&error) {
        // Podman says 500.
        Some(409 | 500) if words(&error).contains("already in use") => {
            EngineError::NameTaken { name: node.name.clone(), said: words(&error) }
        }
        _ => refused(&thing(node), "create it")(error),
    })?;
    let id = id.id;
    // Dropped half-way, as by Ctrl-C: the caller's sweep by label finds the container.
    match bring_up(api, node, &id).await {
        Ok(attached) => {
            Ok(Node { id, input: Box::new(switch(attached.input)), output: output(thing(node), attached.output) })
        }
        Err(error) => {
            drop(api.remove_container(&id, Some(by_force())).await);
            Err(error)
        }
    }
}

fn thing(node: &NodeSpec) -> String {
    format!("container {}", node.name)
}

fn body(api: &Api, node: &NodeSpec, image: String) -> ContainerCreateBody {
    let owned = |texts: &[&str]| texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>();
    let networks = node.networks();
    let first = networks.first();
    ContainerCreateBody {
        // The host's own namespace has its own name.
        hostname: matches!(node.place, Place::Networks(_)).then(|| node.hostname.clone()),
        image: Some(image),
        entrypoint: Some(node.argv.clone()),
        labels: Some(node.labels.to_map().into_iter().collect()),
        tty: Some(false),
        attach_stdin: Some(true),
        attach_stdout: Some(true),
        attach_stderr: Some(true),
        open_stdin: Some(true),
        stdin_once: Some(true),
        // Podman stops before it removes by force: nothing in a node waits for SIGTERM.
        stop_timeout: Some(0),
        host_config: Some(HostConfig {
            auto_remove: Some(true),
            init: Some(false),
            privileged: Some(false),
            cap_drop: Some(owned(&["ALL"])),
            cap_add: Some(owned(&CAPABILITIES)),
            security_opt: Some(owned(&["no-new-privileges"])),
            memory: Some(i64::try_from(node.limits.memory).unwrap_or(i64::MAX)),
            memory_swap: Some(i64::try_from(node.limits.memory).unwrap_or(i64::MAX)),
            pids_limit: Some(node.limits.processes.into()),
            log_config: Some(HostConfigLogConfig { typ: Some("none".to_owned()), config: None }),
            sysctls: Some(node.sysctls.clone().into_iter().collect()),
            network_mode: Some(match (&node.place, first) {
                (Place::Host, _) => "host".to_owned(),
                (Place::Networks(_), Some(first)) => first.clone(),
                (Place::Networks(_), None) => "none".to_owned(),
            }),
            ..HostConfig::default()
        }),
        networking_config: first.map(|network| NetworkingConfig {
            endpoints_config: Some(HashMap::from([(network.clone(), endpoint(api))])),
        }),
        ..ContainerCreateBody::default()
    }
}

/// Since Docker 27 an interface on a network without IPv6 has IPv6 off, whatever the container's sysctls say; API 1.46
/// brought the option that turns it on again. `ci/engines docker-28` tries it.
fn endpoint(api: &Api) -> EndpointSettings {
    let version = api.client_version();
    let new = (version.major_version, version.minor_version) >= (1, 46);
    let option = ("com.docker.network.endpoint.sysctls", "net.ipv6.conf.IFNAME.disable_ipv6=0");
    EndpointSettings {
        driver_opts: new.then(|| HashMap::from([(option.0.to_owned(), option.1.to_owned())])),
        ..EndpointSettings::default()
    }
}

/// Attached before it starts, so that no octet is missed: there is no log to read later.
async fn bring_up(api: &Api, node: &NodeSpec, id: &str) -> Result<AttachContainerResults> {
    let thing = thing(node);
    for network in node.networks().iter().skip(1) {
        let request = NetworkConnectRequest { container: id.to_owned(), endpoint_config: Some(endpoint(api)) };
        api.connect_network(network, request).await.map_err(refused(&thing, "connect it to a network"))?;
    }
    let options = AttachContainerOptionsBuilder::default().stream(true).stdin(true).stdout(true).stderr(true).build();
    let attached = api.attach_container(id, Some(options)).await.map_err(refused(&thing, "attach to it"))?;
    api.start_container(id, None).await.map_err(refused(&thing, "start it"))?;
    Ok(attached)
}

/// The writing end of the node's stdin; dropping it closes stdin.
///
/// Both directions share one connection: dropping the writer alone would leave it open, so a task that lives as long as
/// there is something to copy shuts it down.
fn switch<W: tokio::io::AsyncWrite + Send + Unpin + 'static>(mut stdin: W) -> DuplexStream {
    let (near, mut far) = tokio::io::duplex(IN_FLIGHT);
    tokio::spawn(async move {
        // A node that has ended reads no more; its output says so, and no write to it fails.
        drop(tokio::io::copy(&mut far, &mut stdin).await);
        drop(stdin.shutdown().await);
        drop(tokio::io::copy(&mut far, &mut tokio::io::sink()).await);
    });
    near
}

fn output(
    thing: String,
    attached: impl futures::Stream<Item = std::result::Result<LogOutput, bollard::errors::Error>> + Send + 'static,
) -> futures::stream::BoxStream<'static, Result<Chunk>> {
    let chunk = move |piece| match piece {
        Ok(LogOutput::StdErr { message }) => Ok(Chunk::Stderr(message.into())),
        Ok(LogOutput::StdOut { message } | LogOutput::Console { message } | LogOutput::StdIn { message }) => {
            Ok(Chunk::Stdout(message.into()))
        }
        Err(error) => Err(refused(&thing, "read its output")(error)),
    };
    attached.map(chunk).boxed()
}

pub(super) async fn crash(api: &Api, id: &str) -> Result<()> {
    let options = KillContainerOptionsBuilder::default().signal("SIGKILL").build();
    api.kill_container(id, Some(options)).await.map_err(refused(&format!("container {id}"), "kill it"))
}

pub(super) async fn pause(api: &Api, id: &str) -> Result<()> {
    api.pause_container(id).await.map_err(refused(&format!("container {id}"), "pause it"))
}

pub(super) async fn disconnect(api: &Api, id: &str, network: &str) -> Result<()> {
    let request = NetworkDisconnectRequest { container: id.to_owned(), force: Some(true) };
    let off = api.disconnect_network(network, request).await;
    off.map_err(refused(&format!("container {id}"), "take it off a network"))
}

pub(super) async fn state(api: &Api, id: &str) -> Result<NodeState> {
    let found = match api.inspect_container(id, None).await {
        Ok(found) => found,
        Err(error) if status(&error) == Some(404) => {
            return Ok(NodeState { life: Life::Ended, networks: Vec::new(), out_of_memory: false });
        }
        Err(error) => return Err(refused(&format!("container {id}"), "inspect it")(error)),
    };
    let state = found.state.unwrap_or_default();
    let life = match (state.running, state.paused) {
        (_, Some(true)) => Life::Paused,
        (Some(true), _) => Life::Running,
        _ => Life::Ended,
    };
    let networks = found.network_settings.and_then(|settings| settings.networks).unwrap_or_default();
    let networks = networks.into_values().filter_map(|endpoint| endpoint.network_id).collect();
    Ok(NodeState { life, networks, out_of_memory: state.oom_killed == Some(true) })
}

pub(super) async fn owned(api: &Api) -> Result<Vec<Owned>> {
    let options = ListContainersOptionsBuilder::default().all(true).filters(&ours()).build();
    let containers = api.list_containers(Some(options)).await.map_err(refused("containers", "list them"))?;
    let owned = containers.into_iter().filter_map(|container| {
        let name = container.names.and_then(|names| names.into_iter().next());
        as_owned(What::Container, container.id, name, container.labels)
    });
    Ok(owned.collect())
}

pub(super) async fn remove(api: &Api, container: &Owned) -> Result<()> {
    match api.remove_container(&container.id, Some(by_force())).await {
        // 404: gone. 409: its own automatic removal is under way.
        Err(error) if !matches!(status(&error), Some(404 | 409)) => {
            Err(refused(&format!("container {}", container.name), "remove it")(error))
        }
        _ => Ok(()),
    }
}

fn by_force() -> bollard::query_parameters::RemoveContainerOptions {
    RemoveContainerOptionsBuilder::default().force(true).v(true).build()
}
