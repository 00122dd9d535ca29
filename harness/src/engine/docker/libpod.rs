//! What Podman does by its own API only: a network without a name server on its bridge.

use bollard::Docker as Api;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use hyper::client::conn::http1::handshake;
use hyper::header::{CONTENT_TYPE, HOST};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};

use super::network::{self, exhausted};
use super::{Docker, EngineError, Labels, Network, Result};
use crate::engine::Bridge;

/// Podman 4 and 5 understand it.
const CREATE: &str = "/v4.0.0/libpod/networks/create";

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
    let (status, said) = post(&engine.at, CREATE, &wanted).await.map_err(&refused)?;
    if !status.is_success() {
        let words = serde_json::from_slice::<Refusal>(&said).map(|refusal| refusal.cause_or_message());
        let said = words.unwrap_or_else(|_| format!("{status}: {}", String::from_utf8_lossy(&said)));
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

impl Refusal {
    fn cause_or_message(self) -> String {
        if self.message.is_empty() { self.cause } else { self.message }
    }
}

/// The name of a network's bridge. Chosen here: two networks that are made side by side could get one from Podman.
fn bridge(network: &str) -> String {
    let hash: String = Sha256::digest(network).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("al-{}", &hash[..NAME_DIGITS])
}

async fn post(at: &str, path: &str, body: &Value) -> std::result::Result<(StatusCode, Bytes), String> {
    let words = |error: std::io::Error| error.to_string();
    if let Some(socket) = at.strip_prefix("unix://") {
        return send(UnixStream::connect(socket).await.map_err(words)?, path, body).await;
    }
    let address = at.strip_prefix("tcp://").unwrap_or(at).trim_end_matches('/');
    send(TcpStream::connect(address).await.map_err(words)?, path, body).await
}

async fn send(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    path: &str,
    body: &Value,
) -> std::result::Result<(StatusCode, Bytes), String> {
    let words = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = handshake(TokioIo::new(stream)).await.map_err(words)?;
    let _runs_on = tokio::spawn(connection);
    let request = Request::post(path).header(HOST, "podman").header(CONTENT_TYPE, "application/json");
    let request = request.body(Full::new(Bytes::from(body.to_string()))).map_err(|error| error.to_string())?;
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
