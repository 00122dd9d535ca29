//! What Podman does by its own API only: a network without a name server on its bridge, and containers in states that Docker has
//! no word for (`stopped`).

use std::collections::HashMap;

use bollard::Docker as Api;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::network::{self, exhausted};
use super::{Docker, EngineError, Labels, Network, NodeState, Owned, Result, What, as_owned, ours};
use crate::engine::{Bridge, Life};

/// Podman 4 and 5 understand it.
const API: &str = "/v4.0.0/libpod";

/// An interface's name has 15 bytes at most (IFNAMSIZ in if.h).
const NAME_DIGITS: usize = 12;

/// Makes a network whose bridge has no name server. It has an address only where netavark makes the bridge: the lab's guard makes it
/// before.
///
/// # Errors
/// [`EngineError::NoSubnet`] when all are in use; else Podman's words.
pub(super) async fn create_network(engine: &Docker, name: &str, labels: &Labels) -> Result<Network> {
    let refused = |said: String| EngineError::Refused { thing: format!("network {name}"), step: "create it", said };
    let bridge = bridge(name);
    let wanted = json!({
        "name": name,
        "driver": "bridge",
        "network_interface": bridge,
        "dns_enabled": false,
        "options": { "no_default_route": "true" },
        "labels": labels.to_map(),
    });
    let (status, said) = ask(&engine.at, Method::POST, "/networks/create", Some(&wanted)).await.map_err(&refused)?;
    if !status.is_success() {
        let said = words(status, &said);
        return Err(match exhausted(&said) {
            true => EngineError::NoSubnet { network: name.to_owned(), said },
            false => refused(said),
        });
    }
    let made: Made = serde_json::from_slice(&said).map_err(|error| refused(format!("its answer: {error}")))?;
    complete(&engine.api, name, made).await
}

async fn complete(api: &Api, name: &str, made: Made) -> Result<Network> {
    match network::carrier(api, &made.id, name).await {
        Ok(carrier) => {
            Ok(Network { id: made.id, carrier, bridge: Some(Bridge::WithFirstNode(made.network_interface)) })
        }
        Err(error) => {
            drop(api.remove_network(&made.id).await);
            Err(error)
        }
    }
}

/// Everything in containers that carries our labels.
///
/// # Errors
/// Podman's words.
pub(super) async fn owned(at: &str) -> Result<Vec<Owned>> {
    // Nothing in our key needs another escape.
    let filters = json!(ours()).to_string();
    let filters =
        filters.replace('{', "%7B").replace('}', "%7D").replace('"', "%22").replace('[', "%5B").replace(']', "%5D");
    let path = format!("/containers/json?all=true&filters={filters}");
    let listed: Vec<Listed> = get(at, "containers", "list them", &path).await?;
    let owned = listed.into_iter().filter_map(|container| {
        let name = container.names.into_iter().next();
        as_owned(What::Container, Some(container.id), name, Some(container.labels))
    });
    Ok(owned.collect())
}

/// How a container is; one that is not there has ended.
///
/// # Errors
/// Podman's words.
pub(super) async fn state(at: &str, id: &str) -> Result<NodeState> {
    let thing = format!("container {id}");
    let path = format!("/containers/{id}/json");
    let ended = NodeState { life: Life::Ended, networks: Vec::new(), out_of_memory: false };
    let Some(found) = find::<Inspected>(at, &thing, "inspect it", &path).await? else { return Ok(ended) };
    let life = match found.state.status.as_str() {
        "paused" => Life::Paused,
        "running" => Life::Running,
        _ => Life::Ended,
    };
    let networks = found.network_settings.networks.unwrap_or_default().into_values();
    let networks = networks.map(|network| network.network_id).collect();
    Ok(NodeState { life, networks, out_of_memory: found.state.oom_killed })
}

async fn get<T: DeserializeOwned>(at: &str, thing: &str, step: &'static str, path: &str) -> Result<T> {
    let missing = || EngineError::Refused { thing: thing.to_owned(), step, said: "not found".to_owned() };
    find(at, thing, step, path).await?.ok_or_else(missing)
}

/// `None` is for what is not there.
async fn find<T: DeserializeOwned>(at: &str, thing: &str, step: &'static str, path: &str) -> Result<Option<T>> {
    let refused = |said: String| EngineError::Refused { thing: thing.to_owned(), step, said };
    let (status, said) = ask(at, Method::GET, path, None).await.map_err(refused)?;
    match status {
        StatusCode::NOT_FOUND => Ok(None),
        status if status.is_success() => {
            serde_json::from_slice(&said).map(Some).map_err(|error| refused(error.to_string()))
        }
        status => Err(refused(words(status, &said))),
    }
}

/// A container in a list.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Listed {
    id: String,
    #[serde(default)]
    names: Vec<String>,
    #[serde(default)]
    labels: HashMap<String, String>,
}

/// A container.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Inspected {
    state: State,
    network_settings: NetworkSettings,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct State {
    status: String,
    #[serde(default, rename = "OOMKilled")]
    oom_killed: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct NetworkSettings {
    networks: Option<HashMap<String, Endpoint>>,
}

#[derive(Deserialize)]
struct Endpoint {
    #[serde(rename = "NetworkID")]
    network_id: String,
}

/// A network that Podman has made.
#[derive(Deserialize)]
struct Made {
    id: String,
    network_interface: String,
}

/// Why Podman did not.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    cause: String,
    #[serde(default)]
    message: String,
}

/// Podman's words for what it did not do.
fn words(status: StatusCode, said: &[u8]) -> String {
    match serde_json::from_slice::<Refusal>(said) {
        Ok(refusal) if !refusal.message.is_empty() => refusal.message,
        Ok(refusal) if !refusal.cause.is_empty() => refusal.cause,
        _ => format!("{status}: {}", String::from_utf8_lossy(said)),
    }
}

/// The name of a network's bridge. Chosen here: two networks that are made side by side could get one from Podman.
fn bridge(network: &str) -> String {
    let hash: String = Sha256::digest(network).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("al-{}", &hash[..NAME_DIGITS])
}

async fn ask(
    at: &str,
    method: Method,
    path: &str,
    body: Option<&Value>,
) -> std::result::Result<(StatusCode, Bytes), String> {
    let words = |error: std::io::Error| error.to_string();
    let request = Request::builder().method(method).uri(format!("{API}{path}")).header(HOST, "podman");
    let body = body.map(|body| Bytes::from(body.to_string())).unwrap_or_default();
    let request = request.header(CONTENT_TYPE, "application/json").body(Full::new(body));
    let request = request.map_err(|error| error.to_string())?;
    if let Some(socket) = at.strip_prefix("unix://") {
        return send(UnixStream::connect(socket).await.map_err(words)?, request).await;
    }
    let address = at.strip_prefix("tcp://").unwrap_or(at).trim_end_matches('/');
    send(TcpStream::connect(address).await.map_err(words)?, request).await
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    request: Request<Full<Bytes>>,
) -> std::result::Result<(StatusCode, Bytes), String> {
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(words)?;
    let _runs_on = tokio::spawn(connection);
    let response = sender.send_request(request).await.map_err(words)?;
    let status = response.status();
    Ok((status, response.into_body().collect().await.map_err(words)?.to_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bridges_name_fits_an_interface_and_is_its_networks_own() {
        let (one, other) = (bridge("anycast-lab-kill-named-1-servers"), bridge("anycast-lab-kill-named-2-servers"));
        assert_eq!(one.len(), 15);
        assert_ne!(one, other);
    }
}
