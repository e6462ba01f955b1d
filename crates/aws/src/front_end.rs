//! One request in, one answer out.

use std::net::SocketAddr;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::HeaderValue;
use http::request::Parts;
use squorum_types::service::QueueService;
use squorum_types::{Entropy, MessageId};
use tracing::Instrument;

use crate::actions;
use crate::context::Context;
use crate::credential;
use crate::error::ApiError;
use crate::generated::Action;
use crate::hex::uuid;
use crate::protocol::{Answer, Asked, protocol_of, query};
use crate::request_figures::OpenRequest;

/// The two ends of a connection.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Peers {
    pub(crate) client: SocketAddr,
    pub(crate) local: SocketAddr,
}

/// Everything of the front end that does not depend on a connection.
pub(crate) struct FrontEnd<S> {
    service: Arc<S>,
    entropy: Arc<dyn Entropy>,
    /// Scheme and host of queue URLs; `None` takes the host that each client used.
    public_url: Option<String>,
}

impl<S: QueueService> FrontEnd<S> {
    pub(crate) fn new(
        service: Arc<S>,
        entropy: Arc<dyn Entropy>,
        public_url: Option<String>,
    ) -> FrontEnd<S> {
        let public_url = public_url.map(|url| url.trim_end_matches('/').to_owned());
        FrontEnd {
            service,
            entropy,
            public_url,
        }
    }

    /// An id for a request that has just arrived.
    pub(crate) fn request_id(&self) -> String {
        let mut random = [0; 16];
        self.entropy.fill(&mut random);
        uuid(&MessageId::from_random(random).0)
    }

    /// Answers a request whose body has arrived whole. A panic on the way is an answer too. `open`
    /// learns what it asks for.
    pub(crate) async fn answer(
        &self,
        head: &Parts,
        body: &Bytes,
        peers: Peers,
        request_id: &str,
        open: &mut OpenRequest,
    ) -> Answer {
        let protocol = protocol_of(head);
        let (action, body) = match protocol.read(head, body) {
            Ok(Asked::Action(action, body)) => (action, body),
            Ok(Asked::CallerIdentity(notation)) => {
                let caller = credential::caller(head, peers.client.ip(), request_id.to_owned());
                return query::caller_identity(&caller, notation, request_id);
            }
            Ok(Asked::Nothing) => return Answer::unknown_operation(),
            Err(error) => return protocol.refuse(&error, request_id),
        };
        open.asks_for(action);
        let caller = credential::caller(head, peers.client.ip(), request_id.to_owned());
        let base_url = self.base_url(head, peers.local);
        let context = Context {
            service: &*self.service,
            caller: &caller,
            head,
            source: &body,
            base_url: &base_url,
        };
        match self.handle(action, &context, request_id).await {
            Ok(answer) => protocol.answer(action, answer, request_id),
            Err(error) => protocol.refuse(&error, request_id),
        }
    }

    async fn handle(
        &self,
        action: Action,
        context: &Context<'_, S>,
        request_id: &str,
    ) -> Result<Answer, ApiError> {
        let handled = caught(Box::pin(actions::dispatch(action, context)));
        let handled = if tracing::enabled!(tracing::Level::DEBUG) {
            let span = tracing::debug_span!("request", action = action.as_str(), request_id);
            handled.instrument(span).await
        } else {
            handled.await
        };
        match handled {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(error)) => {
                tracing::debug!(action = action.as_str(), request_id, %error, "refused");
                Err(error)
            }
            Err(Panicked) => {
                tracing::error!(action = action.as_str(), request_id, "request panicked");
                Err(ApiError::Internal)
            }
        }
    }

    fn base_url(&self, head: &Parts, local_address: SocketAddr) -> String {
        if let Some(url) = &self.public_url {
            return url.clone();
        }
        let host = head.headers.get(http::header::HOST);
        match host.map(HeaderValue::to_str) {
            Some(Ok(host)) if !host.is_empty() => ["http://", host].concat(),
            _ => format!("http://{local_address}"),
        }
    }
}

/// A future that panicked. The panic itself has been reported by the panic hook.
struct Panicked;

/// Runs a future to its end, be it a panic. Nothing of it is used afterwards.
async fn caught<T>(mut future: Pin<Box<impl Future<Output = T>>>) -> Result<T, Panicked> {
    std::future::poll_fn(|cx| {
        match std::panic::catch_unwind(AssertUnwindSafe(|| future.as_mut().poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(output)) => Poll::Ready(Ok(output)),
            Err(_) => Poll::Ready(Err(Panicked)),
        }
    })
    .await
}
