//! One connection from accept to close.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::request::Parts;
use http::{HeaderName, HeaderValue, Request, Response, StatusCode};
use hyper::body::{Body, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use squorum_types::limits::{BATCH_BYTES_MAX, MESSAGE_BYTES_MAX};
use squorum_types::service::QueueService;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};

use super::Options;
use super::answer_body::AnswerBody;
use super::exchange::{Exchange, Outgoing};
use super::guarded_stream::GuardedStream;
use super::options::{BODY_BYTES_MAX, DISCARDED_BYTES_MAX, SMALL_ANSWER_BYTES};
use super::request_body::{self, RequestBodyError};
use crate::error::ApiError;
use crate::front_end::{FrontEnd, Peers};
use crate::generated::Action;
use crate::protocol::{Answer, action_of, protocol_of};
use crate::request_figures::{OpenRequest, RequestFigures};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const QUERY_ERROR: HeaderName = HeaderName::from_static("x-amzn-query-error");
/// hyper's buffer of a connection in each direction: a head must fit.
const BUFFER_BYTES_MAX: usize = 128 * 1024;

/// What all connections share.
pub(super) struct Shared<S> {
    pub(super) front_end: FrontEnd<S>,
    pub(super) options: Options,
    /// Permits for bytes of request bodies.
    pub(super) request_bytes: Arc<Semaphore>,
    /// Permits for bytes of large answers.
    pub(super) answer_bytes: Arc<Semaphore>,
    pub(super) requests: Arc<RequestFigures>,
}

struct Connection<S> {
    shared: Arc<Shared<S>>,
    exchange: Arc<Exchange>,
    peers: Peers,
}

/// Serves a connection until either side ends it. When `shutdown` turns true, the request under way
/// is the last.
pub(super) async fn serve<S: QueueService>(
    shared: Arc<Shared<S>>,
    stream: TcpStream,
    client: SocketAddr,
    local: SocketAddr,
    mut shutdown: watch::Receiver<bool>,
) {
    // An answer is one write; nothing is gained by waiting for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %client, "cannot set TCP_NODELAY");
        return;
    }
    let exchange = Arc::new(Exchange::new(&shared.options));
    let write_timeout = shared.options.write_timeout;
    let stream = GuardedStream::new(stream, exchange.clone(), write_timeout);
    let connection = Arc::new(Connection {
        shared,
        exchange,
        peers: Peers { client, local },
    });
    let service = service_fn(move |request| {
        let connection = connection.clone();
        async move { Ok::<_, Infallible>(connection.respond(request).await) }
    });
    // A client that closes its half has hung up: hyper then drops the request under way. The
    // stream's deadlines stand in for hyper's head timeout, which would cut idle connections too.
    let http = http1::Builder::new()
        .half_close(false)
        .header_read_timeout(None)
        .max_buf_size(BUFFER_BYTES_MAX)
        .serve_connection(TokioIo::new(stream), service);
    let mut http = std::pin::pin!(http);
    let ended = tokio::select! {
        ended = http.as_mut() => ended,
        () = begun(&mut shutdown) => {
            http.as_mut().graceful_shutdown();
            http.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, %client, "connection ended");
    }
}

/// Ends when a shutdown has begun, or when nobody can begin one any more.
async fn begun(shutdown: &mut watch::Receiver<bool>) {
    let _ = shutdown.wait_for(|begun| *begun).await;
}

impl<S: QueueService> Connection<S> {
    async fn respond(&self, request: Request<Incoming>) -> Response<AnswerBody> {
        let request_id = self.shared.front_end.request_id();
        let (head, body) = request.into_parts();
        let mut open = self.shared.requests.begin(action_of(&head).ok());
        let answer = self.answer(&head, body, &request_id, &mut open).await;
        let (answer, outgoing) = self.outgoing(&head, answer, &request_id);
        open.answered(answer.class);
        self.exchange.answer();
        let body = AnswerBody::new(answer.body, outgoing, self.exchange.clone());
        let mut response = Response::new(body);
        *response.status_mut() =
            StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        headers.insert(http::header::CONTENT_TYPE, answer.content_type);
        if let Ok(request_id) = HeaderValue::from_maybe_shared(bytes::Bytes::from(request_id)) {
            headers.insert(REQUEST_ID, request_id);
        }
        if let Some(query_error) = answer.query_error {
            headers.insert(QUERY_ERROR, query_error);
        }
        response
    }

    async fn answer(
        &self,
        head: &Parts,
        body: Incoming,
        request_id: &str,
        open: &mut OpenRequest,
    ) -> Answer {
        self.exchange.wait_for_body(self.body_timeout(&body));
        let body = request_body::read(body, &self.shared.request_bytes).await;
        self.exchange.handle();
        open.has_arrived();
        match body {
            Ok(body) => {
                let front_end = &self.shared.front_end;
                let answer = front_end.answer(head, &body.bytes, self.peers, request_id, open);
                answer.await
            }
            Err(error) => protocol_of(head).refuse(&body_error(head, &error), request_id),
        }
    }

    fn body_timeout(&self, body: &Incoming) -> Duration {
        let options = &self.shared.options;
        let bytes_max = DISCARDED_BYTES_MAX as u64;
        let bytes = body.size_hint().exact().unwrap_or(BODY_BYTES_MAX as u64);
        let bytes = bytes.min(bytes_max);
        let transfer = Duration::from_secs(bytes / options.body_bytes_per_second_min.max(1));
        // The stream's timer may be set for the head's deadline; it must not ring too late.
        options.body_timeout.max(options.head_timeout) + transfer
    }

    /// Takes a large answer's share of memory. Without one, the answer and its delivery are dropped,
    /// and the messages go to somebody else.
    fn outgoing(&self, head: &Parts, mut answer: Answer, request_id: &str) -> (Answer, Outgoing) {
        let mut permit = None;
        if answer.body.len() > SMALL_ANSWER_BYTES {
            let count = u32::try_from(answer.body.len()).unwrap_or(u32::MAX);
            match self
                .shared
                .answer_bytes
                .clone()
                .try_acquire_many_owned(count)
            {
                Ok(share) => permit = Some(share),
                Err(_) => answer = protocol_of(head).refuse(&ApiError::Throttled, request_id),
            }
        }
        let delivery = answer.delivery.take();
        (answer, Outgoing { delivery, permit })
    }
}

/// What AWS answers to a body that is too large depends on what it was to be.
fn body_error(head: &Parts, error: &RequestBodyError) -> ApiError {
    match error {
        RequestBodyError::Broken => ApiError::Serialization {
            message: "Request body is incomplete".to_owned(),
        },
        RequestBodyError::Late | RequestBodyError::NoShare => ApiError::Unavailable,
        RequestBodyError::TooLarge(bytes) => match action_of(head) {
            Ok(Action::SendMessage) => ApiError::MessageTooLong {
                bytes_max: MESSAGE_BYTES_MAX as u32,
            },
            Ok(Action::SendMessageBatch) => ApiError::BatchTooLong {
                bytes_max: BATCH_BYTES_MAX,
                sent_bytes: *bytes,
            },
            _ => ApiError::RequestTooLarge {
                bytes_max: BODY_BYTES_MAX,
            },
        },
    }
}
