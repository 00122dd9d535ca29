//! Networks: bridges that carry frames and nothing else.

use std::collections::HashMap;
use std::time::Duration;

use bollard::Docker as Api;
use bollard::models::NetworkCreateRequest;
use bollard::query_parameters::ListNetworksOptionsBuilder;

use super::super::Bridge;
use super::{
    Docker, EngineError, Flavour, Labels, Network, Owned, Result, What, as_owned, libpod, ours, refused, status, words,
};

/// How often, and how many times, a removal is tried while the network's last containers are going.
const RETRY: Duration = Duration::from_millis(50);
const TRIES: usize = 100;

/// Not `internal`: its filter drops all that is not from the carrier subnet, which is every packet of a lab. Without an address
/// on the bridge and without masquerading nothing leaves either.
pub(super) async fn create(engine: &Docker, name: &str, labels: &Labels) -> Result<Network> {
    if engine.flavour == Flavour::Podman {
        return libpod::create_network(engine, name, labels).await;
    }
    let api = &engine.api;
    let options = [
        ("com.docker.network.bridge.inhibit_ipv4", "true"),
        ("com.docker.network.bridge.enable_ip_masquerade", "false"),
    ];
    let request = NetworkCreateRequest {
        name: name.to_owned(),
        driver: Some("bridge".to_owned()),
        options: Some(options.map(|(key, value)| (key.to_owned(), value.to_owned())).into()),
        labels: Some(labels.to_map().into_iter().collect()),
        ..NetworkCreateRequest::default()
    };
    let id = match api.create_network(request).await {
        Ok(made) => made.id,
        Err(error) if exhausted(&words(&error)) => {
            return Err(EngineError::NoSubnet { network: name.to_owned(), said: words(&error) });
        }
        Err(error) => return Err(refused(&format!("network {name}"), "create it")(error)),
    };
    match carrier(api, &id, name).await {
        Ok(carrier) => Ok(Network { bridge: Some(Bridge::There(bridge(&id))), id, carrier }),
        Err(error) => {
            drop(api.remove_network(&id).await);
            Err(error)
        }
    }
}

/// How the engine names the interface of a bridge for which no name was asked.
fn bridge(id: &str) -> String {
    format!("br-{}", id.get(..12).unwrap_or(id))
}

/// Docker 20.10 says the first; later ones, the second; Podman, the third.
pub(super) fn exhausted(said: &str) -> bool {
    said.contains("non-overlapping IPv4 address pool")
        || said.contains("predefined address pools have been fully subnetted")
        || said.contains("could not find free subnet")
}

pub(super) async fn carrier(api: &Api, id: &str, name: &str) -> Result<ipnet::IpNet> {
    let thing = format!("network {name}");
    let network = api.inspect_network(id, None).await.map_err(refused(&thing, "inspect it"))?;
    let subnets =
        network.ipam.and_then(|ipam| ipam.config).unwrap_or_default().into_iter().filter_map(|pool| pool.subnet);
    let subnets: Vec<String> = subnets.collect();
    subnets.iter().find_map(|subnet| subnet.parse().ok()).ok_or_else(|| EngineError::Refused {
        thing,
        step: "find the subnet that the engine chose for it",
        said: format!("the subnets are {subnets:?}"),
    })
}

pub(super) async fn owned(api: &Api) -> Result<Vec<Owned>> {
    let options = ListNetworksOptionsBuilder::default().filters(&ours()).build();
    let networks = api.list_networks(Some(options)).await.map_err(refused("networks", "list them"))?;
    let owned = networks.into_iter().filter_map(|n| as_owned(What::Network, n.id, n.name, n.labels));
    Ok(owned.collect())
}

/// A container that is being removed holds its network for a moment: then, and only then, it is tried again.
pub(super) async fn remove(api: &Api, network: &Owned) -> Result<()> {
    let mut retry = tokio::time::interval(RETRY);
    for attempt in 1.. {
        retry.tick().await;
        match api.remove_network(&network.id).await {
            Ok(()) => break,
            Err(error) if status(&error) == Some(404) => break,
            Err(error) if attempt < TRIES && in_use(&words(&error)) && are_going(api, &network.id).await => {}
            Err(error) => return Err(refused(&format!("network {}", network.name), "remove it")(error)),
        }
    }
    Ok(())
}

/// Docker says the first; Podman, the second.
fn in_use(said: &str) -> bool {
    said.contains("active endpoints") || said.contains("network is being used")
}

/// Whether every container on the network has ended, or is ending.
async fn are_going(api: &Api, network: &str) -> bool {
    let Ok(found) = api.inspect_network(network, None).await else {
        return true;
    };
    let containers: HashMap<_, _> = found.containers.unwrap_or_default();
    for id in containers.keys() {
        let state = api.inspect_container(id, None).await.ok().and_then(|container| container.state);
        if state.is_some_and(|state| state.running == Some(true)) {
            return false;
        }
    }
    true
}
