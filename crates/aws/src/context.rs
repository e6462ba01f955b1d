//! What every action's handler gets beside its request.

use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use squorum_types::Caller;
use squorum_types::service::{QueueInfo, QueueService};

use crate::error::ApiError;
use crate::message_attributes::is_trace_header;
use crate::shape::Text;
use crate::validation::QueueAddress;

#[derive(Debug)]
pub(crate) struct Context<'a, S> {
    pub(crate) service: &'a S,
    pub(crate) caller: &'a Caller,
    pub(crate) head: &'a Parts,
    /// The request's body, from which texts borrow.
    pub(crate) source: &'a Bytes,
    /// Scheme and host that clients know this service by.
    pub(crate) base_url: &'a str,
}

impl<S: QueueService> Context<'_, S> {
    /// The queue that a request means: by its `QueueUrl`, else by the path it was sent to.
    pub(crate) async fn queue(&self, url: Option<&Text<'_>>) -> Result<Arc<QueueInfo>, ApiError> {
        let path = self.head.uri.path();
        let url = match url.map(Text::as_str) {
            Some(url) if !url.is_empty() => url,
            _ if path.len() > 1 => path,
            _ => return Err(ApiError::missing("QueueUrl")),
        };
        let address = QueueAddress::parse(url)?;
        let account = address.account.as_ref().unwrap_or(&self.caller.account);
        let found = self.service.find_queue(self.caller, account, &address.name);
        Ok(found.await?)
    }

    pub(crate) fn queue_url(&self, queue: &QueueInfo) -> String {
        let account = queue.account.as_str();
        [self.base_url, "/", account, "/", queue.name.as_str()].concat()
    }

    /// The trace header of the request itself, if it can be kept.
    pub(crate) fn trace_header(&self) -> Option<&str> {
        let value = self.head.headers.get("x-amzn-trace-id")?;
        value.to_str().ok().filter(|text| is_trace_header(text))
    }
}
