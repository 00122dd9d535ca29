//! Asks another server by hickory-resolver.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use hickory_proto::op::{
    DEFAULT_MAX_PAYLOAD_LEN, DnsRequest, DnsRequestOptions, Edns, Message, Metadata, Query, ResponseCode,
};
use hickory_resolver::config::{ConnectionConfig, NameServerConfig, ResolverOpts};
use hickory_resolver::{NameServerPool, PoolContext, TlsConfig};
use hickory_server::net::runtime::TokioRuntimeProvider;
use hickory_server::net::xfer::Protocol;
use hickory_server::net::{DnsError, DnsHandle, NetError};
use hickory_server::server::Request;

/// How long the other server has.
const TIMEOUT: Duration = Duration::from_secs(4);

type Pool = NameServerPool<TokioRuntimeProvider>;

/// The server that is asked about other zones.
#[derive(Clone)]
pub(crate) struct Forwarder {
    upstream: SocketAddr,
    /// For queries that came over UDP: what does not fit into a datagram is asked again over TCP.
    udp: Pool,
    /// For queries that came over TCP.
    tcp: Pool,
}

impl Forwarder {
    /// Nothing is sent yet.
    pub(crate) fn new(upstream: SocketAddr) -> Result<Self, NetError> {
        let udp = pool(upstream, vec![ConnectionConfig::udp(), ConnectionConfig::tcp()])?;
        let tcp = pool(upstream, vec![ConnectionConfig::tcp()])?;
        Ok(Self { upstream, udp, tcp })
    }

    /// Returns the other server's answer; SERVFAIL when there is none.
    pub(crate) async fn ask(&self, request: &Request, query: &Query) -> Message {
        let mut question = Message::query();
        question.metadata.recursion_desired = request.metadata.recursion_desired;
        question.metadata.checking_disabled = request.metadata.checking_disabled;
        question.add_query(query.clone());
        if let Some(asked) = &request.edns {
            let mut edns = Edns::new();
            edns.set_max_payload(DEFAULT_MAX_PAYLOAD_LEN).set_dnssec_ok(asked.flags().dnssec_ok);
            question.set_edns(edns);
        }
        let pool = if request.protocol() == Protocol::Udp { &self.udp } else { &self.tcp };
        let answer = pool.send(DnsRequest::new(question, DnsRequestOptions::default())).next().await;

        let mut mine = Message::query();
        mine.metadata = Metadata::response_from_request(&request.metadata);
        mine.metadata.recursion_available = true;
        match answer.unwrap_or(Err(NetError::NoConnections)) {
            Ok(answer) => {
                let answer = answer.into_message();
                mine.metadata.recursion_available = answer.metadata.recursion_available;
                mine.metadata.authentic_data = answer.metadata.authentic_data;
                mine.metadata.response_code = answer.metadata.response_code;
                mine.answers = answer.answers;
                mine.authorities = answer.authorities;
                mine.additionals = answer.additionals;
            }
            // The resolver makes errors of answers without records: they are answers here.
            Err(NetError::Dns(DnsError::NoRecordsFound(none))) => {
                mine.metadata.response_code = none.response_code;
                mine.authorities = none.authorities.map(|records| records.to_vec()).unwrap_or_default();
            }
            Err(NetError::Dns(DnsError::ResponseCode(code))) => mine.metadata.response_code = code,
            Err(error) => {
                eprintln!("anycast-hickory: forwarding {query} to {}: {error}", self.upstream);
                mine.metadata.response_code = ResponseCode::ServFail;
            }
        }
        mine
    }
}

fn pool(upstream: SocketAddr, mut connections: Vec<ConnectionConfig>) -> Result<Pool, NetError> {
    for connection in &mut connections {
        connection.port = upstream.port();
    }
    let mut options = ResolverOpts::default();
    options.timeout = TIMEOUT;
    let server = NameServerConfig::new(upstream.ip(), true, connections);
    let context = Arc::new(PoolContext::new(options, TlsConfig::new()?));
    Ok(NameServerPool::from_config([server], context, TokioRuntimeProvider::default()))
}
