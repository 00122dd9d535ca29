//! A query's way: what is decided for it, who knows the answer, what becomes of it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hickory_proto::op::{
    DEFAULT_MAX_PAYLOAD_LEN, Edns, Header, HeaderCounts, LowerQuery, Message, MessageType, OpCode,
};
use hickory_proto::op::{Metadata, ResponseCode};
use hickory_proto::rr::DNSClass;
use hickory_proto::rr::rdata::opt::{EdnsCode, EdnsOption, NSIDPayload};
use hickory_server::net::runtime::Time;
use hickory_server::net::xfer::Protocol;
use hickory_server::server::{Request, RequestHandler, ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponseBuilder;

use crate::behaviour::{Asked, Decision, Force, Transport};
use crate::capture::Capture;
use crate::forge::forge;
use crate::forward::Forwarder;
use crate::zones::Zones;
use crate::{chaos, wait};

/// The name server.
pub(crate) struct Node {
    /// Who it is.
    pub(crate) name: String,
    /// The same for NSID.
    pub(crate) nsid: NSIDPayload,
    /// What it knows itself.
    pub(crate) zones: Zones,
    /// Who knows the rest.
    pub(crate) forward: Option<Forwarder>,
    /// How it misbehaves.
    pub(crate) force: Arc<Mutex<Force>>,
}

#[async_trait::async_trait]
impl RequestHandler for Node {
    async fn handle_request<R: ResponseHandler, T: Time>(&self, request: &Request, response: R) -> ResponseInfo {
        let query = match request.queries.queries() {
            [query] => Some(query),
            _ => None,
        };
        let decision = self.decide(request, query);
        if decision.silent {
            return told(request, ResponseCode::NoError);
        }
        let Some(mut answer) = self.answer::<T>(request, query).await else {
            return told(request, ResponseCode::ServFail);
        };
        forge(&mut answer, &decision, query.and_then(|query| self.zones.soa(query.name())));
        if decision.delay > Duration::ZERO {
            return later(request, response, answer, decision.delay);
        }
        send(request, response, &answer).await
    }
}

impl Node {
    fn decide(&self, request: &Request, query: Option<&LowerQuery>) -> Decision {
        let transport = if request.protocol() == Protocol::Udp { Transport::Udp } else { Transport::Tcp };
        let asked = Asked { transport, name: query.map(LowerQuery::name) };
        self.force.lock().unwrap_or_else(PoisonError::into_inner).decide(&asked)
    }

    /// The answer as it should be.
    async fn answer<T: Time>(&self, request: &Request, query: Option<&LowerQuery>) -> Option<Message> {
        let plain = request.metadata.op_code == OpCode::Query && request.edns.as_ref().is_none_or(|e| e.version() == 0);
        let mut answer = match (query, &self.forward) {
            (Some(query), _) if plain && query.query_class() != DNSClass::IN => {
                chaos::answer(&request.metadata, query, &self.name)
            }
            (Some(query), Some(upstream)) if plain && self.zones.soa(query.name()).is_none() => {
                upstream.ask(request, query.original()).await
            }
            // hickory's own, EDNS included.
            _ => {
                let capture = Capture::default();
                self.zones.catalog.handle_request::<_, T>(request, capture.clone()).await;
                return capture.take();
            }
        };
        answer.edns = request.edns.as_ref().map(|asked| self.edns(asked));
        Some(answer)
    }

    /// NSID is told to those who ask for it (RFC 5001, section 2.2).
    fn edns(&self, asked: &Edns) -> Edns {
        let mut edns = Edns::new();
        edns.set_max_payload(asked.max_payload().clamp(512, DEFAULT_MAX_PAYLOAD_LEN));
        edns.set_dnssec_ok(asked.flags().dnssec_ok);
        if asked.option(EdnsCode::NSID).is_some() {
            edns.options_mut().insert(EdnsOption::NSID(self.nsid.clone()));
        }
        edns
    }
}

async fn send<R: ResponseHandler>(request: &Request, mut response: R, answer: &Message) -> ResponseInfo {
    let message = MessageResponseBuilder::new(&request.queries, answer.edns.as_ref()).build(
        answer.metadata,
        &answer.answers,
        &answer.authorities,
        [],
        &answer.additionals,
    );
    match response.send_response(message).await {
        Ok(info) => info,
        Err(error) => {
            eprintln!("anycast-hickory: cannot answer {}: {error}", request.src());
            told(request, ResponseCode::ServFail)
        }
    }
}

/// Other queries on the same connection do not wait for it.
fn later<R: ResponseHandler>(request: &Request, response: R, answer: Message, span: Duration) -> ResponseInfo {
    if let Ok(request) = Request::from_bytes(request.as_slice().to_vec(), request.src(), request.protocol()) {
        tokio::spawn(async move {
            wait::delay(span).await;
            send(&request, response, &answer).await;
        });
    }
    told(request, ResponseCode::NoError)
}

/// What hickory is told about an answer that was not sent, or not yet.
fn told(request: &Request, code: ResponseCode) -> ResponseInfo {
    let mut metadata = Metadata::new(request.metadata.id, MessageType::Response, request.metadata.op_code);
    metadata.response_code = code;
    ResponseInfo::from(Header { metadata, counts: HeaderCounts::default() })
}
