//! Serves the RPCs of other nodes.

use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::FutureExt;
use futures::future::{BoxFuture, Either, select};
use futures::stream::{self, Stream};
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http2::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_stream::StreamExt;
use tonic::Status;
use tonic::body::Body;
use tonic::service::Routes;
use tower::Service;

use crate::dialer::BoxedIo;
use crate::greeting::Greeting;
use crate::link::{CONNECTION_WINDOW_BYTES, STREAM_WINDOW_BYTES};
use crate::peers::{Identity, Peers};
use crate::services::Services;

const CONNECTIONS_MAX: usize = 1024;

/// Most calls of one connection that are under way.
const STREAMS_MAX: u32 = 1024;

/// Callers look after their connections themselves; this only clears what they left behind.
const PING_INTERVAL: Duration = Duration::from_secs(5);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How long calls that are under way may go on after the shutdown began.
const GRACE: Duration = Duration::from_millis(500);

/// After an accept that failed, because there are no file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// Serves until `shutdown`, then lets calls that are under way end for a moment.
pub async fn serve(
    peers: Peers,
    incoming: impl Stream<Item = io::Result<BoxedIo>> + Send,
    services: Services,
    shutdown: impl Future<Output = ()> + Send,
) {
    let service = Greeted {
        identity: Arc::clone(peers.identity()),
        routes: services.clone().routes(),
        services,
    };
    let (ending, ended) = watch::channel(false);
    let mut connections = JoinSet::new();
    let (mut incoming, mut shutdown) = (pin!(incoming), pin!(shutdown));
    loop {
        tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(_) = connections.join_next() => {}
            io = incoming.next(), if connections.len() < CONNECTIONS_MAX => match io {
                Some(Ok(io)) => {
                    let connection =
                        serve_connection(io, service.clone(), ended.clone(), peers.runtime().clone());
                    connections.spawn_on(connection, peers.runtime());
                }
                Some(Err(error)) => {
                    tracing::warn!(%error, "cannot accept a peer's connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
                None => break,
            },
        }
    }
    ending.send_replace(true);
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(GRACE, all).await;
    connections.shutdown().await;
}

/// The connections that a listener accepts.
pub fn accept(listener: TcpListener) -> impl Stream<Item = io::Result<BoxedIo>> + Send {
    stream::unfold(listener, async |listener| {
        let accepted = listener.accept().await.and_then(|(stream, _)| {
            stream.set_nodelay(true)?;
            Ok(Box::new(stream) as BoxedIo)
        });
        Some((accepted, listener))
    })
}

async fn serve_connection(
    io: BoxedIo,
    service: Greeted,
    mut ended: watch::Receiver<bool>,
    runtime: Handle,
) {
    let connection = Builder::new(HandleExecutor(runtime))
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW_BYTES)
        .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
        .max_concurrent_streams(STREAMS_MAX)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .serve_connection(TokioIo::new(io), TowerToHyperService::new(service));
    let mut connection = pin!(connection);
    let ending = pin!(async {
        let _ = ended.wait_for(|ended| *ended).await;
    });
    let result = match select(connection.as_mut(), ending).await {
        Either::Left((result, _)) => result,
        Either::Right(_) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection of a peer ended");
    }
}

/// Spawns hyper's tasks on the runtime of the connections, whoever polls them.
#[derive(Debug, Clone)]
pub(crate) struct HandleExecutor(pub(crate) Handle);

impl<F> hyper::rt::Executor<F> for HandleExecutor
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    fn execute(&self, future: F) {
        self.0.spawn(future);
    }
}

/// Lets only those through to the services who may call them.
#[derive(Clone)]
struct Greeted {
    identity: Arc<Identity>,
    services: Services,
    routes: Routes,
}

impl Greeted {
    fn check(&self, request: &Request<Incoming>) -> Result<Greeting, Status> {
        let refusal = |reason: String| Status::failed_precondition(reason);
        let greeting = Greeting::read_from(request.headers()).map_err(refusal)?;
        let for_members = !self.services.is_for_anyone(request.uri().path());
        let checked = greeting.check(self.identity.node, self.identity.cluster(), for_members);
        checked.map_err(refusal)?;
        if for_members && self.identity.has_expelled(greeting.caller) {
            let caller = greeting.caller;
            let reason = format!("node {caller} was removed from the cluster");
            return Err(Status::permission_denied(reason));
        }
        Ok(greeting)
    }
}

impl Service<Request<Incoming>> for Greeted {
    type Response = Response<Body>;
    type Error = std::convert::Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Self::Error>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: Request<Incoming>) -> Self::Future {
        let answer = match self.check(&request) {
            Ok(greeting) => {
                request.extensions_mut().insert(greeting);
                Either::Left(self.routes.call(request))
            }
            Err(refusal) => {
                let (reason, path) = (refusal.message(), request.uri().path());
                tracing::debug!(reason, path, "a caller was refused");
                Either::Right(futures::future::ready(Ok(refusal.into_http())))
            }
        };
        answer.boxed()
    }
}
