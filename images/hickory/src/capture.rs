//! hickory's answer, as a message that can be changed before it is sent.

use std::sync::{Arc, Mutex, PoisonError};

use hickory_proto::op::Message;
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::BinEncoder;
use hickory_server::net::NetError;
use hickory_server::server::{ResponseHandler, ResponseInfo};
use hickory_server::zone_handler::MessageResponse;

/// Takes the answer instead of sending it.
#[derive(Clone, Default)]
pub(crate) struct Capture(Arc<Mutex<Option<Message>>>);

impl Capture {
    /// The answer, if there was one.
    pub(crate) fn take(&self) -> Option<Message> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[async_trait::async_trait]
impl ResponseHandler for Capture {
    async fn send_response<'a>(
        &mut self,
        response: MessageResponse<
            '_,
            'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
            impl Iterator<Item = &'a Record> + Send + 'a,
        >,
    ) -> Result<ResponseInfo, NetError> {
        let mut octets = Vec::with_capacity(512);
        let mut encoder = BinEncoder::new(&mut octets);
        // It is cut to what the asker takes when it is sent.
        encoder.set_max_size(u16::MAX);
        let info = response.destructive_emit(&mut encoder)?;
        let message = Message::from_vec(&octets).map_err(|error| NetError::from(error.to_string()))?;
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(message);
        Ok(info)
    }
}
